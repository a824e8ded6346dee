"""Channels evened out before 8-bit rounding: the same model in float32, and a finer one in 8 bits."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from ser_ros.model.config import TowerConfig
from ser_ros.model.describe import Clock
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime import onnx_export
from ser_ros.runtime.onnx_backend import OnnxEngine
from ser_ros.runtime.onnx_equalise import equalise
from ser_ros.runtime.onnx_export import export, write_graph
from ser_ros.runtime.onnx_graphs import graphs
from tests.model.toys import toy_config, toy_model

SIZES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip


def uneven_model(seed: int, **changes) -> SerModel:
    """A toy whose LayerNorms and biases are as uneven as those of a trained model may be."""
    model = toy_model(seed, spread=0.1, **changes)
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.LayerNorm) and module.elementwise_affine:
                module.weight.copy_(torch.randn_like(module.weight).exp())
                module.bias.normal_(0, 0.3)
            elif isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.normal_(0, 0.1)
    return model


def language(**sizes):
    config = toy_config().language
    return {"language": replace(config, sizes={**config.sizes, **sizes})}


def first_words(engine: SerModel | OnnxEngine, words: int) -> np.ndarray:
    """Log-probabilities of the first word of both glances, by id: [2, words]."""
    picture = np.random.default_rng(0).integers(0, 256, (28, 28, 3)).astype(np.uint8)
    clock, tokenizer, initial, found = Clock(), engine.tokenizer, [5, 9, 30], []
    features = engine.encode([picture], clock)
    for session in (
        engine.open_glance(features, [tokenizer.glance_prompt()], words, clock),
        engine.open_refine(features, [tokenizer.refine_prompt(initial)], [initial], words, clock),
    ):
        best = session.prefill(np.zeros((1, 0), np.int64), np.zeros(1, np.int64))
        found.append(best.log_probs[0, 0][np.argsort(best.ids[0, 0])])
    return np.stack(found)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"towers": (TowerConfig("siglip", SIZES),)},
        {"connector": replace(toy_config().connector, kind="perceiver")},
        {"deeplens": replace(toy_config().deeplens, structure="cross")},
        language(do_layer_norm_before=False),
        language(layer_norm_elementwise_affine=False, enable_bias=False),
        language(activation_function="gelu"),
    ],
    ids=["clip", "siglip", "perceiver", "cross", "post-norm", "bare norm", "gelu"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_float32_stays_equal(changes, seed):
    model = uneven_model(seed, **changes)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    before = first_words(model, model.language.words)
    equalise(model)
    np.testing.assert_allclose(first_words(model, model.language.words), before, atol=1e-5)
    moved = {n.split(".")[0] for n, w in model.state_dict().items() if not torch.equal(w, weights[n])}
    assert {"vision", "deeplens", "language"} <= moved


def test_a_channel_without_weights_is_left():
    """Pruned channels have no size to even out; nothing becomes infinite."""
    model = toy_model(0)
    layer = model.language.decoder.layers[0]
    with torch.no_grad():
        layer.fc2.weight[:, 3] = 0
        layer.fc1.weight[5] = 0
        layer.final_layer_norm.weight[7] = 0
    before = first_words(model, model.language.words)
    equalise(model)
    assert all(weight.isfinite().all() for weight in model.parameters())
    np.testing.assert_allclose(first_words(model, model.language.words), before, atol=1e-5)


def test_outlier_channels_cost_less_in_int8(tmp_path, monkeypatch):
    """Two channels after each LayerNorm 30 times as large as the rest, their weights as much smaller."""
    monkeypatch.setattr(onnx_export, "MIN_INPUTS", 1)  # a toy's products are narrower than any real one's
    model = toy_model(0, spread=0.1)
    with torch.no_grad():
        norms = [(y.layer_norm1, [y.self_attn.q_proj, y.self_attn.k_proj, y.self_attn.v_proj])
                 for y in model.vision.towers[0].layers]  # fmt: skip
        norms += [(y.layer_norm2, [y.mlp.fc1]) for y in model.vision.towers[0].layers]
        norms += [(y.final_layer_norm, [y.fc1]) for y in model.language.decoder.layers]
        for norm, readers in norms:
            norm.weight[[2, 11]] *= 30
            for reader in readers:
                reader.weight[:, [2, 11]] /= 30
    model.save_pretrained(tmp_path / "model")
    words = model.language.words
    exact, errors = first_words(model, words), {}
    export(tmp_path / "model", tmp_path / "evened", int8=True)
    ignored = shutil.ignore_patterns("*.onnx", "*.weights")
    shutil.copytree(tmp_path / "evened", tmp_path / "plain", ignore=ignored)
    for graph in graphs(model, fused=True):
        write_graph(graph, tmp_path / "plain" / f"{graph.name}.onnx", int8=True)
    for name in ("evened", "plain"):
        rounded = first_words(OnnxEngine(tmp_path / name, ["CPUExecutionProvider"]), words)
        errors[name] = np.abs(rounded - exact).mean(axis=1)
    assert (errors["evened"] < 0.6 * errors["plain"]).all(), errors
