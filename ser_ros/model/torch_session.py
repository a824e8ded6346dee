"""The decoding session of the torch language model."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ser_ros.model.config import IMAGE_TOKEN
from ser_ros.model.decoding.session import TopK, pad
from ser_ros.model.kv_cache import KvCache
from ser_ros.model.language_model import LanguageModel
from ser_ros.model.positions import spread_positions

_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""Not cuDNN's: it plans anew for each length, 45 ms on an H200, and here each token has a new one."""


class TorchSession:
    """Prompts with vision tokens, and the captions that follow them.

    Rows may have prompts and captions of different lengths: slots of the cache that hold padding or
    forgotten tokens are masked, and every token carries its own position.
    """

    def __init__(
        self,
        language: LanguageModel,
        prompts: list[list[int]],
        vision: Tensor,
        merge: Callable[[Tensor, Tensor], Tensor],
        top: int,
        stride: int = 1,
    ):
        """Start rows that are not computed yet.

        Args:
            language: the language model.
            prompts: one a row, each with one IMAGE_TOKEN.
            vision: [B, M, D] vision tokens of each row.
            merge: puts vision tokens in their places, `SerModel.merge`.
            top: candidates to return for each position.
            stride: positions that one vision token takes.
        """
        self.language, self.top = language, top
        vision, self._context = language.place(vision)
        self._prompts, self._vision, self._merge = prompts, vision, merge
        self._cache = KvCache(len(language.decoder.layers))
        self._prompt_lengths = np.array([len(p) - 1 + vision.shape[1] for p in prompts], np.int64)
        self._image = np.array([p.index(IMAGE_TOKEN) for p in prompts], np.int64)
        self._stride = stride
        self._written = np.zeros(len(prompts), np.int64)
        self._valid = np.zeros((len(prompts), 0), bool)  # slots of the cache that hold a token of their row

    @torch.inference_mode()
    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        rows = [p + list(map(int, d[:n])) for p, d, n in zip(self._prompts, draft, lengths, strict=True)]
        ids = torch.from_numpy(pad(rows)[0])
        hidden = self._forward(self._merge(ids, self._vision), self._prompt_lengths + lengths)
        self._written = np.asarray(lengths, np.int64).copy()
        # The outputs wanted begin at the last prompt position of each row.
        wanted = self._prompt_lengths[:, None] - 1 + np.arange(draft.shape[1] + 1)
        index = torch.from_numpy(np.minimum(wanted, hidden.shape[1] - 1)).to(hidden.device)
        return self._top(hidden.gather(1, index[:, :, None].expand(-1, -1, hidden.shape[2])))

    @torch.inference_mode()
    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        embeds = self.language.embed(torch.from_numpy(tokens).to(self._vision.device))
        hidden = self._forward(embeds, lengths)
        self._written += lengths
        return self._top(hidden)

    def crop(self, lengths: np.ndarray) -> None:
        for row, forget in enumerate(self._written - lengths):
            if forget > 0:
                self._valid[row, np.flatnonzero(self._valid[row])[-forget:]] = False
        self._written = np.minimum(self._written, lengths)
        used = np.flatnonzero(self._valid.any(axis=0))
        slots = int(used[-1]) + 1 if len(used) else 0
        if slots < self._valid.shape[1]:
            self._valid = self._valid[:, :slots]
            self._cache.shorten(slots)

    def reorder(self, rows: np.ndarray) -> None:
        if np.array_equal(rows, np.arange(len(self._valid))):
            return
        self._cache.select(torch.from_numpy(np.asarray(rows, np.int64)))
        self._valid, self._written = self._valid[rows], self._written[rows]
        self._prompt_lengths, self._image = self._prompt_lengths[rows], self._image[rows]
        if self._context is not None:
            self._context = self._context[torch.from_numpy(rows).to(self._context.device)]

    def _forward(self, embeds: Tensor, lengths: np.ndarray) -> Tensor:
        """Hidden states [B, T, D] of new tokens of which the first `lengths` of each row are real."""
        device, width = embeds.device, embeds.shape[1]
        start = self._valid.sum(axis=1)
        new = np.arange(width) < lengths[:, None]
        self._valid = np.concatenate([self._valid, new], axis=1)
        last = self.language.config.max_positions - 1
        slots = start[:, None] + np.arange(width)
        positions = spread_positions(slots, self._image, self._vision.shape[1], self._stride)
        mask = None if self._valid.all() else torch.from_numpy(self._valid).to(device)
        positions = np.minimum(positions, last)
        with sdpa_kernel(_ATTENTION) if device.type == "cuda" else nullcontext():
            return self.language(
                embeds, mask, torch.from_numpy(positions).to(device), self._cache, self._context
            )

    def _top(self, hidden: Tensor) -> TopK:
        """Log-probabilities in float32, as transformers takes them before a beam search."""
        logits = self.language.next_logits(hidden).float()
        if self.top == 1:
            best, ids = logits.max(dim=-1, keepdim=True)
            log_probs = best - logits.logsumexp(dim=-1, keepdim=True)
        else:
            log_probs, ids = logits.log_softmax(dim=-1).topk(self.top, dim=-1)
        return TopK(ids.cpu().numpy(), log_probs.cpu().numpy())
