"""A folded model sees what it saw."""

from __future__ import annotations

import torch
from torch import nn
from transformers.activations import QuickGELUActivation

from ser_ros.runtime.onnx_fold import fold_quick_gelu
from tests.model.toys import toy_model


def test_quick_gelu_becomes_silu():
    model = toy_model(0)
    pixels = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.vision(pixels).layers
        fold_quick_gelu(model)
        after = model.vision(pixels).layers
    kinds = {type(part) for part in model.vision.modules()}
    assert nn.SiLU in kinds
    assert QuickGELUActivation not in kinds
    for index, states in before.items():
        torch.testing.assert_close(after[index], states, atol=1e-5, rtol=1e-5)
