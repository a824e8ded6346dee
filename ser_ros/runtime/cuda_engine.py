"""SerModel on a CUDA device: one image at a time runs as CUDA graphs, pictures are resized on the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ser_ros.model.decoding import Session
from ser_ros.model.decoding.session import pad
from ser_ros.model.describe import Clock
from ser_ros.model.processor import check_image
from ser_ros.model.ser_model import SerModel
from ser_ros.model.vision_tower import FeatureBuffer
from ser_ros.runtime.cuda_graphs import Run
from ser_ros.runtime.static_session import StaticDecoder
from ser_ros.runtime.torch_preprocess import fits_device, preprocess, preprocessor

_CAPTION_STEP = 16
"""Captions enter DeepLens padded to a multiple of this; each length is recorded once."""


class CudaEngine:
    """An `Engine` of `ser_ros.model.describe` over a SerModel.

    One image written greedily is bound by the launches of its thousands of small kernels, so each part runs
    as a whole. Batches and beams run as SerModel runs them.
    """

    out_of_memory: tuple[type[BaseException], ...] = SerModel.out_of_memory

    def __init__(self, model: SerModel, run: Run):
        """Take a model on its device; `run` replays its parts (`CudaGraphs`)."""
        self.model, self.tokenizer = model, model.tokenizer
        self._run = run
        self._decoder = None if model.language.by_cross_attention else StaticDecoder(model, run)
        self._last_size: tuple[int, ...] = ()
        # The other towers bring numbers from the host, which a graph cannot record.
        self._tower_alone = all(t.config.kind == "clip" and t.scale is None for t in model.vision.towers)

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray], clock: Clock) -> FeatureBuffer:
        with clock("preprocess"):
            pixels = self.model.finish(self._pixels(images))
        with clock("tower"):
            if len(images) > 1 or not self._tower_alone:
                return self.model.finish(self.model.see(pixels))
            states = self._run(self._tower, pixels)
            return self.model.finish(FeatureBuffer(dict(zip(self.model.vision.wanted, states, strict=True))))

    def _pixels(self, images: Sequence[np.ndarray]) -> Tensor:
        check_image(images[0])
        config, size = self.model.config.image, images[0].shape
        # A camera's pictures have one size; those of a folder may all differ, and are not worth a recording.
        steady = len(images) == 1 and size == self._last_size and fits_device(size, config)
        self._last_size = size
        if not steady:
            return preprocess(images, config, self.model.device)
        square = preprocessor(*size[:2], config, self.model.device)
        return self._run(square, torch.from_numpy(np.array(images[0])))[0]

    def rows(self, features: FeatureBuffer, index: Sequence[int]) -> FeatureBuffer:
        return self.model.rows(features, index)

    @torch.inference_mode()
    def open_glance(
        self, features: FeatureBuffer, prompts: list[list[int]], top: int, clock: Clock
    ) -> Session:
        if len(prompts) > 1:
            return self.model.open_glance(features, prompts, top, clock)
        with clock("connector"):
            states = (features.layers[layer] for layer in self.model.config.connector.layers)
            vision = self.model.finish(self._run(self._connector, *states)[0])
        return self._open(prompts, vision, top)

    @torch.inference_mode()
    def open_refine(
        self,
        features: FeatureBuffer,
        prompts: list[list[int]],
        initials: list[list[int]],
        top: int,
        clock: Clock,
    ) -> Session:
        lens = self.model.config.deeplens
        if len(prompts) > 1 or lens is None:
            return self.model.open_refine(features, prompts, initials, top, clock)
        ids, lengths = pad([initials[0][: lens.max_caption]])
        width = min(-(-max(ids.shape[1], 1) // _CAPTION_STEP) * _CAPTION_STEP, lens.max_caption)
        ids = np.pad(ids, ((0, 0), (0, width - ids.shape[1])))
        with clock("deeplens"):
            states = (features.layers[layer] for layer in lens.layers)
            caption = (torch.from_numpy(ids), torch.from_numpy(lengths))
            vision = self.model.finish(self._run(self._deeplens, *caption, *states)[0])
        return self._open(prompts, vision, top)

    def _open(self, prompts: list[list[int]], vision: Tensor, top: int) -> Session:
        """A session for one row of greedy tokens where its cache is free, else the growing one."""
        session = None
        if top == 1 and self._decoder is not None:
            session = self._decoder.open(prompts[0], vision, self.model.config.stride(vision.shape[1]))
        return session or self.model.open_session(prompts, vision, top)

    def _tower(self, pixels: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.model.see(pixels).layers.values())

    def _connector(self, *states: Tensor) -> tuple[Tensor]:
        layers = self.model.config.connector.layers
        return (self.model.first_tokens(FeatureBuffer(dict(zip(layers, states, strict=True)))),)

    def _deeplens(self, ids: Tensor, lengths: Tensor, *states: Tensor) -> tuple[Tensor]:
        assert self.model.config.deeplens is not None
        layers = self.model.config.deeplens.layers
        buffer = FeatureBuffer(dict(zip(layers, states, strict=True)))
        return (self.model.second_tokens(buffer, ids, lengths),)
