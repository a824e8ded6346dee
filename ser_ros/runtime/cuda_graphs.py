"""Functions of tensors, recorded as CUDA graphs and replayed: one launch instead of hundreds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]
"""Takes tensors and integers, returns tensors; the same work for the same shapes and integers."""

Run = Callable[..., tuple[Tensor, ...]]
"""`run(function, *arguments)`: what the function returns, on tensors that the caller may keep."""


def directly(function: Function, *arguments: Tensor | int) -> tuple[Tensor, ...]:
    """Call a function as it is; the other `Run`."""
    return function(*arguments)


@dataclass
class _Recording:
    """A graph, the tensors it reads and those it writes."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: tuple[Tensor, ...]


class CudaGraphs:
    """A `Run` that records a function once for each shape of its arguments, when it first meets it.

    All recordings share one memory pool, as they never run at the same time.
    """

    def __init__(self, device: torch.device, limit: int = 64):
        """Record on `device`; beyond `limit` recordings the one used longest ago is dropped."""
        self._device, self._limit = device, limit
        self._recordings: dict[tuple, _Recording] = {}  # the latest used stands last
        with torch.cuda.device(device):
            self._pool = torch.cuda.graph_pool_handle()
            self._stream = _recording_stream(device)

    def __call__(self, function: Function, *arguments: Tensor | int) -> tuple[Tensor, ...]:
        key = (function, *(a if isinstance(a, int) else (a.shape, a.dtype) for a in arguments))
        with torch.cuda.device(self._device):
            recording = self._recordings.pop(key, None) or self._record(function, arguments)
            self._recordings[key] = recording
            _fill(recording.inputs, arguments)
            recording.graph.replay()
            return tuple(output.clone() for output in recording.outputs)

    def clear(self) -> None:
        """Forget all recordings; they hold their functions, and so the model behind them."""
        self._recordings.clear()

    def _record(self, function: Function, arguments: tuple[Tensor | int, ...]) -> _Recording:
        while len(self._recordings) >= self._limit:
            del self._recordings[next(iter(self._recordings))]
        inputs = [
            torch.empty(a.shape, dtype=a.dtype, device=self._device)
            for a in arguments
            if not isinstance(a, int)
        ]
        _fill(inputs, arguments)
        tensors = iter(inputs)
        given = [a if isinstance(a, int) else next(tensors) for a in arguments]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            function(*given)  # loads the libraries and kernels, which a recording may not
        torch.cuda.current_stream().wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads of the process may use the device meanwhile.
        with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
            outputs = function(*given)
        return _Recording(graph, inputs, outputs)


@cache
def _recording_stream(device: torch.device) -> torch.cuda.Stream:
    """One for all captioners of a process: cuBLAS keeps a workspace of 32 MB for each stream it meets."""
    return torch.cuda.Stream(device)


def _fill(inputs: list[Tensor], arguments: tuple[Tensor | int, ...]) -> None:
    for place, argument in zip(inputs, (a for a in arguments if not isinstance(a, int)), strict=True):
        place.copy_(argument)
