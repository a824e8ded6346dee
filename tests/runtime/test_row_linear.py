"""One Triton kernel gives what norm, product, activation and sum of torch give. Needs a GPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ser_ros.runtime.fused_opt import linear_by_torch, one_row_linear

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("outputs", "inputs"), [(48, 24), (37, 40), (2304, 768), (768, 3072)])
@torch.inference_mode()
def test_equals_torch(outputs, inputs, dtype):
    pytest.importorskip("triton")
    from ser_ros.runtime.row_linear import row_linear

    torch.manual_seed(0)
    layer, norm = nn.Linear(inputs, outputs), nn.LayerNorm(inputs)
    norm.weight.normal_()
    norm.bias.normal_()
    layer, norm = layer.to("cuda", dtype), norm.to("cuda", dtype)
    x, residual = (torch.randn(1, 1, n, device="cuda", dtype=dtype) for n in (inputs, outputs))
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    for before in (None, norm):
        for relu in (False, True):
            for after in (None, residual):
                options = {"norm": before, "relu": relu, "residual": after}
                ours = row_linear(x, layer.weight, layer.bias, **options)
                theirs = linear_by_torch(x, layer.weight, layer.bias, **options)
                torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.final_layer_norm, self.fc1 = nn.LayerNorm(16), nn.Linear(16, 64)


@torch.inference_mode()
def test_a_broken_triton_is_told_and_replaced(monkeypatch, caplog):
    row_linear = pytest.importorskip("ser_ros.runtime.row_linear")
    layer = Layer().to("cuda")
    assert one_row_linear(layer) is row_linear.row_linear

    def no_compiler(*_, **__):
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(row_linear, "row_linear", no_compiler)
    assert one_row_linear(layer) is linear_by_torch
    assert "C compiler" in caplog.text
