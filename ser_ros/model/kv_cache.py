"""Keys and values of a session, kept in buffers with room to grow, or in buffers that never move.

transformers' DynamicCache copies everything at every token; with 600 prompt positions that copy is a
tenth of a decoding step on a CPU.
"""

from __future__ import annotations

import torch
from torch import Tensor
from transformers.cache_utils import Cache, DynamicLayer

_ROOM = 96
"""Slots allocated ahead: most captions fit without a second copy."""


class GrowingLayer(DynamicLayer):
    """One layer's keys and values; `keys` and `values` are views of the used part of two buffers."""

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """Append [B, H, T, E] to both and return all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
            self._buffers = (self.keys, self.values)
        used = self.keys.shape[2]
        total = used + key_states.shape[2]
        if total > self._buffers[0].shape[2]:
            self._move(torch.arange(key_states.shape[0]), total + _ROOM)
        for buffer, new in zip(self._buffers, (key_states, value_states), strict=True):
            buffer[:, :, used:total] = new
        self.keys, self.values = (buffer[:, :, :total] for buffer in self._buffers)
        return self.keys, self.values

    def shorten(self, slots: int) -> None:
        """Forget all but the first `slots`."""
        self.keys, self.values = self.keys[:, :, :slots], self.values[:, :, :slots]

    def select(self, rows: Tensor) -> None:
        """Let new row i be old row rows[i]."""
        self._move(rows, self.keys.shape[2] + _ROOM)

    def _move(self, rows: Tensor, room: int) -> None:
        used = self.keys.shape[2]
        moved = []
        for old in (self.keys, self.values):
            buffer = old.new_empty(len(rows), old.shape[1], room, old.shape[3])
            buffer[:, :, :used] = old.index_select(0, rows.to(old.device)) if used else 0
            moved.append(buffer)
        self._buffers = (moved[0], moved[1])
        self.keys, self.values = (buffer[:, :, :used] for buffer in moved)


class KvCache(Cache):
    """A `GrowingLayer` for each decoder layer."""

    def __init__(self, layers: int):
        super().__init__(layers=[GrowingLayer() for _ in range(layers)])

    def shorten(self, slots: int) -> None:
        """Forget all but the first `slots` of every row."""
        for layer in self.layers:
            layer.shorten(slots)

    def select(self, rows: Tensor) -> None:
        """Let new row i be old row rows[i]."""
        for layer in self.layers:
            layer.select(rows)


class FixedLayer(DynamicLayer):
    """One layer's keys and values in a buffer that never moves; it is told where to write."""

    def __init__(self, slots: int):
        super().__init__()
        self._room = slots
        self.slots = torch.zeros(0, dtype=torch.int64)
        self.seen = 0

    def write(self, pair: Tensor) -> Tensor:
        """Write keys and values [2, B, H, T, E] to the slots; return those that are seen [2, B, H, S, E]."""
        if not self.is_initialized:
            # Zeros: a masked slot counts nothing, unless it holds NaN.
            self.buffer = pair.new_zeros(*pair.shape[:3], self._room, pair.shape[4])
            self.lazy_initialization(pair[0], pair[1])
        self.buffer.index_copy_(3, self.slots, pair)
        return self.buffer[:, :, :, : self.seen]

    def update(self, key_states: Tensor, value_states: Tensor, *args, **kwargs) -> tuple[Tensor, Tensor]:
        """`write` as transformers calls it, [B, H, T, E] each."""
        keys, values = self.write(torch.stack([key_states, value_states]))
        return keys, values

    def get_seq_length(self) -> int:
        """0: who uses a fixed cache gives positions and mask."""
        return 0


class FixedCache(Cache):
    """A `FixedLayer` for each decoder layer, for CUDA graphs, which read and write fixed addresses."""

    def __init__(self, layers: int, slots: int):
        super().__init__(layers=[FixedLayer(slots) for _ in range(layers)])

    def write_to(self, slots: Tensor, seen: int) -> None:
        """Let the next forward write its tokens to `slots` [T] and see the first `seen` slots."""
        for layer in self.layers:
            layer.slots, layer.seen = slots, seen
