"""Tokens written one at a time, each step begun before the host has read the one before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Step = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""Takes a token (id, position, slot: [3, 1]) and its slot; returns what follows and the best as a token."""


class TokenSteps:
    """Steps of one greedy caption after another.

    The device would wait for the host between two tokens. Greedy decoding appends the token that came back as
    the best, so the step after it can be begun at once. What that writes into its slot of the cache does no
    harm where another token is appended instead: it is overwritten.
    """

    def __init__(self, step: Step, slots: int):
        """`slots`: how many the cache has."""
        self._step, self._slots = step, slots
        self._best = (-1, -1)  # id and slot of the token that would follow the last one
        self._ahead: _Begun | None = None

    def __call__(self, token: np.ndarray) -> np.ndarray:
        """What may follow a token, as `step` returns it.

        Args:
            token: id, position and slot, [3, 1] int64.
        """
        word, slot = int(token[0, 0]), int(token[2, 0])
        taken = self._best == (word, slot)
        begun = self._ahead if taken else None
        if begun is None:
            begun = self._begin(torch.from_numpy(token), slot)
        self._ahead = self._begin(begun.following, slot + 1) if taken and slot + 1 < self._slots else None
        result = begun.read()
        self._best = (int(result[0, 0]), slot + 1)
        return result

    def forget(self) -> None:
        """The cache is about to be written by others."""
        self._best, self._ahead = (-1, -1), None

    def _begin(self, token: Tensor, slot: int) -> _Begun:
        result, following = self._step(token, slot)
        if not result.is_cuda:
            return _Begun(result, None, following)
        host = torch.empty(result.shape, dtype=result.dtype, pin_memory=True)
        host.copy_(result, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()
        return _Begun(host, arrived, following)


@dataclass
class _Begun:
    """The result of a step on its way to the host, and the best token on the device."""

    result: Tensor
    arrived: torch.cuda.Event | None
    following: Tensor

    def read(self) -> np.ndarray:
        if self.arrived is not None:
            self.arrived.synchronize()
        return self.result.numpy()
