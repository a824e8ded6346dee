"""Decoding over the plain language graph, which returns longer keys and values with every forward."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from ser_ros.runtime.device_memory import memory_errors
from ser_ros.runtime.onnx_session import OnnxSession

_HIDDEN = np.finfo(np.float32).min
_PROMPT = "prompt_"


class GrowingCacheSession(OnnxSession):
    """Keys and values stay with ONNX Runtime between two calls.

    Those of the first forward no later one changes, apart from those of the tokens after it. Forgotten tokens
    keep their slots behind an attention bias: a slot costs less than a copy of the cache, and a caption
    forgets only a few.
    """

    def __init__(self, *args):
        super().__init__(*args)
        rows = len(self._prompts)
        self._valid = np.zeros((rows, 0), bool)  # slots of the cache that hold a token of their row
        self._device = "cuda" if "CUDAExecutionProvider" in self._language.get_providers() else "cpu"
        # An input has 0 where its graph has a free number of slots, and the rows come first.
        cache = {}
        for entry in self._language.get_inputs():
            if "key_" in entry.name or "value_" in entry.name:
                shape = (rows, *(n if isinstance(n, int) else 0 for n in entry.shape[1:]))
                cache[entry.name] = self._to_device(np.zeros(shape, np.float32))
        self._prompt = {name: value for name, value in cache.items() if name.startswith(_PROMPT)}
        self._caption = {name: value for name, value in cache.items() if not name.startswith(_PROMPT)}

    def crop(self, lengths: np.ndarray) -> None:
        for row, forget in enumerate(self._valid.sum(axis=1) - self._prompt_lengths - lengths):
            if forget > 0:
                self._valid[row, np.flatnonzero(self._valid[row])[-forget:]] = False

    def _reorder_cache(self, rows: np.ndarray, same_prompts: bool) -> None:
        self._caption = self._select(self._caption, rows)
        if not same_prompts:
            self._prompt = self._select(self._prompt, rows)
        self._valid = self._valid[rows]

    def _select(self, cache: dict[str, ort.OrtValue], rows: np.ndarray) -> dict[str, ort.OrtValue]:
        return {name: self._to_device(value.numpy()[rows]) for name, value in cache.items()}

    def _to_device(self, values: np.ndarray) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(values), self._device)

    def _forward(self, embeds: np.ndarray, lengths: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        width, past = embeds.shape[1], self._valid.shape[1]
        start = self._valid.sum(axis=1)
        self._valid = np.concatenate([self._valid, np.arange(width) < lengths[:, None]], axis=1)
        # A token sees the slots before it and itself.
        causal = np.arange(past + width) <= past + np.arange(width)[:, None]
        seen = self._valid[:, None, None, :] & causal
        binding = self._language.io_binding()
        binding.bind_cpu_input("embeds", embeds)
        binding.bind_cpu_input("positions", self._positions(start, width))
        binding.bind_cpu_input("bias", np.where(seen, np.float32(0), _HIDDEN))
        binding.bind_cpu_input("wanted", wanted)
        binding.bind_output("logits", "cpu")
        for name, value in (self._prompt | self._caption).items():
            binding.bind_ortvalue_input(name, value)
        for name in self._caption:
            binding.bind_output(f"new_{name}", self._device)
        with memory_errors():
            self._language.run_with_iobinding(binding)
        logits, *cache = binding.get_outputs()  # in the order of binding
        longer = dict(zip(self._caption, cache, strict=True))
        if past:
            self._caption = longer
        else:
            self._prompt = {_PROMPT + name: value for name, value in longer.items()}
        return logits.numpy()
