"""What changed between two captions, word by word."""

from __future__ import annotations

import difflib
import re
from typing import Literal

from ser_ros.model.description import Edit

_KINDS: dict[str, Literal["insert", "delete", "replace"]] = {
    "insert": "insert",
    "delete": "delete",
    "replace": "replace",
}


def word_edits(initial: str, refined: str) -> list[Edit]:
    """The changes that turn `initial` into `refined`, in order of position.

    A word is a run of non-blank characters. An insertion stands before the word that begins at its
    `start`, or at the end of the caption.
    """
    old = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", initial)]
    new = [m.group() for m in re.finditer(r"\S+", refined)]
    matcher = difflib.SequenceMatcher(None, [word for word, _, _ in old], new, autojunk=False)
    edits = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        start = old[i1][1] if i1 < len(old) else len(initial)
        end = old[i2 - 1][2] if i2 > i1 else start
        edits.append(Edit(_KINDS[tag], start, end, " ".join(new[j1:j2])))
    return edits


def apply_edits(initial: str, edits: list[Edit]) -> str:
    """The refined caption again, with single blanks between words."""
    pieces: list[str] = []
    at = 0
    for edit in edits:
        pieces += [initial[at : edit.start], edit.text]
        at = edit.end
    return " ".join(" ".join([*pieces, initial[at:]]).split())
