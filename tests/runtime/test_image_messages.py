"""Every pixel format a ROS camera sends, both byte orders, padded rows, and messages that lie."""

from __future__ import annotations

import array
import io
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ser_ros.runtime.image_messages import (
    ENCODINGS,
    ImageError,
    compressed_to_rgb,
    depth_to_array,
    image_to_rgb,
)
from ser_ros.runtime.pixel_formats import bayer_to_rgb

H, W = 48, 64
ROW, COLUMN = np.mgrid[0:H, 0:W].astype(np.float32)
RGB = np.stack(
    [40 + 2.5 * COLUMN, 200 - 3 * ROW, 90 + 60 * np.sin(COLUMN / 14) * np.cos(ROW / 11)], axis=-1
).astype(np.uint8)
GREY = RGB[..., 1]
GREY3 = np.repeat(GREY[..., None], 3, axis=2)
ALPHA = np.full((H, W, 1), 7, np.uint8)


def message(encoding: str, rows: np.ndarray, *, padding: int = 0, big: bool = False) -> SimpleNamespace:
    """An Image message of `rows` (one array row per line of the data)."""
    rows = rows.astype(rows.dtype.newbyteorder(">" if big else "<"))
    lines = [np.ascontiguousarray(row).tobytes() for row in rows]
    data = b"".join(line + b"\xab" * padding for line in lines)
    return SimpleNamespace(
        height=H,
        width=W,
        encoding=encoding,
        is_bigendian=int(big),
        step=len(lines[0]) + padding,
        data=array.array("B", data),
    )


def yuv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """BT.601 with limited range, per pixel."""
    r, g, b = picture.astype(np.float32).transpose(2, 0, 1)
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    return tuple(np.clip(np.round(plane), 0, 255).astype(np.uint8) for plane in (y, u, v))


def yuv422(order: str) -> np.ndarray:
    y, u, v = yuv(RGB)
    planes = {"y": (y[:, 0::2], y[:, 1::2]), "u": u[:, 0::2], "v": v[:, 0::2]}
    lumas = iter(planes["y"])
    parts = [next(lumas) if letter == "y" else planes[letter] for letter in order]
    return np.stack(parts, axis=-1).reshape(H, 2 * W)


