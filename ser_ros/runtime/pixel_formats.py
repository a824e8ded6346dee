"""Camera pixel formats as RGB, in NumPy: YUV 4:2:2 and 4:2:0, and Bayer mosaics.

YUV is BT.601 with 16..235 luma, as OpenCV and the ROS camera drivers take it.
"""

from __future__ import annotations

import numpy as np

_LEVELS = np.arange(256, dtype=np.float32)
_LUMA = np.round(1.164 * np.maximum(_LEVELS - 16, 0)).astype(np.int16)
_RED_V = np.round(1.596 * (_LEVELS - 128)).astype(np.int16)
_GREEN_U = np.round(0.391 * (_LEVELS - 128)).astype(np.int16)
_GREEN_V = np.round(0.813 * (_LEVELS - 128)).astype(np.int16)
_BLUE_U = np.round(2.018 * (_LEVELS - 128)).astype(np.int16)


def yuv422_to_rgb(packed: np.ndarray, luma_first: bool) -> np.ndarray:
    """Two pixels in four bytes: Y U Y V (`luma_first`) or U Y V Y.

    Args:
        packed: [H, 2 * W] uint8, W even.

    Returns:
        [H, W, 3] uint8.
    """
    y, u, v = (0, 1, 3) if luma_first else (1, 0, 2)
    return _yuv_to_rgb(packed[:, y::2], packed[:, u::4], packed[:, v::4])


def yuv420_to_rgb(planes: np.ndarray, blue_first: bool) -> np.ndarray:
    """NV12 (`blue_first`) and NV21: a luma plane, then interleaved chroma at half size.

    Args:
        planes: [H * 3 / 2, W] uint8, H and W even.

    Returns:
        [H, W, 3] uint8.
    """
    height = planes.shape[0] * 2 // 3
    chroma = planes[height:]
    u, v = (0, 1) if blue_first else (1, 0)
    return _yuv_to_rgb(planes[:height], chroma[:, u::2], chroma[:, v::2])


def _yuv_to_rgb(luma: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Luma [H, W]; chroma at half the width, and at half the height or all of it."""
    # tables, and colour at the size of the chroma: no floats at 8 million pixels
    grey = _LUMA[luma]
    rows = luma.shape[0] // u.shape[0]
    rgb = np.empty((*luma.shape, 3), np.uint8)
    for channel, tint in enumerate((_RED_V[v], -_GREEN_U[u] - _GREEN_V[v], _BLUE_U[u])):
        full = np.repeat(tint, 2, axis=1)
        full = np.repeat(full, rows, axis=0) if rows > 1 else full
        full += grey
        rgb[..., channel] = full.clip(0, 255, out=full)
    return rgb


def bayer_to_rgb(mosaic: np.ndarray, pattern: str) -> np.ndarray:
    """Bilinear demosaicing.

    Args:
        mosaic: [H, W] uint8, H and W at least 2.
        pattern: colours of the top left 2x2 pixels in reading order: "rggb", "bggr", "gbrg", "grbg".

    Returns:
        [H, W, 3] uint8.
    """
    height, width = mosaic.shape
    # "reflect" leaves out the border pixel itself, so colours stay in phase
    padded = np.pad(mosaic, 1, mode="reflect").astype(np.uint16)

    def shifted(row: int, column: int, down: int, right: int) -> np.ndarray:
        top, left = 1 + row + down, 1 + column + right
        return padded[top : top + height - row : 2, left : left + width - column : 2]

    rgb = np.empty((height, width, 3), np.uint8)
    for place, colour in enumerate(pattern):
        row, column = divmod(place, 2)
        here = rgb[row::2, column::2]
        horizontal = shifted(row, column, 0, -1) + shifted(row, column, 0, 1)
        vertical = shifted(row, column, -1, 0) + shifted(row, column, 1, 0)
        if colour == "g":
            # the row's other colour is beside a green pixel, the third one above and below it
            beside = "rgb".index(pattern[place ^ 1])
            here[..., 1] = mosaic[row::2, column::2]
            here[..., beside] = (horizontal + 1) // 2
            here[..., 2 - beside] = (vertical + 1) // 2
        else:
            own = "rgb".index(colour)
            corners = [shifted(row, column, down, right) for down in (-1, 1) for right in (-1, 1)]
            here[..., own] = mosaic[row::2, column::2]
            here[..., 1] = (horizontal + vertical + 2) // 4
            here[..., 2 - own] = (corners[0] + corners[1] + corners[2] + corners[3] + 2) // 4
    return rgb
