"""The decoding session of the language model on ONNX Runtime, over either form of its graph."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import onnxruntime as ort

from ser_ros.model.config import IMAGE_TOKEN, SerConfig
from ser_ros.model.decoding.session import TopK
from ser_ros.model.positions import spread_positions


class OnnxSession(ABC):
    """Prompts with vision tokens, and the captions that follow them; the same protocol as torch's."""

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
        self._last_position = config.language.max_positions - 1
        self._image = np.array([prompt.index(IMAGE_TOKEN) for prompt in prompts], np.int64)
        self._vision_tokens, self._stride = vision.shape[1], config.stride(vision.shape[1])
        self._prompts = [self._embed(prompt, tokens) for prompt, tokens in zip(prompts, vision, strict=True)]
        self._prompt_lengths = np.array([len(prompt) for prompt in self._prompts], np.int64)
        self._source = np.arange(len(prompts))  # rows of one number began with the same prompt and draft

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
        lengths = self._prompt_lengths + lengths
        return best(self._forward(embeds, lengths, np.minimum(wanted, width - 1)), self._top)

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        wanted = np.ascontiguousarray(np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape))
        return best(self._forward(np.asarray(self._words[tokens]), np.asarray(lengths), wanted), self._top)

    @abstractmethod
    def crop(self, lengths: np.ndarray) -> None:
        """Forget all but so many tokens after each row's prompt, [B] int64."""

    def reorder(self, rows: np.ndarray) -> None:
        rows = np.asarray(rows, np.int64)
        if np.array_equal(rows, np.arange(len(self._source))):
            return
        self._reorder_cache(rows, np.array_equal(self._source[rows], self._source))
        self._source = self._source[rows]
        self._prompt_lengths, self._image = self._prompt_lengths[rows], self._image[rows]

    @abstractmethod
    def _reorder_cache(self, rows: np.ndarray, same_prompts: bool) -> None:
        """Let cached row i be old row rows[i]; `same_prompts`: beams of one image, whose prompts agree."""

    @abstractmethod
    def _forward(self, embeds: np.ndarray, lengths: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Run new tokens [B, T, D] of which the first `lengths` are real; logits at `wanted` [B, W]."""

    def _embed(self, prompt: list[int], vision: np.ndarray) -> np.ndarray:
        """Inputs of one prompt, vision tokens in the place of IMAGE_TOKEN: [T - 1 + M, D]."""
        at = prompt.index(IMAGE_TOKEN)
        return np.concatenate([self._words[prompt[:at]], vision, self._words[prompt[at + 1 :]]])

    def _positions(self, start: np.ndarray, width: int) -> np.ndarray:
        """Positions of `width` new tokens after `start` [B] others: [B, T] int64."""
        slots = start[:, None] + np.arange(width)
        positions = spread_positions(slots, self._image, self._vision_tokens, self._stride)
        return np.minimum(positions, self._last_position)


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
