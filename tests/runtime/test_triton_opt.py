"""Triton's kernels compute what `FusedOpt` does: on a GPU, or in Triton's interpreter without one."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cpu":
    os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is imported
pytest.importorskip("triton", reason="Triton is not there (pip install triton)")

from ser_ros.model.kv_cache import FixedCache  # noqa: E402
from ser_ros.model.language_model import LanguageModel  # noqa: E402
from ser_ros.runtime import triton_opt  # noqa: E402
from ser_ros.runtime.fused_opt import FusedOpt  # noqa: E402
from tests.model.toys import toy_config  # noqa: E402

SLOTS = 1280
WORDS = 390
"""Of 400 ids."""


def language(**sizes) -> LanguageModel:
    """Two layers, 3 heads of 8: widths that are no power of two leave parts of blocks empty."""
    config = toy_config().language
    torch.manual_seed(0)
    model = LanguageModel(
        replace(config, sizes=config.sizes | {"num_attention_heads": 3} | sizes), words=WORDS
    )
    for name, weight in model.named_parameters():
        if "layer_norm" in name or "bias" in name:  # transformers starts them with 1 and 0
            torch.nn.init.normal_(weight, mean=float("norm.weight" in name), std=0.3)
    return model.to(DEVICE).eval()


def by_torch(model: LanguageModel, fused: FusedOpt, cache: FixedCache, ids, positions, slots, seen: int):
    """Logits after the last of some tokens."""
    hidden = torch.arange(seen, device=DEVICE) > slots[:, None]
    bias = model.embed(ids).new_zeros(hidden.shape).masked_fill(hidden, -torch.inf)
    cache.write_to(slots, seen)
    return model.next_logits(fused(model.embed(ids[None]), bias[None, None], positions[None], cache)[0, -1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("before", "seen", "weights"),
    [
        (5, 128, triton_opt._WEIGHTS),
        (127, 256, 256),  # the next token is the first of a chunk; several programs for each product
        (600, 640, 256),
        (1100, 1152, 256),  # longer chunks
    ],
)
@torch.inference_mode()
def test_tokens_are_those_of_torch(dtype, before, seen, weights, monkeypatch):
    monkeypatch.setattr(triton_opt, "_WEIGHTS", weights)
    model = language().to(dtype)
    fused, cache = FusedOpt(model), FixedCache(2, SLOTS)
    last = model.config.max_positions - 1
    places = torch.arange(before, device=DEVICE)
    by_torch(model, fused, cache, 3 + places % 300, places.clamp(max=last), places, before)
    same = copy.deepcopy(cache)
    step = triton_opt.TritonOpt(model, fused, same)
    assert step.fits(model)
    assert step.problem() == ""
    token = torch.tensor([[7], [min(before, last)], [before]], device=DEVICE)
    near = {"rtol": 0, "atol": 1e-4 if dtype == torch.float32 else 0.05}
    for _ in range(3):
        log_probs = by_torch(model, fused, cache, *token, seen).float().log_softmax(dim=-1)
        result, following = step(token, seen)
        word = int(result[0, 0])
        assert word < WORDS
        torch.testing.assert_close(result[1, 0].float(), log_probs[word], **near)
        torch.testing.assert_close(log_probs[word], log_probs.max(), **near)
        assert following.flatten().tolist() == [word, min(int(token[1]) + 1, last), int(token[2]) + 1]
        for ours, theirs in zip(same.layers, cache.layers, strict=True):
            torch.testing.assert_close(ours.buffer, theirs.buffer, **near)
        token = following


@pytest.mark.skipif(DEVICE == "cuda", reason="needs a machine where Triton's kernels cannot run")
def test_where_kernels_cannot_be_built_it_says_why():
    code = """
from ser_ros.model.kv_cache import FixedCache
from ser_ros.runtime.fused_opt import FusedOpt
from ser_ros.runtime.triton_opt import TritonOpt
from tests.model.toys import toy_model
model = toy_model(0).language
print(TritonOpt(model, FusedOpt(model), FixedCache(2, 128)).problem())
"""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("RuntimeError: ")


def test_models_that_the_kernels_do_not_compute():
    assert triton_opt.TritonOpt.fits(language())
    assert not triton_opt.TritonOpt.fits(language(num_attention_heads=2))  # heads of 12
    assert not triton_opt.TritonOpt.fits(language(layer_norm_elementwise_affine=False))
    assert not triton_opt.TritonOpt.fits(language(do_layer_norm_before=False))
