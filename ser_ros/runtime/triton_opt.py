"""One token through OPT's decoder in five Triton kernels a layer, where `FusedOpt` launches fourteen.

At one token a kernel needs a microsecond or two for its weights and as long to start, so small work goes into
a product beside it: each program of a product computes the LayerNorm before it, keys and values are written
where they are made, and the parts of an attention are put together where they are read.
"""

from __future__ import annotations

import subprocess

import torch
import triton
from torch import Tensor, nn
from triton.errors import TritonError

from ser_ros.model.kv_cache import FixedCache
from ser_ros.model.language_model import LanguageModel
from ser_ros.runtime import triton_kernels as kernels
from ser_ros.runtime.fused_opt import FusedOpt

_WEIGHTS = 16384
"""Weights of one program of a product from the model's width; the best of 2,048 to 32,768 on an H200."""

_FEWER_WEIGHTS = {"attended": 2048, "mlp": 8192}
"""The same of the products back to the model's width, which have few outputs."""

_CHUNK, _CHUNKS = 128, 8
"""Slots that one program attends to, or more where these would be more than so many chunks."""


class TritonOpt:
    """What may follow one token after those in a `FixedCache`."""

    def __init__(self, language: LanguageModel, fused: FusedOpt, cache: FixedCache):
        self._language, self._decoder = language, language.decoder
        self._projections, self._cache = fused.projections, cache
        words = self._decoder.embed_tokens.weight
        self._width = words.shape[1]
        self._block = triton.next_power_of_2(self._width)
        self._rows = max(1, _WEIGHTS // self._block)
        early = words.is_cuda and torch.cuda.get_device_capability(words.device) >= (9, 0)
        self._launch = {"EARLY": early} | ({"launch_pdl": True} if early else {})

    @staticmethod
    def fits(language: LanguageModel) -> bool:
        """Whether the kernels compute the model: an OPT for `FusedOpt`, heads a power of two wide."""
        size = language.decoder.config.hidden_size // language.decoder.config.num_attention_heads
        affine = language.decoder.config.layer_norm_elementwise_affine
        return FusedOpt.fits(language) and affine and triton.next_power_of_2(size) == size

    def problem(self) -> str:
        """Why kernels cannot be built or started here, tried with the smallest; "" if they can."""
        word = self._decoder.embed_tokens.weight
        token, sums = torch.zeros(3, 1, dtype=torch.int64, device=word.device), word.new_ones(1).float()
        try:
            kernels.best_word[(1,)](
                sums, sums, token, token, token.double(), token.clone(), 1, 1, 1, **self._launch
            )
        except (RuntimeError, OSError, subprocess.SubprocessError, TritonError) as error:
            return f"{type(error).__name__}: {error}"
        return ""

    def __call__(self, token: Tensor, seen: int) -> tuple[Tensor, Tensor]:
        """The best next token.

        Args:
            token: the token before it: id, position and slot, [3, 1] int64 on the device.
            seen: that slot is below this.

        Returns:
            Id and log-probability [2, 1] float64; id, position and slot [3, 1] int64.
        """
        decoder, words = self._decoder, self._decoder.embed_tokens.weight
        x = words.new_empty(self._width)
        places = decoder.embed_positions
        kernels.embed[(1,)](
            token, words, places.weight, x, places.offset, self._width, self._block, **self._launch
        )
        for layer, stored, projection in zip(
            decoder.layers, self._cache.layers, self._projections, strict=True
        ):
            self._add_attention(x, token, layer, stored.buffer, projection, seen)
            self._add_mlp(x, layer)
        return self._choose(x, token)

    def _add_attention(
        self, x: Tensor, token: Tensor, layer: nn.Module, stored: Tensor, projection: tuple, seen: int
    ) -> None:
        """Add a layer's attention to x [D], and its keys and values to `stored` [2, 1, H, S, E]."""
        norm, out = layer.self_attn_layer_norm, layer.self_attn.out_proj
        _, _, heads, slots, size = stored.shape
        query = torch.empty_like(x)
        kernels.norm_query_key_value[(triton.cdiv(3 * self._width, self._rows),)](
            x, norm.weight, norm.bias, norm.eps, *projection, query, stored, token,
            self._width, self._block, slots, size, self._rows, **self._launch,
        )  # fmt: skip
        chunk = max(_CHUNK, triton.next_power_of_2(seen) // _CHUNKS)
        chunks = triton.cdiv(seen, chunk)
        mixed = x.new_empty(chunks, self._width, dtype=torch.float32)
        best, total = x.new_empty(2, chunks, heads, dtype=torch.float32)
        kernels.attend[(heads, chunks)](
            query, stored, token, mixed, best, total, layer.self_attn.scaling,
            heads, slots, size, chunk, num_warps=chunk // 32, **self._launch,
        )  # fmt: skip
        rows = max(1, _FEWER_WEIGHTS["attended"] // self._block)
        kernels.add_attended[(triton.cdiv(self._width, rows),)](
            mixed, best, total, out.weight, out.bias, x, chunks, self._width, self._block,
            heads, size, _CHUNKS, rows, num_warps=1, **self._launch,
        )  # fmt: skip

    def _add_mlp(self, x: Tensor, layer: nn.Module) -> None:
        norm, hidden = layer.final_layer_norm, x.new_empty(layer.fc1.out_features)
        kernels.norm_linear_relu[(triton.cdiv(len(hidden), self._rows),)](
            x, norm.weight, norm.bias, norm.eps, layer.fc1.weight, layer.fc1.bias, hidden,
            len(hidden), self._width, self._block, self._rows, **self._launch,
        )  # fmt: skip
        block = triton.next_power_of_2(len(hidden))
        rows = max(1, _FEWER_WEIGHTS["mlp"] // block)
        kernels.add_linear[(triton.cdiv(self._width, rows),)](
            hidden, layer.fc2.weight, layer.fc2.bias, x,
            self._width, len(hidden), block, rows, **self._launch,
        )  # fmt: skip

    def _choose(self, x: Tensor, token: Tensor) -> tuple[Tensor, Tensor]:
        norm, head = self._decoder.final_layer_norm, self._language.lm_head or self._decoder.embed_tokens
        words = self._language.words or self._language.vocabulary
        programs = triton.cdiv(words, self._rows)
        best, total = x.new_empty(2, programs, dtype=torch.float32)
        ids = token.new_empty(programs)
        kernels.words[(programs,)](
            x, norm.weight, norm.bias, norm.eps, head.weight, best, total, ids,
            words, self._width, self._block, self._rows, **self._launch,
        )  # fmt: skip
        result, following = x.new_empty(2, 1, dtype=torch.float64), torch.empty_like(token)
        kernels.best_word[(1,)](
            best, total, ids, token, result, following, self._language.config.max_positions - 1,
            programs, triton.next_power_of_2(programs), **self._launch,
        )  # fmt: skip
        return result, following
