"""Words that nobody knows, read as the most similar ones that the memory holds: "chiar" as "chair"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches

from ser_ros.graph import wordnet
from ser_ros.graph.memory.identity import Name
from ser_ros.graph.memory.question import Description, Question
from ser_ros.graph.memory.vocabulary import ROOMS, room_name

# Ratio of equal letters: "extingisher" passes for "extinguisher", "phone" for no "piano".
_SIMILAR = 0.75


def spelt(question: Question, known: Iterable[Name]) -> Question:
    """The question with its misspelt things corrected, where the memory or a room has a similar word.

    Args:
        known: names of the things in the memory.
    """
    if all(_is_word(thing) for thing in (question.thing, question.anchor)):
        return question
    words = {word for name in known for word in name.label.split()}
    if (anchor := question.anchor) is not None and not _is_word(anchor):
        rooms = get_close_matches(anchor.label, sorted(ROOMS), 1, _SIMILAR)
        if rooms and not question.room:
            return replace(question, anchor=None, location="", room=room_name(rooms[0]) or "")
        question = replace(question, anchor=_corrected(anchor, words))
    if question.thing is not None:
        question = replace(question, thing=_corrected(question.thing, words))
    return question


def _is_word(thing: Description | None) -> bool:
    return thing is None or wordnet.is_known(thing.label) or wordnet.is_known(thing.head)


def _corrected(thing: Description, known: set[str]) -> Description:
    words = [
        word if word in known or wordnet.is_known(word) else _closest(word, known)
        for word in thing.label.split()
    ]
    return replace(thing, label=" ".join(words), head=words[-1])


def _closest(word: str, known: set[str]) -> str:
    return next(iter(get_close_matches(word, sorted(known), 1, _SIMILAR)), word)
