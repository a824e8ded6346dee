"""Signs of a caption that went wrong: the repetitive phrasing of small language models (paper D.3)."""

from __future__ import annotations

import re

_PHRASE = 4
"""Words of a phrase that, said twice, is a repetition."""

_SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        a an the this that these those is are was were be been being has have had of in on at by to from
        for with and or but as it its his her their there which who where while near next under over
        behind beside between front back top side left right one two three some other another
        """,
    )
)


def repeats(caption: str) -> bool:
    """Whether a caption stutters ("on the on the"), or says a phrase with two content words twice.

    "a man in a red shirt and a man in a blue shirt" is no repetition: the phrase said twice has one content
    word. "a high ceiling with beams and a high ceiling with a skylight" is one.
    """
    words = re.findall(r"[\w'-]+", caption.lower())
    for size in (1, 2, 3):
        for at in range(len(words) - 2 * size + 1):
            if words[at : at + size] == words[at + size : at + 2 * size] and not words[at].isdigit():
                return True
    seen: dict[tuple[str, ...], int] = {}
    for at in range(len(words) - _PHRASE + 1):
        phrase = tuple(words[at : at + _PHRASE])
        if (
            at - seen.setdefault(phrase, at) >= _PHRASE
            and sum(word not in _SMALL_WORDS for word in phrase) >= 2
        ):
            return True
    return False
