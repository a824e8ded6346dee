"""The module that Hugging Face's Trainer trains: SerModel with a batch's loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ser_ros.model.config import IGNORE
from ser_ros.model.ser_model import SerModel
from ser_ros.model.vision_tower import FeatureBuffer


class Learner(nn.Module):
    """Sums the loss over first glances and refinements of one batch.

    The sum is divided by `num_items_in_batch`, the answer tokens of the whole optimiser step over
    all processes and accumulated micro batches; so the gradient does not depend on how a batch is
    cut up.
    """

    accepts_loss_kwargs = True  # asks Trainer for num_items_in_batch

    def __init__(self, model: SerModel, layers: tuple[int, ...]) -> None:
        """`layers` are the hidden states that `features` of a batch hold, in their order."""
        super().__init__()
        self.model = model
        self.layers = layers

    def forward(
        self,
        input_ids: Tensor,
        labels: Tensor,
        pixel_values: Tensor | None = None,
        features: Tensor | None = None,
        initial_ids: Tensor | None = None,
        initial_lengths: Tensor | None = None,
        num_items_in_batch: Tensor | int | None = None,
    ) -> dict[str, Tensor]:
        """{"loss": scalar}; arguments as `ser_ros.train.dataset.collate` makes them."""
        if features is not None:
            buffer = FeatureBuffer({layer: features[:, n] for n, layer in enumerate(self.layers)})
            buffer = buffer.to(self.model.dtype)
        else:
            assert pixel_values is not None
            buffer = self.model.see(pixel_values)
        if initial_ids is None or initial_lengths is None:
            total = self._summed(input_ids, labels, buffer)
        else:
            second = initial_lengths >= 0
            total = input_ids.new_zeros((), dtype=torch.float32)
            for refines in (False, True):
                rows = (second == refines).nonzero()[:, 0]
                if len(rows):
                    extra = (initial_ids[rows], initial_lengths[rows]) if refines else (None, None)
                    total = total + self._summed(input_ids[rows], labels[rows], buffer.rows(rows), *extra)
        count = (labels != IGNORE).sum() if num_items_in_batch is None else num_items_in_batch
        return {"loss": total / count}

    def _summed(
        self,
        ids: Tensor,
        labels: Tensor,
        buffer: FeatureBuffer,
        initial_ids: Tensor | None = None,
        initial_lengths: Tensor | None = None,
    ) -> Tensor:
        mean = self.model(
            ids, labels=labels, features=buffer, initial_ids=initial_ids, initial_lengths=initial_lengths
        ).loss
        return mean * (labels != IGNORE).sum()

    def trained_state(self) -> dict[str, Tensor]:
        """What learns, by name; a checkpoint to resume from needs no more."""
        names = {name for name, parameter in self.named_parameters() if parameter.requires_grad}
        return {name: tensor for name, tensor in self.state_dict().items() if name in names}

    def recompute_activations(self) -> None:
        """Save memory: recompute the language model's activations in the backward pass."""
        decoder = self.model.language.decoder
        # transformers 6 drops the old name.
        enable = getattr(decoder, "activation_checkpointing_enable", decoder.gradient_checkpointing_enable)
        enable({"use_reentrant": False})
