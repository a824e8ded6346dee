"""The decoding session of the language model on ONNX Runtime."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from ser_ros.model.config import IMAGE_TOKEN, SerConfig
from ser_ros.model.decoding.session import TopK
from ser_ros.model.positions import spread_positions
from ser_ros.runtime.device_memory import memory_errors

_HIDDEN = np.finfo(np.float32).min
_PROMPT = "prompt_"


class OnnxSession:
    """Prompts with vision tokens, and the captions that follow them; the same protocol as torch's.

    Keys and values stay with ONNX Runtime between two calls: those of the first forward, which no later one
    changes, apart from those of the tokens after it. Forgotten tokens keep their slots behind an attention
    bias: a slot costs less than a copy of the cache, and a caption forgets only a few.
    """

    def __init__(
        self,
        language: ort.InferenceSession,
        words: np.ndarray,
        config: SerConfig,
        prompts: list[list[int]],
        vision: np.ndarray,
        top: int,
    ):
        """Start rows that are not computed yet.

        Args:
            language: the graph.
            words: embeddings [V, D] float32.
            config: of the model.
            prompts: one a row, each with one IMAGE_TOKEN.
            vision: [B, M, D] float32, vision tokens of each row.
            top: candidates to return for each position.
        """
        self._language, self._words, self._top = language, words, top
        self._last = config.language.max_positions - 1
        self._image = np.array([prompt.index(IMAGE_TOKEN) for prompt in prompts], np.int64)
        self._vision_tokens, self._stride = vision.shape[1], config.stride(vision.shape[1])
        self._prompts = [self._embed(prompt, tokens) for prompt, tokens in zip(prompts, vision, strict=True)]
        self._prompt_lengths = np.array([len(prompt) for prompt in self._prompts], np.int64)
        self._written = np.zeros(len(prompts), np.int64)
        self._valid = np.zeros((len(prompts), 0), bool)  # slots of the cache that hold a token of their row
        self._source = np.arange(len(prompts))  # rows of one number began with the same prompt and draft
        self._device = "cuda" if "CUDAExecutionProvider" in language.get_providers() else "cpu"
        # An input has 0 where its graph has a free number of slots, and the rows come first.
        cache = {}
        for entry in language.get_inputs():
            if "key_" in entry.name or "value_" in entry.name:
                shape = (len(prompts), *(n if isinstance(n, int) else 0 for n in entry.shape[1:]))
                cache[entry.name] = ort.OrtValue.ortvalue_from_numpy(
                    np.zeros(shape, np.float32), self._device
                )
        self._prompt = {name: value for name, value in cache.items() if name.startswith(_PROMPT)}
        self._caption = {name: value for name, value in cache.items() if not name.startswith(_PROMPT)}

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        rows = [
            np.concatenate([prompt, self._words[ids[:n]]])
            for prompt, ids, n in zip(self._prompts, draft, lengths, strict=True)
        ]
        width = max(map(len, rows))
        embeds = np.zeros((len(rows), width, self._words.shape[1]), np.float32)
        for row, tokens in zip(embeds, rows, strict=True):
            row[: len(tokens)] = tokens
        # The outputs wanted begin at the last prompt position of each row.
        wanted = self._prompt_lengths[:, None] - 1 + np.arange(draft.shape[1] + 1)
        self._written = np.asarray(lengths, np.int64).copy()
        return self._forward(embeds, self._prompt_lengths + lengths, np.minimum(wanted, width - 1))

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        self._written = self._written + lengths
        wanted = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
        return self._forward(np.asarray(self._words[tokens]), np.asarray(lengths), wanted)

    def crop(self, lengths: np.ndarray) -> None:
        for row, forget in enumerate(self._written - lengths):
            if forget > 0:
                self._valid[row, np.flatnonzero(self._valid[row])[-forget:]] = False
        self._written = np.minimum(self._written, lengths)

    def reorder(self, rows: np.ndarray) -> None:
        rows = np.asarray(rows, np.int64)
        if np.array_equal(rows, np.arange(len(self._valid))):
            return
        self._caption = self._select(self._caption, rows)
        if not np.array_equal(self._source[rows], self._source):  # the beams of one image share its prompt
            self._prompt = self._select(self._prompt, rows)
        self._source = self._source[rows]
        self._valid, self._written = self._valid[rows], self._written[rows]
        self._prompt_lengths, self._image = self._prompt_lengths[rows], self._image[rows]

    def _select(self, cache: dict[str, ort.OrtValue], rows: np.ndarray) -> dict[str, ort.OrtValue]:
        return {
            name: ort.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value.numpy()[rows]), self._device)
            for name, value in cache.items()
        }

    def _embed(self, prompt: list[int], vision: np.ndarray) -> np.ndarray:
        """Inputs of one prompt, vision tokens in the place of IMAGE_TOKEN: [T - 1 + M, D]."""
        at = prompt.index(IMAGE_TOKEN)
        return np.concatenate([self._words[prompt[:at]], vision, self._words[prompt[at + 1 :]]])

    def _forward(self, embeds: np.ndarray, lengths: np.ndarray, wanted: np.ndarray) -> TopK:
        """Run new tokens [B, T, D] of which the first `lengths` are real; candidates at `wanted` [B, W]."""
        width, past = embeds.shape[1], self._valid.shape[1]
        start = self._valid.sum(axis=1)
        self._valid = np.concatenate([self._valid, np.arange(width) < lengths[:, None]], axis=1)
        # A token sees the slots before it and itself.
        causal = np.arange(past + width) <= past + np.arange(width)[:, None]
        seen = self._valid[:, None, None, :] & causal
        slots = start[:, None] + np.arange(width)
        positions = spread_positions(slots, self._image, self._vision_tokens, self._stride)
        binding = self._language.io_binding()
        binding.bind_cpu_input("embeds", np.ascontiguousarray(embeds, np.float32))
        binding.bind_cpu_input("positions", np.minimum(positions, self._last).astype(np.int64))
        binding.bind_cpu_input("bias", np.where(seen, np.float32(0), _HIDDEN))
        binding.bind_cpu_input("wanted", np.ascontiguousarray(wanted, np.int64))
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
        return best(logits.numpy(), self._top)


def best(logits: np.ndarray, k: int) -> TopK:
    """The k most probable tokens of logits [B, W, V], the most probable first, the lower id at a tie."""
    highest = logits.max(axis=-1, keepdims=True)
    log_sum = highest + np.log(np.exp(logits - highest).sum(axis=-1, keepdims=True))
    if k == 1:
        ids = logits.argmax(axis=-1)[..., None]
    else:
        some = np.sort(np.argpartition(logits, -k, axis=-1)[..., -k:], axis=-1)
        order = np.argsort(-np.take_along_axis(logits, some, -1), axis=-1, kind="stable")
        ids = np.take_along_axis(some, order, -1)
    return TopK(ids, np.take_along_axis(logits, ids, -1) - log_sum)
