"""Procedural textures as PNG bytes: wood, tiles, carpet, pictures on the wall, the view outside."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ser_ros.data.sim.palette import RGB, VIVID, shade

SIZE = 128


def png(pixels: np.ndarray) -> bytes:
    """`pixels` [H, W, 3] in [0, 1] as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray((np.clip(pixels, 0, 1) * 255).astype(np.uint8)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def noise(rng: np.random.Generator, size: int = SIZE, cells: tuple[int, int] = (8, 8)) -> np.ndarray:
    """Smooth noise [size, size] in about [-1, 1]."""
    grid = rng.uniform(-1, 1, cells).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC))


def wood(rng: np.random.Generator, base: RGB, planks: int = 0) -> bytes:
    """Wood grain along x; `planks` > 0 draws floor boards."""
    grain = 0.10 * noise(rng, cells=(24, 3)) + 0.05 * noise(rng, cells=(64, 6))
    picture = np.array(base)[None, None] * (1.0 + grain[..., None])
    if planks:
        width = SIZE // planks
        for board in range(planks):
            rows = slice(board * width, (board + 1) * width)
            picture[rows] *= 1.0 + rng.uniform(-0.12, 0.12)
            picture[board * width] *= 0.55
            picture[rows, rng.integers(SIZE)] *= 0.6
    return png(picture)


def floor_boards(rng: np.random.Generator, base: RGB) -> bytes:
    """Eight boards of wood."""
    return wood(rng, base, planks=8)


def tiles(rng: np.random.Generator, base: RGB, count: int = 4) -> bytes:
    """Square tiles with joints; every second one a little darker."""
    picture = np.ones((SIZE, SIZE, 3)) * np.array(base)
    step, checker = SIZE // count, rng.uniform(0.0, 0.25)
    for i in range(count):
        for j in range(count):
            tone = 1.0 + rng.uniform(-0.03, 0.03) - checker * ((i + j) % 2)
            picture[i * step : (i + 1) * step, j * step : (j + 1) * step] *= tone
    picture[::step] *= 0.7
    picture[:, ::step] *= 0.7
    return png(picture)


def carpet(rng: np.random.Generator, base: RGB) -> bytes:
    """Short pile."""
    grain = 0.08 * rng.normal(size=(SIZE, SIZE)) + 0.05 * noise(rng)
    return png(np.array(base)[None, None] * (1.0 + grain[..., None]))


def plaster(rng: np.random.Generator, base: RGB) -> bytes:
    """A painted wall; one in four has stripes."""
    picture = np.array(base)[None, None] * (1.0 + 0.025 * noise(rng)[..., None])
    if rng.random() < 0.25:
        picture = picture.copy()
        picture[:, (np.arange(SIZE) // 8) % 2 == 0] *= 0.94
    return png(picture)


def rug(rng: np.random.Generator, base: RGB) -> bytes:
    """A woven pattern: border, medallion or stripes, in the base colour with a light second one."""
    image = Image.new("RGB", (SIZE, SIZE), _byte(base))
    draw = ImageDraw.Draw(image)
    second = _byte(tuple(min(1.0, c * 0.5 + 0.45) for c in base))
    style = rng.integers(3)
    draw.rectangle((8, 8, SIZE - 9, SIZE - 9), outline=second, width=4)
    if style == 0:
        draw.ellipse((36, 36, 92, 92), outline=second, width=6)
    elif style == 1:
        for y in range(24, SIZE - 20, 20):
            draw.line((18, y, SIZE - 18, y), fill=second, width=4)
    else:
        draw.polygon([(64, 26), (102, 64), (64, 102), (26, 64)], outline=second, width=5)
    return png(np.asarray(image) / 255.0 * (1 + 0.05 * rng.normal(size=(SIZE, SIZE, 1))))


def outside(rng: np.random.Generator, night: bool = False) -> bytes:
    """Sky, hills and trees behind a window."""
    rows = np.linspace(0, 1, SIZE)[:, None, None]
    top, low = ((0.04, 0.06, 0.16), (0.12, 0.14, 0.26)) if night else ((0.42, 0.66, 0.95), (0.86, 0.93, 1.0))
    sky = np.array(top) * (1 - rows) + np.array(low) * rows
    image = Image.fromarray((np.tile(sky, (1, SIZE, 1)) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    green = (14, 30, 20) if night else (96, 150, 70)
    draw.rectangle((0, int(SIZE * 0.72), SIZE, SIZE), fill=green)
    for _ in range(4):
        x, r = rng.integers(0, SIZE), rng.integers(10, 24)
        draw.rectangle((x - 2, 70, x + 2, 100), fill=(70, 48, 30))
        draw.ellipse((x - r, 76 - r, x + r, 76 + r // 2), fill=tuple(int(c * 0.75) for c in green))
    return png(np.asarray(image.filter(ImageFilter.GaussianBlur(1))) / 255.0)


def painting(rng: np.random.Generator) -> bytes:
    """A landscape, shapes, or a flower: what hangs in homes."""
    image = Image.new("RGB", (SIZE, SIZE), _byte(shade("white", rng)))
    draw = ImageDraw.Draw(image)
    style = rng.integers(3)
    if style == 0:
        draw.rectangle((0, 0, SIZE, 70), fill=_byte(shade("blue", rng)))
        draw.ellipse((88, 10, 112, 34), fill=_byte(shade("yellow", rng)))
        draw.polygon([(0, 90), (40, 36), (76, 90)], fill=_byte(shade("gray", rng)))
        draw.polygon([(44, 90), (92, 46), (128, 90)], fill=_byte(shade("brown", rng)))
        draw.rectangle((0, 84, SIZE, SIZE), fill=_byte(shade("green", rng)))
    elif style == 1:
        for _ in range(6):
            x, y, r = *rng.integers(0, SIZE, 2), rng.integers(12, 40)
            colour = _byte(shade(str(rng.choice(VIVID)), rng))
            box = (x - r, y - r, x + r, y + r)
            (draw.ellipse if rng.random() < 0.5 else draw.rectangle)(box, fill=colour)
    else:
        draw.line((64, 60, 60, 124), fill=_byte(shade("green", rng)), width=5)
        petal = _byte(shade(str(rng.choice(VIVID)), rng))
        for angle in np.linspace(0, 2 * np.pi, 7)[:-1]:
            x, y = 64 + 24 * np.cos(angle), 48 + 24 * np.sin(angle)
            draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill=petal)
        draw.ellipse((52, 36, 76, 60), fill=_byte(shade("yellow", rng)))
    return png(np.asarray(image) / 255.0)


def screen(rng: np.random.Generator) -> bytes:
    """What a switched-on screen shows: a window with lines of text."""
    image = Image.new("RGB", (SIZE, SIZE), _byte(shade(str(rng.choice(("blue", "gray"))), rng)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 14, 84, 106), fill=(240, 242, 246))
    draw.rectangle((10, 14, 84, 24), fill=(60, 120, 210))
    for y in range(32, 100, 9):
        draw.line((18, y, int(rng.integers(40, 78)), y), fill=(90, 96, 110), width=3)
    draw.rectangle((92, 30, 118, 62), fill=(90, 190, 140))
    return png(np.asarray(image) / 255.0)


def _byte(colour: tuple) -> tuple[int, int, int]:
    r, g, b = (int(np.clip(c, 0, 1) * 255) for c in colour)
    return r, g, b
