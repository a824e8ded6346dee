"""`sensor_msgs/Image` and `CompressedImage` as RGB arrays, without cv_bridge, OpenCV or rclpy.

Works on anything with the fields of the message: rclpy, rosbags. Row padding (`step`) and byte
order are respected; a message that lies about its size raises, it never crashes.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.runtime.pixel_formats import bayer_to_rgb, yuv420_to_rgb, yuv422_to_rgb

# 8K is 7680 wide; more is a broken header. A side, not an area: the model pads to a square of the longer one.
MAX_SIDE = 8192
_FORMATS = ("JPEG", "PNG", "WEBP")

# encoding: (channel type, channels); 8UC3 and 8UC4 are what OpenCV makes, so blue comes first
_COLOUR = {
    "rgb8": ("u1", "rgb"),
    "bgr8": ("u1", "bgr"),
    "rgba8": ("u1", "rgba"),
    "bgra8": ("u1", "bgra"),
    "rgb16": ("u2", "rgb"),
    "bgr16": ("u2", "bgr"),
    "rgba16": ("u2", "rgba"),
    "bgra16": ("u2", "bgra"),
    "8uc3": ("u1", "bgr"),
    "8uc4": ("u1", "bgra"),
    "mono8": ("u1", "g"),
    "8uc1": ("u1", "g"),
    "mono16": ("u2", "g"),
}
_DEPTH = {"16uc1": "u2", "32fc1": "f4", "64fc1": "f8", "16sc1": "i2"}
_YUV422 = {"yuv422": False, "uyvy": False, "yuv422_yuy2": True, "yuyv": True}  # luma first
_YUV420 = {"nv12": True, "nv21": False}  # blue first
_BAYER = {f"bayer_{p}{bits}": (p, bits) for p in ("rggb", "bggr", "gbrg", "grbg") for bits in (8, 16)}

ENCODINGS = (*_COLOUR, *_YUV422, *_YUV420, *_BAYER)


class ImageError(UserError, ValueError):
    """This message holds no picture that can be captioned; the next one may."""


def image_to_rgb(message: Any, rotation: int = 0) -> np.ndarray:
    """The picture of a `sensor_msgs/Image`.

    Args:
        message: fields height, width, encoding, is_bigendian, step, data.
        rotation: degrees to turn it clockwise: 0, 90, 180, 270.

    Returns:
        [H, W, 3] uint8; 16-bit channels keep their upper 8 bits, grey becomes three equal channels.
        May share memory with `message.data`.

    Raises:
        ImageError: depth, an unknown encoding, or data that do not fit the size.
    """
    encoding = message.encoding.strip().lower()
    height, width = _size(int(message.height), int(message.width))
    if encoding in _DEPTH:
        raise ImageError(f"encoding {message.encoding} is a depth image; a colour image is needed")
    if encoding in _COLOUR:
        kind, channels = _COLOUR[encoding]
        rows = _rows(message, height, width * len(channels), kind)
        picture = _channels_to_rgb(rows.reshape(height, width, len(channels)), channels)
    elif encoding in _YUV422:
        if width % 2:
            raise ImageError(f"encoding {message.encoding} needs an even width, not {width}")
        picture = yuv422_to_rgb(_rows(message, height, width * 2, "u1"), _YUV422[encoding])
    elif encoding in _YUV420:
        if width % 2 or height % 2:
            raise ImageError(f"encoding {message.encoding} needs an even size, not {width}x{height}")
        picture = yuv420_to_rgb(_rows(message, height * 3 // 2, width, "u1"), _YUV420[encoding])
    elif encoding in _BAYER:
        pattern, bits = _BAYER[encoding]
        if width < 2 or height < 2:
            raise ImageError(f"encoding {message.encoding} needs at least 2x2 pixels, not {width}x{height}")
        picture = bayer_to_rgb(_eight_bits(_rows(message, height, width, f"u{bits // 8}")), pattern)
    else:
        raise ImageError(f"encoding {message.encoding[:40]!r} is not known; known: {', '.join(ENCODINGS)}")
    return rotate(picture, rotation)


def depth_to_array(message: Any) -> np.ndarray:
    """The values of a depth image as they are: [H, W], native byte order.

    Raises:
        ImageError: not a depth encoding, or data that do not fit the size.
    """
    kind = _DEPTH.get(message.encoding.strip().lower())
    if kind is None:
        raise ImageError(f"encoding {message.encoding[:40]!r} is not a depth image")
    height, width = _size(int(message.height), int(message.width))
    return _rows(message, height, width, kind).astype(kind)


def compressed_to_rgb(message: Any, rotation: int = 0) -> np.ndarray:
    """The picture of a `sensor_msgs/CompressedImage` (JPEG, PNG, WebP).

    Args:
        message: fields format ("rgb8; jpeg compressed bgr8") and data.
        rotation: degrees to turn it clockwise: 0, 90, 180, 270.

    Returns:
        [H, W, 3] uint8, as `image_to_rgb`. A Bayer mosaic sent as a grey image is demosaiced.

    Raises:
        ImageError: depth, or data that cannot be decoded.
    """
    original, _, codec = message.format.lower().partition(";")
    original = original.strip()
    if original in _DEPTH or "compresseddepth" in codec:
        raise ImageError(f"format {message.format[:60]!r} is a depth image; a colour image is needed")
    data = np.frombuffer(message.data, np.uint8).tobytes()
    if not data:
        raise ImageError("the compressed image has no data")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                _size(opened.height, opened.width)
                picture = _pillow_to_rgb(opened, original)
    except ImageError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, ...
        # Pillow names the address of its buffer; that would make every message a different one
        reason = str(error).split("<")[0].strip() or type(error).__name__
        raise ImageError(f"the compressed image cannot be decoded: {reason}") from error
    return rotate(picture, rotation)


def rotate(picture: np.ndarray, rotation: int) -> np.ndarray:
    """Turn [H, W, 3] clockwise by 0, 90, 180 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(picture, k=-rotation // 90)) if rotation else picture


def _pillow_to_rgb(opened: Image.Image, original: str) -> np.ndarray:
    if opened.mode.startswith("I"):  # 16-bit grey
        grey = _eight_bits(np.asarray(opened).astype(np.uint16))
    elif opened.mode == "L":
        grey = np.asarray(opened)
    else:
        return np.asarray(opened.convert("RGB"))
    if original in _BAYER and min(grey.shape) >= 2:
        return bayer_to_rgb(grey, _BAYER[original][0])
    return _channels_to_rgb(grey[..., None], "g")


def _size(height: int, width: int) -> tuple[int, int]:
    if height <= 0 or width <= 0:
        raise ImageError(f"the image is empty ({width}x{height})")
    if max(height, width) > MAX_SIDE:
        raise ImageError(f"the image says {width}x{height}; a side may have {MAX_SIDE} pixels at most")
    return height, width


def _rows(message: Any, rows: int, columns: int, kind: str) -> np.ndarray:
    """[rows, columns] of `kind` without row padding; a view where byte order and memory allow."""
    order = ">" if message.is_bigendian else "<"
    row_bytes = columns * np.dtype(kind).itemsize
    data = np.frombuffer(message.data, np.uint8)
    step = int(message.step) or row_bytes  # some drivers leave 0
    if step < row_bytes:
        raise ImageError(
            f"step {step} is shorter than a row of {message.width} pixels {message.encoding} ({row_bytes})"
        )
    if data.size < (rows - 1) * step + row_bytes:
        raise ImageError(
            f"the image has {data.size} bytes; {message.width}x{message.height} {message.encoding} with step "
            f"{step} needs {(rows - 1) * step + row_bytes}"
        )
    if step == row_bytes:
        packed = data[: rows * step].reshape(rows, row_bytes)
    else:
        # the last row may come without its padding
        strided = np.lib.stride_tricks.as_strided(data, (rows, row_bytes), (step, 1), writeable=False)
        packed = np.ascontiguousarray(strided)
    return packed.view(np.dtype(order + kind))


def _eight_bits(values: np.ndarray) -> np.ndarray:
    return values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)


def _channels_to_rgb(pixels: np.ndarray, channels: str) -> np.ndarray:
    """[H, W, C] with C named by `channels` to [H, W, 3] uint8."""
    pixels = _eight_bits(pixels)
    if channels == "g":
        return np.repeat(pixels, 3, axis=2)
    if channels == "rgb":
        return pixels
    rgb = np.empty((*pixels.shape[:2], 3), np.uint8)
    for place, name in enumerate("rgb"):
        rgb[..., place] = pixels[..., channels.index(name)]
    return rgb
