"""Decoding over the fused language graph, which writes keys and values into one cache in place."""

from __future__ import annotations

import itertools

import numpy as np
import onnxruntime as ort

from ser_ros.runtime.device_memory import memory_errors
from ser_ros.runtime.onnx_session import OnnxSession

_SPARE = 96
"""Free slots of a new or grown cache, more than most captions need."""

_PIECE = 320
"""Most tokens of one forward.

The operator multiplies each token with all that are in the cache after this forward, and only then hides the
later ones. Of a prompt in two pieces a quarter of these products is never computed, in three a third; each
piece reads all weights once more.
"""


def is_fused(language: ort.InferenceSession) -> bool:
    """Whether a language graph keeps its cache in place."""
    return any(entry.name == "total" for entry in language.get_inputs())


class SharedCacheSession(OnnxSession):
    """Row b holds its prompt and caption in the first slots; what follows is free and may be overwritten.

    To forget tokens is to count fewer. Padding after the real tokens of a row is written too, and overwritten
    by its next ones: attention is causal, so no real token sees it.
    """

    def __init__(self, *args):
        super().__init__(*args)
        self._count = np.zeros(len(self._prompts), np.int64)  # tokens of each row
        self._cache: dict[str, np.ndarray] = {}  # name -> [B, H, C, E]

    def crop(self, lengths: np.ndarray) -> None:
        self._count = np.minimum(self._count, self._prompt_lengths + lengths)

    def _reorder_cache(self, rows: np.ndarray, same_prompts: bool) -> None:
        if same_prompts and len(rows) == len(self._count):
            captions = slice(int(self._prompt_lengths.min()), int(self._count.max()))
            for values in self._cache.values():
                values[:, :, captions] = values[rows, :, captions]
        else:
            self._bind({name: values[rows] for name, values in self._cache.items()})
        self._count = self._count[rows]

    def _forward(self, embeds: np.ndarray, lengths: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        rows, width = embeds.shape[:2]
        start = self._count
        self._reserve(int(start.max()) + width)
        positions = self._positions(start, width)
        self._count = start + lengths
        if width == 1 or (width <= _PIECE and (rows == 1 or not start.any())):
            return self._run(self._binding, embeds, positions, start, wanted)
        # The operator takes several tokens after others for one row alone.
        edges = np.linspace(0, width, -(-width // _PIECE) + 1).astype(int)
        logits = []
        for row in range(rows):
            alone = slice(row, row + 1)
            binding = self._bound(alone)
            for first, end in itertools.pairwise(edges):
                places = wanted[row]  # they ascend
                inside = places[(places >= first) & (places < end)] - first
                piece = embeds[alone, first:end], positions[alone, first:end], start[alone] + first
                logits.append(self._run(binding, *piece, inside[None]))
        return np.concatenate(logits, axis=1).reshape(*wanted.shape, -1)

    def _run(
        self,
        binding: ort.IOBinding,
        embeds: np.ndarray,
        positions: np.ndarray,
        start: np.ndarray,
        wanted: np.ndarray,
    ) -> np.ndarray:
        width = embeds.shape[1]
        binding.bind_cpu_input("embeds", embeds)
        binding.bind_cpu_input("positions", positions)
        binding.bind_cpu_input("last", (start + width - 1).astype(np.int32))
        binding.bind_cpu_input("total", np.array(start.max() + width, np.int32))
        binding.bind_cpu_input("wanted", wanted)
        binding.bind_output("logits", "cpu")  # anew: its shape may be another
        with memory_errors():
            self._language.run_with_iobinding(binding)
        return binding.get_outputs()[-1].numpy()

    def _reserve(self, slots: int) -> None:
        """Have a cache of at least so many slots."""
        rows, kept = len(self._count), int(self._count.max())
        cache = {}
        for entry in self._language.get_inputs():
            if not entry.name.startswith(("key_", "value_")):
                continue
            before = self._cache.get(entry.name)
            if before is not None and before.shape[2] >= slots:
                return
            _, heads, _, width = entry.shape
            cache[entry.name] = np.zeros((rows, heads, slots + _SPARE, width), np.float32)
            if before is not None:
                cache[entry.name][:, :, :kept] = before[:, :, :kept]
        self._bind(cache)

    def _bind(self, cache: dict[str, np.ndarray]) -> None:
        self._cache = cache
        self._binding = self._bound(slice(None))

    def _bound(self, rows: slice) -> ort.IOBinding:
        """The cache of some rows as inputs and as outputs; the memory stays NumPy's."""
        binding = self._language.io_binding()
        for name, values in self._cache.items():
            value = ort.OrtValue.ortvalue_from_numpy(values[rows])
            binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output(f"new_{name}", value)
        return binding
