"""Preprocessing in torch is Pillow's, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig
from ser_ros.model.processor import preprocess as preprocess_by_pillow
from ser_ros.runtime.torch_preprocess import fits_device, preprocess, resize, taps

CPU = torch.device("cpu")
SHAPES = [(480, 640), (640, 480), (336, 336), (1, 1), (7, 1000), (333, 334), (1080, 1920)]


@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_pillow(shape, fit):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    config = ImageConfig(fit=fit)
    torch.testing.assert_close(
        preprocess([image], config, CPU),
        torch.from_numpy(preprocess_by_pillow([image], config)),
        rtol=0,
        atol=0,
    )


@given(st.integers(1, 150), st.integers(1, 150), st.integers(0, 2**32 - 1))
def test_any_square_resizes_as_pillow(side, wanted, seed):
    # Black and white beside each other make the sums leave 0 to 255.
    image = np.random.default_rng(seed).choice([0, 255, 128], (side, side, 3)).astype(np.uint8)
    ours = resize(torch.from_numpy(image).permute(2, 0, 1), *taps(side, wanted, CPU))
    theirs = Image.fromarray(image).resize((wanted, wanted), Image.Resampling.BICUBIC)
    assert np.array_equal(ours.permute(1, 2, 0).numpy(), np.asarray(theirs))


def test_a_long_picture_never_becomes_a_square_on_the_device():
    config, image = ImageConfig(size=28), np.full((60_000, 10, 3), 90, np.uint8)  # squared: 10.8 GB
    assert fits_device((1080, 1920, 3), config)
    assert not fits_device(image.shape, config)
    assert np.array_equal(preprocess([image], config, CPU).numpy(), preprocess_by_pillow([image], config))


def test_a_batch_of_sizes_and_an_array_that_may_not_be_written():
    images = [np.full((20, 30 + i, 3), 90, np.uint8) for i in range(2)]
    images[0].flags.writeable = False
    config = ImageConfig(size=28)
    got = preprocess([images[0], images[1][::-1]], config, CPU)
    assert np.array_equal(got.numpy(), preprocess_by_pillow(images, config))


def test_what_is_no_picture_is_one_sentence():
    with pytest.raises(UserError, match=r"this one is \[4, 4\] uint8"):
        preprocess([np.zeros((4, 4), np.uint8)], ImageConfig(), CPU)
