"""Every image a person may drop in: read, or refused in one sentence."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.model.images import batches, find_images, load_image


def save(path, image: Image.Image, **options):
    image.save(path, **options)
    return path


GREY16 = Image.fromarray(np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8))
RED = Image.new("RGB", (8, 6), "red")


@pytest.mark.parametrize(
    ("name", "image"),
    [
        ("rgb.jpg", RED),
        ("grey.png", Image.new("L", (8, 6), 77)),
        ("bits.png", Image.new("1", (8, 6), 1)),
        ("cmyk.jpg", Image.new("CMYK", (8, 6), (0, 255, 255, 0))),
        ("palette.png", RED.convert("P")),
        ("rgba.png", Image.new("RGBA", (8, 6), (255, 0, 0, 255))),
        ("la.png", Image.new("LA", (8, 6), (77, 255))),
        ("lab.tif", Image.new("LAB", (8, 6))),
        ("deep.png", GREY16),
        ("deep.tif", GREY16),
        ("float.tif", Image.fromarray(np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8))),
        ("one.png", Image.new("RGB", (1, 1), "blue")),
    ],
)
def test_every_mode_becomes_rgb(tmp_path, name, image):
    got = load_image(save(tmp_path / name, image))
    assert got.dtype == np.uint8
    assert got.shape == (*image.size[::-1], 3)


def test_values_survive(tmp_path):
    assert load_image(save(tmp_path / "r.png", RED))[0, 0].tolist() == [255, 0, 0]
    assert load_image(save(tmp_path / "p.png", RED.convert("P")))[0, 0].tolist() == [255, 0, 0]
    deep = load_image(save(tmp_path / "d.png", GREY16))
    assert deep.min() == 0
    assert deep.max() == 255
    assert np.all(np.diff(deep[..., 0].ravel().astype(int)) >= 0)
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert load_image(save(tmp_path / "clear.png", clear))[0, 0].tolist() == [255, 255, 255]


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "lime", "blue")]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert load_image(path)[0, 0].tolist() == [255, 0, 0]


def test_a_phone_photo_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert load_image(save(tmp_path / "turned.jpg", RED, exif=exif)).shape == (8, 6, 3)


def test_a_hundred_megapixels(tmp_path):
    assert load_image(save(tmp_path / "huge.png", Image.new("L", (10_000, 10_000)))).shape == (
        10_000,
        10_000,
        3,
    )


def test_more_pixels_than_the_limit_are_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr("ser_ros.model.images.MAX_PIXELS", 40)
    with pytest.raises(UserError, match="8x6 pixels"):
        load_image(save(tmp_path / "r.png", RED))


def test_refusals_name_the_file(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("no image")
    whole = save(tmp_path / "whole.jpg", Image.effect_noise((64, 64), 50)).read_bytes()
    (tmp_path / "half.jpg").write_bytes(whole[: len(whole) // 2])
    for name, says in [
        ("empty.jpg", "is empty"),
        ("text.png", "not an image"),
        ("half.jpg", "cannot be read"),
        ("gone.png", "does not exist"),
        (".", "is a folder"),
    ]:
        with pytest.raises(UserError, match=says):
            load_image(tmp_path / name)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM"]),
)
def test_any_bytes_are_an_image_or_one_sentence(tmp_path_factory, data, head):
    path = tmp_path_factory.getbasetemp() / "any.bin"
    path.write_bytes(head + data)
    with contextlib.suppress(UserError):
        assert load_image(path).ndim == 3


def test_find_images_in_folders(tmp_path):
    (tmp_path / "sub").mkdir()
    save(tmp_path / "b.png", RED)
    save(tmp_path / "sub" / "a.JPG", RED, format="JPEG")
    (tmp_path / "notes.txt").touch()
    found = find_images([tmp_path])
    assert [p.name for p in found] == ["b.png", "a.JPG"]
    assert [len(b) for b in batches(found * 3, 4)] == [4, 2]
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserError, match="has no images"):
        find_images([tmp_path / "bare"])
    with pytest.raises(UserError, match="does not exist"):
        find_images([tmp_path / "nowhere"])


def test_the_sample_photos_load(shared_data):
    for path in find_images([shared_data / "coco_sample" / "images"]):
        assert load_image(path).shape[2] == 3