def yuv420(order: str) -> np.ndarray:
    y, u, v = yuv(RGB)
    planes = {"u": u[0::2, 0::2], "v": v[0::2, 0::2]}
    return np.vstack([y, np.stack([planes[letter] for letter in order], axis=-1).reshape(H // 2, W)])


def mosaic(pattern: str, picture: np.ndarray = RGB) -> np.ndarray:
    out = np.zeros(picture.shape[:2], np.uint8)
    for place, colour in enumerate(pattern):
        row, column = divmod(place, 2)
        out[row::2, column::2] = picture[row::2, column::2, "rgb".index(colour)]
    return out


def wide(rows: np.ndarray) -> np.ndarray:
    return rows.astype(np.uint16) * 257


# encoding: (rows of the data, expected RGB, largest difference)
CASES: dict[str, tuple[np.ndarray, np.ndarray, int]] = {
    "rgb8": (RGB, RGB, 0),
    "bgr8": (RGB[..., ::-1], RGB, 0),
    "rgba8": (np.dstack([RGB, ALPHA]), RGB, 0),
    "bgra8": (np.dstack([RGB[..., ::-1], ALPHA]), RGB, 0),
    "rgb16": (wide(RGB), RGB, 0),
    "bgr16": (wide(RGB[..., ::-1]), RGB, 0),
    "rgba16": (wide(np.dstack([RGB, ALPHA])), RGB, 0),
    "bgra16": (wide(np.dstack([RGB[..., ::-1], ALPHA])), RGB, 0),
    "8UC3": (RGB[..., ::-1], RGB, 0),
    "8UC4": (np.dstack([RGB[..., ::-1], ALPHA]), RGB, 0),
    "8UC1": (GREY, GREY3, 0),
    "mono8": (GREY, GREY3, 0),
    "mono16": (wide(GREY), GREY3, 0),
    "yuv422": (yuv422("uyvy"), RGB, 8),
    "uyvy": (yuv422("uyvy"), RGB, 8),
    "yuv422_yuy2": (yuv422("yuyv"), RGB, 8),
    "yuyv": (yuv422("yuyv"), RGB, 8),
    "nv12": (yuv420("uv"), RGB, 12),
    "nv21": (yuv420("vu"), RGB, 12),
    **{f"bayer_{p}8": (mosaic(p), RGB, 6) for p in ("rggb", "bggr", "gbrg", "grbg")},
    **{f"bayer_{p}16": (wide(mosaic(p)), RGB, 6) for p in ("rggb", "bggr", "gbrg", "grbg")},
}


def test_every_known_encoding_is_in_the_table():
    assert {name.lower() for name in CASES} == set(ENCODINGS)


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
@pytest.mark.parametrize("padding", [0, 2, 16])
@pytest.mark.parametrize("encoding", CASES)
def test_encoding(encoding, padding, big):
    rows, expected, tolerance = CASES[encoding]
    out = image_to_rgb(message(encoding, rows, padding=padding, big=big))
    assert out.shape == (H, W, 3)
    assert out.dtype == np.uint8
    assert np.abs(out.astype(int) - expected.astype(int)).max() <= tolerance


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("size", [(2, 2), (5, 4), (6, 7), (9, 9)])
def test_bayer_is_the_mean_of_the_neighbours_of_that_colour(pattern, size):
    raw = np.random.default_rng(3).integers(0, 256, size, dtype=np.uint8)
    out = bayer_to_rgb(raw, pattern)
    height, width = size

    def reflect(k: int, n: int) -> int:
        return -k if k < 0 else 2 * (n - 1) - k if k >= n else k

    for r in range(height):
        for c in range(width):
            for k, colour in enumerate("rgb"):
                around = [
                    raw[reflect(r + dr, height), reflect(c + dc, width)]
                    for dr in (-1, 0, 1)
                    for dc in (-1, 0, 1)
                    if pattern[(r + dr) % 2 * 2 + (c + dc) % 2] == colour
                ]
                own = pattern[r % 2 * 2 + c % 2] == colour
                mean = raw[r, c] if own else np.mean(around)
                assert abs(out[r, c, k] - mean) <= 0.5


@pytest.mark.parametrize("convert", [bytes, np.asarray, lambda data: memoryview(bytes(data))])
def test_data_of_rosbags_and_rclpy(convert):
    given_message = message("bgr8", RGB[..., ::-1], padding=4)
    given_message.data = convert(given_message.data)
    assert np.array_equal(image_to_rgb(given_message), RGB)


def test_last_row_may_lack_its_padding_and_step_may_be_zero():
    padded = message("rgb8", RGB, padding=8)
    padded.data = padded.data[:-8]
    assert np.array_equal(image_to_rgb(padded), RGB)
    unstepped = message("rgb8", RGB)
    unstepped.step = 0
    assert np.array_equal(image_to_rgb(unstepped), RGB)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_clockwise(rotation):
    turned = image_to_rgb(message("rgb8", RGB), rotation)
    corner = {0: turned[0, 0], 90: turned[0, -1], 180: turned[-1, -1], 270: turned[-1, 0]}[rotation]
    assert np.array_equal(corner, RGB[0, 0])
    assert turned.shape == ((H, W, 3) if rotation % 180 == 0 else (W, H, 3))


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("case", ["16UC1 u2", "32FC1 f4", "64FC1 f8", "16SC1 i2"])
def test_depth_is_read_as_depth_and_refused_as_colour(case, big):
    encoding, kind = case.split()
    values = (np.arange(H * W).reshape(H, W) % 30000).astype(kind)
    depth = message(encoding, values, padding=6, big=big)
    assert np.array_equal(depth_to_array(depth), values)
    with pytest.raises(ImageError, match="depth image"):
        image_to_rgb(depth)
    with pytest.raises(ImageError, match="not a depth"):
        depth_to_array(message("rgb8", RGB))


BROKEN = {
    "truncated": ({"data": b"\0" * 1000}, "needs 9216"),
    "no data": ({"data": b""}, "has 0 bytes"),
    "zero height": ({"height": 0}, "is empty"),
    "zero width": ({"width": 0}, "is empty"),
    "absurd size": ({"height": 2**32 - 1, "width": 2**32 - 1}, "a side may have 8192"),
    "a strip": ({"height": 1, "width": 20_000, "data": bytes(60_000), "step": 0}, "20000x1; a side may have"),
    "short step": ({"step": W}, "step 64 is shorter"),
    "huge step": ({"step": 2**32 - 1}, "the image has 9216 bytes"),
    "unknown encoding": ({"encoding": "rgb7"}, "'rgb7' is not known"),
    "no encoding": ({"encoding": ""}, "'' is not known"),
    "odd width": ({"encoding": "yuyv", "width": 63}, "even width"),
    "odd height": ({"encoding": "nv12", "height": 47}, "even size"),
    "bayer of one row": ({"encoding": "bayer_rggb8", "height": 1}, "at least 2x2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_message_that_lies_names_what_is_wrong(case):
    changes, sentence = BROKEN[case]
    broken = message("rgb8", RGB)
    vars(broken).update(changes)
    with pytest.raises(ImageError, match=sentence):
        image_to_rgb(broken)


@settings(max_examples=300, deadline=None)
@given(
    encoding=st.sampled_from([*CASES, "16UC1", "", "yuv", "bayer_rggb32"]),
    height=st.integers(0, 40) | st.integers(0, 2**32 - 1),
    width=st.integers(0, 40) | st.integers(0, 2**32 - 1),
    step=st.integers(0, 400) | st.integers(0, 2**32 - 1),
    big=st.integers(0, 255),
    data=st.binary(max_size=6000),
)
def test_any_message_gives_a_picture_or_an_image_error(encoding, height, width, step, big, data):
    fuzzed = SimpleNamespace(
        encoding=encoding, height=height, width=width, step=step, is_bigendian=big, data=data
    )
    try:
        out = image_to_rgb(fuzzed)
    except ImageError:
        return
    assert out.shape == (height, width, 3)
    assert out.dtype == np.uint8


def encoded(picture: Image.Image, codec: str, **options) -> bytes:
    out = io.BytesIO()
    picture.save(out, codec, **options)
    return out.getvalue()


def compressed(format: str, data: bytes) -> SimpleNamespace:
    return SimpleNamespace(format=format, data=array.array("B", data))


COLOUR = Image.fromarray(RGB)
COMPRESSED = {
    "jpeg colour": ("rgb8; jpeg compressed bgr8", encoded(COLOUR, "JPEG", quality=95), RGB, 12),
    "jpeg bare": ("jpeg", encoded(COLOUR, "JPEG", quality=95), RGB, 12),
    "jpeg grey": ("mono8; jpeg compressed ", encoded(Image.fromarray(GREY), "JPEG", quality=95), GREY3, 6),
    "jpeg cmyk": ("jpeg", encoded(COLOUR.convert("CMYK"), "JPEG", quality=98), RGB, 16),
    "png colour": ("bgr8; png compressed bgr8", encoded(COLOUR, "PNG"), RGB, 0),
    "png grey": ("mono8; png compressed ", encoded(Image.fromarray(GREY), "PNG"), GREY3, 0),
    "png 16 bit": ("mono16; png compressed ", encoded(Image.fromarray(wide(GREY)), "PNG"), GREY3, 0),
    "png with alpha": ("png", encoded(Image.fromarray(np.dstack([RGB, ALPHA])), "PNG"), RGB, 0),
    "png palette": ("png", encoded(COLOUR.quantize(256), "PNG"), RGB, 40),
    "png bayer": ("bayer_gbrg8; png compressed ", encoded(Image.fromarray(mosaic("gbrg")), "PNG"), RGB, 6),
    "webp": ("webp", encoded(COLOUR, "WEBP", lossless=True), RGB, 0),
    "wrong name": ("rgb8; png compressed bgr8", encoded(COLOUR, "JPEG", quality=95), RGB, 12),
}


@pytest.mark.parametrize("case", COMPRESSED)
def test_compressed(case):
    format, data, expected, tolerance = COMPRESSED[case]
    out = compressed_to_rgb(compressed(format, data))
    assert out.shape == (H, W, 3)
    assert out.dtype == np.uint8
    assert np.abs(out.astype(int) - expected.astype(int)).max() <= tolerance


JPEG = COMPRESSED["jpeg colour"][1]
# One damaged byte of the frame header, the upper one of the width: padded to a square it would be 13 GB.
WIDE_JPEG = bytearray(JPEG)
WIDE_JPEG[JPEG.index(b"\xff\xc0") + 7] = 0xFF
UNREADABLE = {
    "nothing": ("jpeg", b"", "has no data"),
    "noise": ("jpeg", b"\xff\xd8junk", "cannot be decoded"),
    "truncated": ("jpeg", JPEG[: len(JPEG) - 50], "truncated"),
    "depth png": ("16UC1; png compressed ", COMPRESSED["png 16 bit"][1], "depth image"),
    "compressedDepth": (
        "16UC1; compressedDepth png",
        bytes(12) + COMPRESSED["png 16 bit"][1],
        "depth image",
    ),
    "absurd width": ("jpeg", bytes(WIDE_JPEG), f"says 65344x{H}; a side may have 8192"),
    "gif": ("gif", encoded(COLOUR, "GIF"), "cannot be decoded"),
    "bomb": ("png", encoded(Image.new("1", (20000, 20000)), "PNG"), "decompression bomb|exceeds"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable_compressed_images(case):
    format, data, sentence = UNREADABLE[case]
    with pytest.raises(ImageError, match=sentence):
        compressed_to_rgb(compressed(format, data))


def test_the_same_damage_gives_the_same_sentence():
    sentences = set()
    for _ in range(2):
        with pytest.raises(ImageError) as caught:
            compressed_to_rgb(compressed("jpeg", b"\xff\xd8junk"))
        sentences.add(str(caught.value))
    assert len(sentences) == 1


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, len(JPEG) - 1), value=st.integers(0, 255), cut=st.integers(0, len(JPEG)))
def test_any_damage_gives_a_picture_or_an_image_error(place, value, cut):
    data = bytearray(JPEG)
    data[place] = value
    try:
        out = compressed_to_rgb(compressed("jpeg", bytes(data[:cut])))
    except ImageError:
        return
    assert out.ndim == 3
