"""A caption and its refinement with the changed words marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any, NamedTuple


class Piece(NamedTuple):
    """A run of words: "same", "gone" (only in the initial caption) or "new" (only in the refined one)."""

    kind: str
    text: str


def pieces(initial: str, edits: Sequence[dict[str, Any]]) -> list[Piece]:
    """The initial caption cut at its edits, with the new words between.

    Args:
        initial: caption of the first glance.
        edits: word-level changes in order, each {kind, start, end, text}.
    """
    found: list[Piece] = []
    position = 0
    for edit in edits:
        found.append(Piece("same", initial[position : edit["start"]]))
        found.append(Piece("gone", initial[edit["start"] : edit["end"]]))
        found.append(Piece("new", edit["text"]))
        position = edit["end"]
    found.append(Piece("same", initial[position:]))
    return [Piece(kind, text.strip()) for kind, text in found if text.strip()]


def mark(
    parts: Sequence[Piece], keep: str, wrap: Callable[[str], str], plain: Callable[[str], str] = lambda t: t
) -> str:
    """The "same" pieces and those of kind `keep`, the latter wrapped, one space between."""
    return " ".join(
        wrap(part.text) if part.kind == keep else plain(part.text)
        for part in parts
        if part.kind in ("same", keep)
    )


def html_initial(initial: str, edits: Sequence[dict[str, Any]]) -> str:
    """The initial caption with removed words in <del>."""
    return mark(pieces(initial, edits), "gone", lambda t: f"<del>{escape(t)}</del>", escape)


def html_refined(initial: str, edits: Sequence[dict[str, Any]]) -> str:
    """The refined caption with new words in <ins>."""
    return mark(pieces(initial, edits), "new", lambda t: f"<ins>{escape(t)}</ins>", escape)
