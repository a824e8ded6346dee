"""A decoding session of one row whose tensors keep their shapes and places, as CUDA graphs need them.

A token stands in the slot of its number in the row. Rows are padded on the right: what padding writes is
never seen by a real token before it, and overwritten by the real tokens after it.
"""

from __future__ import annotations

import logging
import weakref

import numpy as np
import torch
from torch import Tensor

from ser_ros.model.config import IMAGE_TOKEN
from ser_ros.model.decoding.session import TopK
from ser_ros.model.kv_cache import FixedCache
from ser_ros.model.positions import spread_positions
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.cuda_graphs import Function, Run
from ser_ros.runtime.fused_opt import FusedOpt
from ser_ros.runtime.token_steps import TokenSteps

log = logging.getLogger(__name__)

_PROMPT_STEP = 32
"""Prompts are padded to multiples of this; each length is recorded once."""

_CACHE_STEP = 128
"""A step reads a multiple of so many slots."""

_SHORTEST = 16
"""Several new tokens are padded to a power of two that is at least this."""

_LONGEST = 512
"""Most new tokens at once: the most of a caption."""


class StaticDecoder:
    """The language model over one row of keys and values that stay where they are."""

    def __init__(self, model: SerModel, run: Run):
        self._model, self._run = model, run
        self._layers = FusedOpt(model.language) if FusedOpt.fits(model.language) else model.language
        self.last = model.language.config.max_positions - 1
        self.slots = _up(self.last + 1 + _LONGEST, _CACHE_STEP)
        self._cache = FixedCache(len(model.language.decoder.layers), self.slots)
        kernels = _by_triton(model, self._layers, self._cache)
        self._token_steps = kernels and TokenSteps(
            lambda token, slot: run(kernels, token, _up(slot + 1, _CACHE_STEP)), self.slots
        )
        self._user: weakref.ref[StaticSession] | None = None

    def open(self, prompt: list[int], vision: Tensor, stride: int) -> StaticSession | None:
        """A session; None while another one that is still in use has the keys and values.

        Args:
            prompt: ids with one IMAGE_TOKEN.
            vision: [1, M, D] vision tokens.
            stride: positions that one vision token takes.
        """
        if self._user is not None and self._user() is not None:
            return None
        session = StaticSession(self, prompt, vision, stride)
        self._user = weakref.ref(session)
        return session

    @torch.inference_mode()
    def start(self, ids: np.ndarray, vision: Tensor, positions: np.ndarray, wanted: np.ndarray) -> TopK:
        """Compute a prompt: ids [1, T], vision [1, M, D], positions [1, T - 1 + M], outputs `wanted` [W]."""
        if self._token_steps is not None:
            self._token_steps.forget()
        tensors = (torch.from_numpy(ids), vision, torch.from_numpy(positions), torch.from_numpy(wanted))
        return _top(self._run(self._start, *tensors)[0].cpu().numpy())

    @torch.inference_mode()
    def step(self, tokens: np.ndarray) -> TopK:
        """Append tokens: ids, positions and slots [3, T], in one array as one transfer brings it."""
        if self._token_steps is not None:
            if tokens.shape[1] == 1:
                return _top(self._token_steps(tokens))
            self._token_steps.forget()
        seen = _up(int(tokens[2, -1]) + 1, _CACHE_STEP)
        return _top(self._run(self._step, torch.from_numpy(tokens), seen)[0].cpu().numpy())

    def _start(self, ids: Tensor, vision: Tensor, positions: Tensor, wanted: Tensor) -> tuple[Tensor]:
        embeds = self._model.merge(ids, vision)  # [1, L, D]
        slots = torch.arange(embeds.shape[1], device=embeds.device)
        return self._forward(embeds, positions, slots, embeds.shape[1], wanted)

    def _step(self, tokens: Tensor, seen: int) -> tuple[Tensor]:
        ids, positions, slots = tokens
        return self._forward(self._model.language.embed(ids[None]), positions[None], slots, seen, None)

    def _forward(
        self, embeds: Tensor, positions: Tensor, slots: Tensor, seen: int, wanted: Tensor | None
    ) -> tuple[Tensor]:
        """New tokens [1, T, D] that see the first `seen` slots up to their own -> ids, log-probs [2, W]."""
        hidden_slots = torch.arange(seen, device=slots.device) > slots[:, None]  # [T, S]
        bias = embeds.new_zeros(hidden_slots.shape).masked_fill(hidden_slots, -torch.inf)
        self._cache.write_to(slots, seen)
        language = self._model.language
        hidden = self._layers(embeds, bias[None, None], positions, self._cache)[0]  # [T, D]
        logits = language.next_logits(hidden if wanted is None else hidden[wanted]).float()
        best, ids = logits.max(dim=-1, keepdim=True)
        log_probs = -(logits - best).exp().sum(dim=-1).log()
        # Together, so that one transfer brings both back; float64 holds any id.
        return (torch.stack([ids[:, 0].double(), log_probs.double()]),)


