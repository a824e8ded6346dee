"""Functions of tensors, recorded as CUDA graphs and replayed: one launch instead of hundreds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]
"""Takes tensors on the device and integers, returns tensors; does the same work for the same shapes."""


class Run(Protocol):
    """A way to run functions on a device; tensors among the arguments may be on the host."""

    def __call__(self, function: Function, *arguments: Tensor | int) -> tuple[Tensor, ...]:
        """What the function returns, for the caller to keep."""
        ...

    def read(self, function: Function, *arguments: Tensor | int) -> np.ndarray:
        """The function's only tensor, on the host."""
        ...


class Direct:
    """A `Run` that calls the functions as they are."""

    def __init__(self, device: torch.device):
        self._device = device

    def __call__(self, function: Function, *arguments: Tensor | int) -> tuple[Tensor, ...]:
        return function(*(a if isinstance(a, int) else a.to(self._device) for a in arguments))

    def read(self, function: Function, *arguments: Tensor | int) -> np.ndarray:
        return self(function, *arguments)[0].cpu().numpy()


@dataclass
class _Recording:
    """A graph, the tensors it reads and those it writes; those on the host are pinned."""

    graph: torch.cuda.CUDAGraph
    inputs: list[Tensor]
    outputs: list[Tensor]


class CudaGraphs:
    """A `Run` that records a function once for each shape of its arguments, when it first meets it.

    Transfers from and to the host are part of a recording. All recordings share one memory pool, as they
    never run at the same time.
    """

    def __init__(self, device: torch.device, limit: int = 64):
        """Record on `device`; beyond `limit` recordings the one used longest ago is dropped."""
        self._device, self._limit = device, limit
        self._recordings: dict[tuple, _Recording] = {}  # the latest used stands last
        with torch.cuda.device(device):
            self._pool = torch.cuda.graph_pool_handle()
            self._stream = torch.cuda.Stream()

    def __call__(self, function: Function, *arguments: Tensor | int) -> tuple[Tensor, ...]:
        with torch.cuda.device(self._device):
            return tuple(output.clone() for output in self._replay(function, arguments, to_host=False))

    def read(self, function: Function, *arguments: Tensor | int) -> np.ndarray:
        with torch.cuda.device(self._device):
            (output,) = self._replay(function, arguments, to_host=True)
            torch.cuda.current_stream().synchronize()
            return output.numpy().copy()

    def _replay(
        self, function: Function, arguments: tuple[Tensor | int, ...], *, to_host: bool
    ) -> list[Tensor]:
        tensors = [a for a in arguments if not isinstance(a, int)]
        key = (
            function,
            to_host,
            *(a if isinstance(a, int) else (a.shape, a.dtype, a.is_cuda) for a in arguments),
        )
        recording = self._recordings.pop(key, None) or self._record(function, arguments, to_host)
        self._recordings[key] = recording
        if not all(place.is_cuda for place in recording.inputs):
            torch.cuda.current_stream().synchronize()  # an earlier replay may still read them
        for place, tensor in zip(recording.inputs, tensors, strict=True):
            place.copy_(tensor)
        recording.graph.replay()
        return recording.outputs

    def _record(self, function: Function, arguments: tuple[Tensor | int, ...], to_host: bool) -> _Recording:
        while len(self._recordings) >= self._limit:
            del self._recordings[next(iter(self._recordings))]
        inputs: list[Tensor] = []
        given: list[Tensor | int] = []
        from_host: list[tuple[Tensor, Tensor]] = []
        for argument in arguments:
            if isinstance(argument, int):
                given.append(argument)
                continue
            place = torch.empty(argument.shape, dtype=argument.dtype, device=self._device)
            given.append(place)
            if not argument.is_cuda:
                from_host.append((place, _pinned(argument)))
                place = from_host[-1][1]
            place.copy_(argument)
            inputs.append(place)

        def work() -> tuple[Tensor, ...]:
            for place, host in from_host:
                place.copy_(host, non_blocking=True)
            return function(*given)

        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            outputs = work()  # loads the libraries and kernels, which a recording may not
        torch.cuda.current_stream().wait_stream(self._stream)
        results = [_pinned(output) for output in outputs] if to_host else []
        graph = torch.cuda.CUDAGraph()
        # Other threads of the process may use the device meanwhile.
        with torch.cuda.graph(graph, self._pool, self._stream, capture_error_mode="thread_local"):
            outputs = work()
            for host, output in zip(results, outputs, strict=False):
                host.copy_(output, non_blocking=True)
        return _Recording(graph, inputs, results or list(outputs))


def _pinned(like: Tensor) -> Tensor:
    return torch.empty(like.shape, dtype=like.dtype, pin_memory=True)
