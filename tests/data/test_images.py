"""Missing and broken pictures are found before training starts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ser_ros.data.images import load_rgb, missing_images
from ser_ros.errors import UserError


def test_missing_images_are_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "a" / "1.jpg")
    assert missing_images(tmp_path, ["a/1.jpg", "a/2.jpg", "a/2.jpg", "b/3.jpg"]) == ["a/2.jpg", "b/3.jpg"]
    with pytest.raises(UserError, match="image folder"):
        missing_images(tmp_path / "none", [])


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "CMYK", "1"])
def test_any_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x.tif"
    Image.new(mode, (5, 3)).save(path)
    array = load_rgb(path)
    assert array.shape == (3, 5, 3)
    assert array.dtype == np.uint8


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"x\.jpg cannot be decoded"):
        load_rgb(path)
    with pytest.raises(UserError, match="does not exist"):
        load_rgb(tmp_path / "y.jpg")