class StaticSession:
    """One caption after one prompt, the best token at each place."""

    def __init__(self, decoder: StaticDecoder, prompt: list[int], vision: Tensor, stride: int):
        self._decoder, self._prompt, self._vision = decoder, prompt, vision
        self._start = len(prompt) - 1 + vision.shape[1]  # slots of the prompt
        self._used = 0
        slots, image = np.arange(decoder.slots)[None], np.array([prompt.index(IMAGE_TOKEN)])
        places = spread_positions(slots, image, vision.shape[1], stride)[0]
        self._positions = np.minimum(places, decoder.last)  # of each slot

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        length = int(lengths[0])
        self._used = self._start + length
        width = _up(self._used, _PROMPT_STEP)
        tokens = [*self._prompt, *draft[0, :length]]
        ids = np.zeros((1, width + 1 - self._vision.shape[1]), np.int64)
        ids[0, : len(tokens)] = tokens
        wanted = np.minimum(self._start - 1 + np.arange(_padded(length + 1)), width - 1)
        top = self._decoder.start(ids, self._vision, self._positions[None, :width], wanted)
        return TopK(top.ids[:, : length + 1], top.log_probs[:, : length + 1])

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        length = int(lengths[0])
        end = self._used + _padded(length)
        new = np.zeros((3, end - self._used), np.int64)
        new[0, :length] = tokens[0, :length]
        new[1] = self._positions[self._used : end]
        new[2] = np.arange(self._used, end)
        self._used += length
        top = self._decoder.step(new)
        return TopK(top.ids[:, :length], top.log_probs[:, :length])

    def crop(self, lengths: np.ndarray) -> None:
        self._used = min(self._used, self._start + int(lengths[0]))

    def reorder(self, rows: np.ndarray) -> None:
        if list(rows) != [0]:
            raise ValueError("a static session has one row")


def _by_triton(model: SerModel, layers: object, cache: FixedCache) -> Function | None:
    """One token by Triton's kernels; None where Triton is not there, too old or without a compiler."""
    if not isinstance(layers, FusedOpt) or model.device.type != "cuda":
        return None
    try:
        from ser_ros.runtime.triton_opt import TritonOpt
    except ImportError:
        return None
    if not TritonOpt.fits(model.language):
        return None
    kernels = TritonOpt(model.language, layers, cache)
    problem = kernels.problem()
    if problem:
        log.warning(
            "decoding takes torch's kernels, as Triton cannot build its own here: it needs a C "
            "compiler and Python's headers (docs/install.md); %s",
            problem,
        )
    return None if problem else kernels


def _top(result: np.ndarray) -> TopK:
    """Ids and log-probabilities [2, W] -> each [1, W, 1]."""
    ids, log_probs = result[:, None, :, None]
    return TopK(ids.astype(np.int64), log_probs.astype(np.float32))


def _up(number: int, step: int) -> int:
    """The next multiple of `step`."""
    return -(-number // step) * step


def _padded(tokens: int) -> int:
    return 1 if tokens == 1 else max(_SHORTEST, 1 << (tokens - 1).bit_length())
