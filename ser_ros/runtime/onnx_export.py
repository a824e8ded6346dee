"""Write a checkpoint as ONNX graphs, so that it runs without torch.

A folder of graphs holds `config.json`, `tokenizer.json`, `export.json` (format, precision), `tower.onnx`,
`connector.onnx`, `deeplens.onnx` (of models that have one), `language.onnx` and `embeddings.npy` (the words'
embeddings, which the captioner maps into memory instead of loading them).
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ser_ros import __version__
from ser_ros.errors import UserError
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.onnx_folder import EMBEDDINGS, FORMAT, MANIFEST, is_export
from ser_ros.runtime.onnx_graphs import Graph, graphs

OPSET = 17


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
        int8: store the weights of matrix products in 8 bits; the others, and all activations between
            products, stay float32.
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
        raise UserError(f"cannot write {out} ({error})") from None
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
    for graph in graphs(model):
        on_graph(graph.name)
        write_graph(graph, folder / f"{graph.name}.onnx", int8)
    table = model.language.decoder.embed_tokens.weight
    np.save(folder / EMBEDDINGS, table.detach().cpu().numpy())
    (folder / "config.json").write_text(model.config.to_json(), encoding="utf-8")
    model.tokenizer.save(folder)
    manifest = {"format": FORMAT, "dtype": "int8" if int8 else "fp32", "opset": OPSET, "ser_ros": __version__}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def write_graph(graph: Graph, path: Path, int8: bool) -> None:
    """Trace one part and save it, in float32 or with 8-bit weights.

    Raises:
        UserError: torch cannot trace this part.
    """
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer warns at each shape it reads
            # dynamo=True needs another package and took twenty times as long for the same graph.
            torch.onnx.export(
                graph.module.eval(),
                tuple(graph.inputs.values()),
                str(path),
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
    if int8:
        _quantize(path)


def _quantize(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    floats = path.with_suffix(".fp32.onnx")
    path.rename(floats)
    # Seven of the eight bits: processors without VNNI add up two products in 16 bits and would overflow.
    quantize_dynamic(
        floats,
        path,
        op_types_to_quantize=["MatMul"],
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        extra_options={"MatMulConstBOnly": True},
    )
    for file in floats.parent.glob(f"{floats.name}*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
