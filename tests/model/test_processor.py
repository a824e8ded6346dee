"""Preprocessing equals CLIP's own image processor after LLaVA's padding."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig
from ser_ros.model.processor import preprocess, square_box


def clip_processor(size: int):
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    return CLIPImageProcessorPil(
        size={"shortest_edge": size},
        crop_size={"height": size, "width": size},
        resample=Image.Resampling.BICUBIC,
    )


def llava_square(image: np.ndarray, mean: tuple[float, ...]) -> Image.Image:
    """LLaVA's padding as its paper tells it: the long side, centred, mean colour in whole numbers."""
    height, width = image.shape[:2]
    side = max(height, width)
    canvas = np.empty((side, side, 3), np.uint8)
    canvas[:] = [int(channel * 255) for channel in mean]
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width] = image
    return Image.fromarray(canvas)


@pytest.mark.parametrize(
    "shape", [(480, 640), (640, 480), (336, 336), (1, 1), (7, 1000), (1000, 7), (1300, 334)]
)
def test_equals_clips_processor(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    config = ImageConfig()
    expected = clip_processor(336)(llava_square(image, config.mean), return_tensors="np")["pixel_values"]
    got = preprocess([image], config)
    assert got.shape == (1, 3, 336, 336)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(48, 64), (64, 48), (33, 71), (7, 100)])
def test_without_padding_it_is_clips_own_resize_and_crop(shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    expected = clip_processor(28)(Image.fromarray(image), return_tensors="np")["pixel_values"]
    np.testing.assert_allclose(preprocess([image], ImageConfig(size=28, fit="crop")), expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 50_000), (50_000, 8)])
def test_a_very_long_image_never_becomes_a_square_of_gigabytes(shape):
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, before[1]))  # the square would have 7.5 GB
    try:
        got = preprocess([np.full((*shape, 3), 200, np.uint8)], ImageConfig())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert got.shape == (1, 3, 336, 336)
    assert 0 < np.ptp(got) < 1  # a line of light grey on the mean colour


def test_a_very_long_image_is_cut_before_it_is_resized():
    image = np.zeros((1, 100_000, 3), np.uint8)
    assert preprocess([image], ImageConfig(size=336, fit="crop")).shape == (1, 3, 336, 336)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["pad", "stretch", "crop"]))
def test_any_size_becomes_the_towers_square(height, width, fit):
    image = np.full((height, width, 3), 128, np.uint8)
    out = preprocess([image, image[:1, :1]], ImageConfig(size=16, fit=fit))
    assert out.shape == (2, 3, 16, 16)
    assert np.isfinite(out).all()
    left, top, right, bottom = square_box(height, width, fit)
    if fit != "stretch":
        assert right - left == bottom - top == (max if fit == "pad" else min)(height, width)
        assert left + right in (width, width - 1, width + 1)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_other_arrays_are_refused(bad):
    with pytest.raises(UserError, match="must be RGB"):
        preprocess([bad], ImageConfig(size=16))
