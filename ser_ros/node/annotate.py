"""The image with its caption under it, for people who watch."""

from __future__ import annotations

import array

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import Header

from ser_ros.model.description import Description, Edit

MAX_WIDTH = 960  # wider images are shrunk: the topic is for looking
_PLAIN, _CHANGED, _PAPER = (255, 255, 255), (255, 214, 90), (24, 24, 28)


def annotate(picture: np.ndarray, description: Description, header: Header) -> ImageMessage:
    """Draw the refined caption under the picture, words that differ from the initial one in yellow.

    Args:
        picture: [H, W, 3] uint8 RGB.
        description: both captions.
        header: header of the image; it is shared, not copied.

    Returns:
        rgb8, at most `MAX_WIDTH` wide.
    """
    shown = Image.fromarray(picture)
    if shown.width > MAX_WIDTH:
        shown = shown.resize((MAX_WIDTH, max(1, shown.height * MAX_WIDTH // shown.width)))
    size = max(12, shown.width // 36)
    font = ImageFont.load_default(size)
    lines = _wrap(changed_words(description.initial, description.edits), font, max(shown.width, 200) - size)
    canvas = Image.new(
        "RGB", (max(shown.width, 200), shown.height + int(1.4 * size * len(lines)) + size), _PAPER
    )
    canvas.paste(shown)
    draw = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        x, y = size / 2, shown.height + size / 2 + 1.4 * size * row
        for word, changed in line:
            draw.text((x, y), word, font=font, fill=_CHANGED if changed else _PLAIN)
            x += font.getlength(word + " ")
    return ImageMessage(
        header=header,
        height=canvas.height,
        width=canvas.width,
        encoding="rgb8",
        is_bigendian=0,
        step=3 * canvas.width,
        data=array.array("B", canvas.tobytes()),
    )


def changed_words(initial: str, edits: list[Edit]) -> list[tuple[str, bool]]:
    """Words of the refined caption, each with whether an edit put it there."""
    words: list[tuple[str, bool]] = []
    position = 0
    for edit in edits:
        words += [(word, False) for word in initial[position : edit.start].split()]
        words += [(word, True) for word in edit.text.split()]
        position = edit.end
    return words + [(word, False) for word in initial[position:].split()]


def _wrap(
    words: list[tuple[str, bool]], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float
) -> list[list[tuple[str, bool]]]:
    lines: list[list[tuple[str, bool]]] = [[]]
    used = 0.0
    for word, changed in words:
        length = font.getlength(word + " ")
        if lines[-1] and used + length > width:
            lines.append([])
            used = 0.0
        lines[-1].append((word, changed))
        used += length
    return lines
