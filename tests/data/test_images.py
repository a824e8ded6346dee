"""Missing pictures are found before training starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from ser_ros.data.images import missing_images
from ser_ros.errors import UserError


def test_missing_images_are_listed_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "a" / "1.jpg")
    assert missing_images(tmp_path, ["a/1.jpg", "a/2.jpg", "a/2.jpg", "b/3.jpg"]) == ["a/2.jpg", "b/3.jpg"]
    with pytest.raises(UserError, match="image folder"):
        missing_images(tmp_path / "none", [])
