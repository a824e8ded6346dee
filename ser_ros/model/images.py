"""Image files to RGB arrays, whatever a person drops in."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from ser_ros.errors import UserError

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif"}
)
MAX_PIXELS = 250_000_000


def load_image(path: str | Path) -> np.ndarray:
    """Read one image as it is meant to be seen: turned by its EXIF tag, first frame, over white.

    Args:
        path: any file Pillow reads; 8 or 16 bits, grey, palette, CMYK, with transparency, animated.

    Returns:
        [H, W, 3] uint8 RGB.

    Raises:
        UserError: missing, a folder, empty, not an image, damaged, or above MAX_PIXELS.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, not an image")
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path} is empty")
        with warnings.catch_warnings():
            # Our own limit is above the one Pillow warns at, and below the one where it refuses.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise UserError(
                        f"{path} has {width}x{height} pixels; the most is {MAX_PIXELS // 10**6} million"
                    )
                image.seek(0)
                return np.asarray(to_rgb(ImageOps.exif_transpose(image)))
    except UnidentifiedImageError:
        raise UserError(f"{path} is not an image that can be read") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels; the most is {MAX_PIXELS // 10**6} million") from None
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError) as error:
        raise UserError(f"{path} cannot be read as an image ({error or type(error).__name__})") from None


def to_rgb(image: Image.Image) -> Image.Image:
    """Any Pillow mode to 8-bit RGB: 16 bits scaled, transparency over white."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image).astype(np.float64)
        # 16-bit files use the range of 16 bits; floating-point ones 0-1 or 0-255.
        top = 65535.0 if image.mode != "F" else (1.0 if np.nanmax(values, initial=0.0) <= 1.0 else 255.0)
        grey = np.nan_to_num(np.clip(values / top, 0, 1) * 255)
        return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def find_images(paths: Iterable[str | Path]) -> list[Path]:
    """Files as given, and the image files anywhere in folders, sorted by name.

    Raises:
        UserError: a path does not exist, or a folder has no image.
    """
    found: list[Path] = []
    for given in paths:
        path = Path(given)
        if not path.exists():
            raise UserError(f"{path} does not exist")
        if not path.is_dir():
            found.append(path)
            continue
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
        if not inside:
            raise UserError(f"{path} has no images ({', '.join(sorted(SUFFIXES))})")
        found += inside
    return found


def batches(paths: list[Path], size: int) -> Iterator[list[Path]]:
    """Consecutive groups of at most `size`."""
    for start in range(0, len(paths), size):
        yield paths[start : start + size]
