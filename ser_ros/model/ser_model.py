"""SerModel: glance at an image, then look a second time at what was said (paper Figure 7).

pixels -> vision towers -> buffer -> connector -> language model -> initial caption
                              |                                        |
                              +---------> DeepLens <-------------------+
                                             |
                                             +-> language model -> refined caption
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.utils import ModelOutput

from ser_ros.errors import UserError
from ser_ros.model.config import IGNORE, IMAGE_TOKEN, SerConfig
from ser_ros.model.connectors import CrossAttentionConnector, build_connector
from ser_ros.model.decoding.session import Written, pad
from ser_ros.model.deeplens import DeepLens
from ser_ros.model.describe import Clock, Writer, describe
from ser_ros.model.description import Description
from ser_ros.model.language_model import LanguageModel
from ser_ros.model.positions import spread_positions
from ser_ros.model.processor import preprocess
from ser_ros.model.tokenizer import CaptionTokenizer
from ser_ros.model.torch_session import TorchSession
from ser_ros.model.vision_tower import FeatureBuffer, VisionTowers

PARTS = ("vision", "connector", "deeplens", "language")


@dataclass
class SerOutput(ModelOutput):
    """`loss` is the mean over positions with a label; `logits` [B, L, V] only where there are no labels."""

    loss: Tensor | None = None
    logits: Tensor | None = None


class SerModel(nn.Module):
    """The network; `tokenizer` is None where only tensors are needed (training from prepared ids)."""

    def __init__(self, config: SerConfig, tokenizer: CaptionTokenizer | None = None):
        super().__init__()
        config.check()
        self.config = config
        self.tokenizer = tokenizer
        width = config.language.input_width
        self.vision = VisionTowers(config)
        channels = len(config.connector.layers) * config.vision_width
        depth = int(config.language.sizes["num_hidden_layers"])
        self.connector = build_connector(config.connector, channels, width, depth)
        self.deeplens = DeepLens(config.deeplens, config.vision_width, width) if config.deeplens else None
        self.language = LanguageModel(config.language, tokenizer.size if tokenizer else None)
        if isinstance(self.connector, CrossAttentionConnector):
            self.language.attend_by(self.connector.looks)

    @property
    def device(self) -> torch.device:
        """Where the language model's weights are."""
        return self.language.decoder.embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        """In which the language model's weights are."""
        return self.language.decoder.embed_tokens.weight.dtype

    def see(self, pixels: Tensor) -> FeatureBuffer:
        """Run the frozen vision towers once: [B, 3, S, S] -> the buffer both glances read."""
        with torch.no_grad():
            return self.vision(pixels.to(self.device, self.dtype))

    def first_tokens(self, buffer: FeatureBuffer) -> Tensor:
        """Vision tokens of the first glance, [B, M, D]."""
        return self.connector(buffer.channels(self.config.connector.layers))

    def second_tokens(self, buffer: FeatureBuffer, initial: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Vision tokens of the second glance, [B, N, D].

        Args:
            buffer: features of the same images.
            initial: token ids of the initial captions without end token, right-padded with any id, [B, T].
            lengths: tokens of each, [B]; None means all T.

        Raises:
            UserError: the model has no DeepLens.
        """
        if self.deeplens is None or self.config.deeplens is None:
            raise UserError("the model has no DeepLens, so no second glance; set refinements to 0")
        features = buffer.channels(self.config.deeplens.layers)
        caption = self.language.embed(initial.to(self.device)) if self.config.deeplens.caption else None
        return self.deeplens(features, caption, lengths)

    def merge(self, ids: Tensor, vision: Tensor) -> Tensor:
        """Put vision tokens in the place of IMAGE_TOKEN.

        Args:
            ids: [B, T] with exactly one IMAGE_TOKEN in each row, right-padded with any other id.
            vision: [B, M, D].

        Returns:
            Language model inputs [B, T - 1 + M, D].
        """
        ids = ids.to(vision.device)
        at = (ids == IMAGE_TOKEN).int().argmax(dim=1, keepdim=True)  # [B, 1]
        m, total = vision.shape[1], ids.shape[1] - 1 + vision.shape[1]
        text = self.language.embed(ids.clamp(min=0))  # [B, T, D]
        slot = torch.arange(total, device=ids.device)[None, :].expand(len(ids), -1)
        text_index = torch.where(slot < at, slot, slot - m + 1)
        index = torch.where((slot >= at) & (slot < at + m), ids.shape[1] + slot - at, text_index)
        both = torch.cat([text, vision.to(text.dtype)], dim=1)  # [B, T + M, D]
        return both.gather(1, index[:, :, None].expand(-1, -1, both.shape[-1]))

    def forward(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        initial_ids: Tensor | None = None,
        initial_lengths: Tensor | None = None,
        features: FeatureBuffer | None = None,
    ) -> SerOutput:
        """Next-token loss of one glance, for all three training stages.

        Padding stands on the right, where causal attention keeps it from every real token; so no attention
        mask is needed, only labels of -100.

        Args:
            input_ids: prompt and answer with one IMAGE_TOKEN, [B, T].
            pixel_values: [B, 3, S, S]; not needed with `features`.
            labels: [B, T], -100 where there is no loss (prompt, image, padding); not shifted.
            initial_ids: initial captions of a second glance [B, C]; None is a first glance.
            initial_lengths: their lengths [B].
            features: cached buffer of the images.

        Returns:
            The loss, or without labels the logits [B, T - 1 + M, V] over text and vision positions.
        """
        if features is None:
            if pixel_values is None:
                raise ValueError("forward needs pixel_values or features")
            features = self.see(pixel_values)
        if initial_ids is None:
            vision = self.first_tokens(features)
        else:
            vision = self.second_tokens(features, initial_ids, initial_lengths)
        vision, context = self.language.place(vision)
        positions = self._positions(input_ids, vision.shape[1])
        hidden = self.language(
            self.merge(input_ids, vision), positions=positions, context=context
        )  # [B, L, D]
        if labels is None:
            return SerOutput(logits=self.language.logits(hidden))
        target = self._spread_labels(input_ids, labels, vision.shape[1])[:, 1:]  # [B, L - 1]
        learn = target != IGNORE
        logits = self.language.logits(hidden[:, :-1][learn])  # only where there is a loss: [positions, V]
        return SerOutput(loss=F.cross_entropy(logits.float(), target[learn]))

    def _positions(self, ids: Tensor, tokens: int) -> Tensor | None:
        """Positions [B, L] after `merge` of merged vision tokens, as a session gives them; None counts up."""
        stride = self.config.stride(tokens)
        if stride == 1:
            return None
        image = (ids == IMAGE_TOKEN).int().argmax(dim=1).cpu().numpy()
        slots = np.broadcast_to(np.arange(ids.shape[1] - 1 + tokens), (len(ids), ids.shape[1] - 1 + tokens))
        return torch.from_numpy(spread_positions(slots, image, tokens, stride)).to(self.device)

    @staticmethod
    def _spread_labels(ids: Tensor, labels: Tensor, m: int) -> Tensor:
        """Labels [B, T] at the positions after `merge`, [B, T - 1 + M]."""
        at = (ids == IMAGE_TOKEN).int().argmax(dim=1, keepdim=True)
        slot = torch.arange(ids.shape[1] - 1 + m, device=ids.device)[None, :].expand(len(ids), -1)
        spread = labels.gather(1, torch.where(slot < at, slot, (slot - m + 1).clamp(min=0)))
        return spread.masked_fill((slot >= at) & (slot < at + m), IGNORE)

    def train_only(self, parts: Collection[str]) -> None:
        """Let gradients flow into these of PARTS; freeze the others.

        The three stages (paper H.1): {"connector"}; {"connector", "language"}; {"deeplens", "language"}.

        Raises:
            UserError: a name is none of PARTS.
        """
        unknown = set(parts) - set(PARTS)
        if unknown:
            raise UserError(f"no model part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
        for part in PARTS:
            module = getattr(self, part)
            if module is not None:
                module.requires_grad_(part in parts)
        if "language" in parts:
            self.language.freeze_all_but_lora()

    def train(self, mode: bool = True) -> SerModel:
        """Training mode for the parts that train; the towers stay in evaluation mode."""
        super().train(mode)
        self.vision.eval()
        return self

    @classmethod
    def from_pretrained(
        cls, path: str | Path, *, dtype: str | torch.dtype = "auto", device: str | torch.device = "cpu"
    ) -> SerModel:
        """Load a checkpoint folder; see `ser_ros.model.checkpoint.load`."""
        from ser_ros.model.checkpoint import load

        return load(path, dtype=dtype, device=device)

    def save_pretrained(self, path: str | Path, *, card: str | None = None) -> None:
        """Write a checkpoint folder; see `ser_ros.model.checkpoint.save`."""
        from ser_ros.model.checkpoint import save

        save(self, path, card=card)

    def preprocess(self, images: Sequence[np.ndarray]) -> Tensor:
        """RGB images, each [H, W, 3] uint8, to pixels [B, 3, S, S] float32 on the CPU."""
        return torch.from_numpy(preprocess(images, self.config.image))

    # From here on: an `Engine` of ser_ros.model.describe, which writes the captions.

    out_of_memory = (torch.OutOfMemoryError,)

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray], clock: Clock) -> FeatureBuffer:
        with clock("preprocess"):
            pixels = self.preprocess(images)
        with clock("tower"):
            return self.finish(self.see(pixels))

    def rows(self, features: FeatureBuffer, index: Sequence[int]) -> FeatureBuffer:
        return features.rows(torch.tensor(index))

    @torch.inference_mode()
    def open_glance(
        self, features: FeatureBuffer, prompts: list[list[int]], top: int, clock: Clock
    ) -> TorchSession:
        with clock("connector"):
            vision = self.finish(self.first_tokens(features))
        return self.open_session(prompts, vision, top)

    @torch.inference_mode()
    def open_refine(
        self,
        features: FeatureBuffer,
        prompts: list[list[int]],
        initials: list[list[int]],
        top: int,
        clock: Clock,
    ) -> TorchSession:
        most = self.config.deeplens.max_caption if self.config.deeplens else 0
        ids, lengths = pad([initial[:most] for initial in initials])
        ragged = None if (lengths == ids.shape[1]).all() else torch.from_numpy(lengths)
        with clock("deeplens"):
            vision = self.finish(self.second_tokens(features, torch.from_numpy(ids), ragged))
        return self.open_session(prompts, vision, top)

    def open_session(self, prompts: list[list[int]], vision: Tensor, top: int) -> TorchSession:
        """A session of prompts with one IMAGE_TOKEN each, for which vision tokens [B, M, D] stand."""
        stride = self.config.stride(vision.shape[1])
        return TorchSession(self.language, prompts, vision, self.merge, top, stride)

    def finish(self, result):
        """Wait for the device, so that a stage's seconds are its own."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return result

    def describe(self, images: Sequence[np.ndarray], **options) -> list[Description]:
        """Caption RGB images, each [H, W, 3] uint8; options as in `ser_ros.model.describe.describe`."""
        return describe(self, images, **options)

    def glance(self, images: Sequence[np.ndarray], **options) -> tuple[list[Written], FeatureBuffer]:
        """Initial captions of images, and the buffer to refine them from.

        Options are `style`, `max_tokens` and `beams`.
        """
        writer = self._writer(**options)
        features = self.encode(images, writer.clock)
        return writer.glance(features, len(images)), features

    def refine(self, features: FeatureBuffer, captions: Sequence[str | Written], **options) -> list[Written]:
        """Refined captions of the images in the buffer, led by captions as text or as written by `glance`."""
        writer = self._writer(**options)
        written = [
            caption
            if isinstance(caption, Written)
            else Written(writer.tokens.caption_ids(caption, writer.style))
            for caption in captions
        ]
        return writer.refine(features, written)

    def _writer(self, style: str = "default", max_tokens: int = 77, beams: int = 1) -> Writer:
        return Writer(self, style, max_tokens, beams, 0, Clock())
