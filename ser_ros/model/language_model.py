"""The language model, OPT or LLaMA of transformers; vision enters as input tokens (paper D.1)."""

from __future__ import annotations

import inspect
from functools import partial

import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaModel, OPTConfig, OPTModel
from transformers.cache_utils import Cache

from ser_ros.errors import UserError
from ser_ros.model.config import LanguageConfig, LoraConfig


class LanguageModel(nn.Module):
    """Token embedding, decoder and output words; the output shares the embedding's weights where tied.

    `words` is how many ids have a text. Vocabularies are often padded beyond them (OPT's: 50,265 of 50,272);
    None takes all.
    """

    def __init__(self, config: LanguageConfig, words: int | None = None):
        super().__init__()
        self.config = config
        self.words = words
        if config.kind == "opt":
            self.decoder = OPTModel(OPTConfig(**config.sizes)).decoder
        elif config.kind == "llama":
            self.decoder = LlamaModel(LlamaConfig(**config.sizes))
        else:
            raise UserError(f"no language model of kind {config.kind!r}; there are opt and llama")
        # transformers 5.24 renamed it, and warns of the old name at each call.
        named = inspect.signature(self.decoder.forward).parameters
        self._cache_argument = "cache" if "cache" in named else "past_key_values"
        if config.lora is not None:
            self._add_lora(config.lora)
        self.by_cross_attention = False
        self._context: Tensor | None = None
        tied = self.decoder.config.tie_word_embeddings
        self.lm_head = None if tied else nn.Linear(config.input_width, self.vocabulary, bias=False)

    def _add_lora(self, lora: LoraConfig) -> None:
        try:
            import peft
        except ImportError:
            raise UserError("LoRA needs the package peft: pip install 'ser-ros[train]'") from None
        adapters = peft.LoraConfig(
            r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=list(lora.targets)
        )
        peft.inject_adapter_in_model(adapters, self.decoder)

    def freeze_all_but_lora(self) -> None:
        """Where there are adapters, train only them; otherwise leave everything as it is."""
        if self.config.lora is not None:
            for name, weight in self.named_parameters():
                weight.requires_grad_("lora_" in name)

    def attend_by(self, looks: nn.ModuleList) -> None:
        """Let each decoder layer first attend to vision tokens by one of `looks` (paper Table 10 (c)).

        The looks stay part of the connector, which is what trains them.

        Raises:
            UserError: the language model's embeddings are narrower or wider than its layers.
        """
        if self.config.input_width != self.decoder.config.hidden_size:
            raise UserError(
                "cross-attention needs a language model whose embeddings are as wide as its layers"
            )
        self.by_cross_attention = True
        for layer, cross in zip(self.decoder.layers, looks, strict=True):
            layer.register_forward_pre_hook(partial(self._look, cross))

    def _look(self, cross: nn.Module, _layer: nn.Module, args: tuple) -> tuple:
        return (cross(args[0], self._context), *args[1:])

    def place(self, vision: Tensor) -> tuple[Tensor, Tensor | None]:
        """Vision tokens [B, M, D] as input tokens, and those as memory for cross-attention; one is empty."""
        return (vision[:, :0], vision) if self.by_cross_attention else (vision, None)

    @property
    def vocabulary(self) -> int:
        return self.decoder.embed_tokens.num_embeddings

    def embed(self, ids: Tensor) -> Tensor:
        """Token ids [B, T] -> embeddings [B, T, D]."""
        return self.decoder.embed_tokens(ids)

    def forward(
        self,
        embeds: Tensor,
        mask: Tensor | None = None,
        positions: Tensor | None = None,
        cache: Cache | None = None,
        context: Tensor | None = None,
    ) -> Tensor:
        """Hidden states of the last layer.

        Args:
            embeds: [B, T, D].
            mask: [B, S] with S cached plus new tokens, true where one may be seen; None for all. Causality
                is added to it. Or [B, 1, T, S], added to the attention's scores as it is.
            positions: [B, T] position of each token; None counts from the cache's end.
            cache: keys and values of earlier tokens, extended in place.
            context: vision tokens [B, M, D] for cross-attention, of models that have it.

        Returns:
            [B, T, D].
        """
        # Kept after the call: gradient checkpointing runs the layers once more in the backward pass.
        self._context = context
        return self.decoder(
            inputs_embeds=embeds,
            attention_mask=mask,
            position_ids=positions,
            use_cache=cache is not None,
            **{self._cache_argument: cache},
        ).last_hidden_state

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., D] -> [..., vocabulary]."""
        if self.lm_head is not None:
            return self.lm_head(hidden)
        return torch.nn.functional.linear(hidden, self.decoder.embed_tokens.weight)

    def next_logits(self, hidden: Tensor) -> Tensor:
        """Logits of the ids that may be written: [..., D] -> [..., words]."""
        logits = self.logits(hidden)
        return logits if self.words in (None, self.vocabulary) else logits[..., : self.words]
