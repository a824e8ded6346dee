"""Momentum with orthogonalised updates for hidden matrices (Jordan et al. 2024, "Muon").

torch.optim.Muon orthogonalises in bfloat16, which takes a hundred times longer on a CPU without
bfloat16 units than the training step itself; this one does it in the weights' own precision.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

_A, _B, _C = 3.4445, -4.7750, 2.0315  # of the quintic Newton-Schulz iteration


class Muon(torch.optim.Optimizer):
    """For weights of two dimensions and more; the kernel of a convolution counts as one matrix, a row for
    each output channel. Update matrices have the root-mean-square of AdamW's (0.2).
    """

    def __init__(
        self, weights: Iterable[Tensor], lr: float = 0.01, momentum: float = 0.95, weight_decay: float = 0.0
    ):
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        """Update every weight that has a gradient; matrices of one shape together, as a GPU likes it."""
        for group in self.param_groups:
            updates: dict[tuple[int, ...], list[tuple[Tensor, Tensor]]] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = weight.grad.lerp(state["momentum"], group["momentum"]).flatten(1)
                updates.setdefault(tuple(update.shape), []).append((weight, update))
            for shape, pairs in updates.items():
                made = orthogonalise(torch.stack([update for _, update in pairs]))
                for (weight, _), update in zip(pairs, made, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update.reshape(weight.shape), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """The nearest matrices [..., m, n] whose singular values are all about 1, by Newton-Schulz."""
    x = matrices / (matrices.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonalise(matrices.mT, steps).mT
    for _ in range(steps):
        square = x @ x.mT
        x = _A * x + (_B * square + _C * square @ square) @ x
    return x
