"""Things and numbers in words: "a red chair", "two bottles", "the lamp that is on"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ser_ros.graph.lemmas import is_plural_alone
from ser_ros.graph.memory.question import ANYTHING
from ser_ros.graph.memory.vocabulary import COLOURS, MATERIALS, SIZES, STATES

_NUMBERS = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
MOST_WORDS = len(_NUMBERS) - 1
# English puts these behind the noun: "a lamp that is on".
_AFTER_NOUN = frozenset(("on", "off", "ajar", "upside down"))


def a_thing(
    label: str,
    attributes: Iterable[str] = (),
    count: int | None = None,
    plural: bool = False,
    article: str | None = None,
) -> str:
    """ "a red chair", "two bottles", "the open door", "books"."""
    attributes = set(attributes)
    looks = _in_order(attributes - _AFTER_NOUN)
    if label == ANYTHING:
        return " ".join(["anything", *_in_order(attributes)])
    several = is_several(label, plural)
    words = " ".join([*looks, plural_of(label) if plural else label])
    if said_after := _in_order(attributes & _AFTER_NOUN):
        words += f" that {'are' if several else 'is'} {join(said_after)}"
    if count is not None and count > 1:
        return f"{'the ' if article == 'the' else ''}{number(count)} {words}"
    if article == "the":
        return f"the {words}"
    if several:
        return words
    return f"{'an' if words[:1] in 'aeiou' and not words.startswith(('uni', 'use', 'one')) else 'a'} {words}"


def is_several(label: str, plural: bool) -> bool:
    """Whether verbs and pronouns for a thing are plural: "the chairs are", "the scissors are"."""
    return plural or is_plural_alone(label)


def _in_order(attributes: Iterable[str]) -> list[str]:
    """As English puts them: "open large red wooden"; sorting keeps it the same each time."""
    kinds = (STATES.keys(), SIZES.keys(), COLOURS, MATERIALS)

    def rank(text: str) -> float:
        return next((place for place, words in enumerate(kinds) if text in words), 1.5)

    return sorted(attributes, key=lambda text: (rank(text), text))


def looks_of(node: Mapping[str, Any]) -> list[str]:
    """Attributes of a node of a world or frame graph that hold now, as English puts them, each once."""
    return _in_order({one["text"] for one in node.get("attributes", ()) if one.get("current", True)})


def number(count: int) -> str:
    """Small numbers as words."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else str(count)


@lru_cache(maxsize=4096)
def plural_of(label: str) -> str:
    """ "coffee table" -> "coffee tables"."""
    import lemminflect  # 0.4 s; the parser has it loaded by the time anybody asks

    first, _, last = label.rpartition(" ")
    forms = lemminflect.getInflection(last, tag="NNS") or (f"{last}s",)
    return f"{first} {forms[0]}".strip()


def join(words: list[str]) -> str:
    """ "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
