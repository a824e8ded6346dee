"""A folded model sees what it saw."""

from __future__ import annotations

import torch
from torch import nn
from transformers.activations import QuickGELUActivation

from ser_ros.runtime.onnx_fold import fold_linears, fold_quick_gelu
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


def test_two_linear_layers_become_one():
    """The connector of the paper ends in a pair with no GELU between."""
    model = toy_model(0)
    features = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = model.connector(features)
        fold_linears(model)
        after = model.connector(features)
    kinds = [type(layer) for layer in model.connector]
    assert kinds == [nn.Linear, nn.GELU, nn.Linear, nn.GELU, nn.Linear]
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-5)


def test_a_narrow_pair_stays_a_pair():
    """One layer of 32 x 32 weights would be more than two of 32 x 4."""
    narrow = nn.Sequential(nn.Linear(32, 4), nn.Linear(4, 32))
    fold_linears(narrow)
    assert len(narrow) == 2
