"""Write a checkpoint as ONNX graphs, so that it runs without torch.

A folder of graphs holds `config.json`, `tokenizer.json`, `export.json` (format, precision), `tower.onnx`,
`connector.onnx`, `deeplens.onnx` (of models that have one) and `language.onnx`, each with its `.weights`, and
`embeddings.npy`. Weights and embeddings are files of their own because the captioner maps them into memory.
"""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import onnx
import torch

from ser_ros import __version__
from ser_ros.errors import UserError, cannot_write
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.onnx_attention import fused_attention
from ser_ros.runtime.onnx_equalise import equalise
from ser_ros.runtime.onnx_fold import fold_linears, fold_quick_gelu
from ser_ros.runtime.onnx_folder import EMBEDDINGS, FORMAT, MANIFEST, is_export
from ser_ros.runtime.onnx_graphs import Graph, graphs

OPSET = 17

MIN_INPUTS = 256
"""Products over fewer inputs stay float32: in 8 bits they gain no time, and rounding averages out less."""

_SMALL = 1024
"""Tensors of fewer bytes stay in the graph, where ONNX Runtime reads shapes and constants from."""


def export(
    source: str | Path,
    out: str | Path,
    *,
    int8: bool = False,
    on_graph: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Export a checkpoint folder; a folder that cannot be finished leaves an earlier export as it was.

    Args:
        source: checkpoint folder.
        out: folder to write; must not exist, be empty, or hold an earlier export, which is replaced.
        int8: store the weights of matrix products over at least MIN_INPUTS inputs in 8 bits; the others,
            and all activations between products, stay float32.
        on_graph: called with the name of each graph before it is written.

    Returns:
        File name -> bytes.

    Raises:
        UserError: the checkpoint cannot be loaded or has no graph form, or `out` cannot be written.
    """
    out = Path(out).expanduser()
    if out.exists() and not (out.is_dir() and (not any(out.iterdir()) or is_export(out))):
        raise UserError(f"{out} is there and is not an earlier export; give a new folder")
    model = SerModel.from_pretrained(source, dtype="fp32")
    _check(model)
    fold_quick_gelu(model)
    fold_linears(model)
    if int8:
        equalise(model)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
            made = Path(name) / "graphs"
            made.mkdir()
            _fill(made, model, int8, on_graph or (lambda _: None))
            sizes = {file.name: file.stat().st_size for file in sorted(made.iterdir())}
            if out.exists():
                out.rename(Path(name) / "earlier")
            made.rename(out)
    except OSError as error:
        raise cannot_write(out, error) from None
    return sizes


def _check(model: SerModel) -> None:
    """Refuse what the graphs cannot say."""
    language = model.config.language
    if language.kind != "opt":
        raise UserError(f"only OPT models can be exported, this one is {language.kind}; use backend torch")
    if language.lora is not None:
        raise UserError(
            "a model with LoRA adapters cannot be exported; merge them first or use backend torch"
        )
    if any(tower.kind == "siglip2" for tower in model.config.towers):
        raise UserError(
            "a siglip2 tower cannot be exported (its graph depends on the batch); use backend torch"
        )
    if model.language.by_cross_attention:
        raise UserError("a model with the cross_attention connector cannot be exported; use backend torch")


def _fill(folder: Path, model: SerModel, int8: bool, on_graph: Callable[[str], None]) -> None:
    assert model.tokenizer is not None  # from_pretrained always loads it
    for graph in graphs(model, fused=int8):
        on_graph(graph.name)
        write_graph(graph, folder / f"{graph.name}.onnx", int8)
    table = model.language.decoder.embed_tokens.weight
    np.save(folder / EMBEDDINGS, table.detach().cpu().numpy())
    (folder / "config.json").write_text(model.config.to_json(), encoding="utf-8")
    model.tokenizer.save(folder)
    manifest = {"format": FORMAT, "dtype": "int8" if int8 else "fp32", "opset": OPSET, "ser_ros": __version__}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def write_graph(graph: Graph, path: Path, int8: bool) -> None:
    """Trace one part and save it and its weights, in float32 or with 8-bit weights.

    Raises:
        UserError: torch cannot trace this part.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as name:
        traced = Path(name) / path.name
        try:
            attention = fused_attention(graph.module) if int8 else nullcontext()
            with warnings.catch_warnings(), torch.no_grad(), attention:
                warnings.simplefilter("ignore")  # the tracer warns at each shape it reads
                # dynamo=True needs another package and took twenty times as long for the same graph.
                torch.onnx.export(
                    graph.module.eval(),
                    tuple(graph.inputs.values()),
                    str(traced),
                    dynamo=False,
                    opset_version=OPSET,
                    input_names=list(graph.inputs),
                    output_names=graph.outputs,
                    dynamic_axes=graph.dynamic,
                )
        except OSError:
            raise
        except Exception as error:  # the tracer raises its own kinds and plain RuntimeError
            raise UserError(
                f"the {graph.name} of this model cannot be exported ({error}); use backend torch"
            ) from error
        model = onnx.load(_quantize(traced) if int8 else traced)
        # Behind an operator that it does not know the tracer notes the shapes of its examples.
        del model.graph.value_info[:]
        onnx.save_model(
            model,
            path,
            save_as_external_data=True,
            location=f"{graph.name}.weights",
            size_threshold=_SMALL,
        )


def _quantize(floats: Path) -> Path:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    out = floats.with_suffix(".int8.onnx")
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # it advises a preparation for models of fixed shapes
    try:
        quantize_dynamic(
            floats,
            out,
            op_types_to_quantize=["MatMul"],
            nodes_to_exclude=_narrow(onnx.load(floats, load_external_data=False)),
            per_channel=True,
            weight_type=QuantType.QInt8,
            use_external_data_format=True,
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        logging.disable(before)
    return out


def _narrow(model: onnx.ModelProto) -> list[str]:
    """Names of the products over fewer than MIN_INPUTS inputs, as the quantizer calls them."""
    shapes = {tensor.name: tensor.dims for tensor in model.graph.initializer if len(tensor.dims) == 2}
    names = []
    for node in model.graph.node:
        if node.op_type not in ("MatMul", "Gemm") or node.input[1] not in shapes:
            continue
        transposed = any(a.name == "transB" and a.i for a in node.attribute)
        if shapes[node.input[1]][1 if transposed else 0] < MIN_INPUTS:
            # The quantizer takes a Gemm apart first.
            names.append(node.name if node.op_type == "MatMul" else f"{node.name}_MatMul")
    return names
