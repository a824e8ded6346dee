"""The meaning of one caption: objects, attributes and relations that cite their words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """Half-open range of characters [start, end) in the caption."""

    start: int
    end: int


@dataclass(frozen=True)
class Attribute:
    """A property of an object: "red", "wooden", "open"."""

    text: str
    span: Span


@dataclass(frozen=True)
class SceneObject:
    """One thing the caption names.

    Attributes:
        id: position in `SceneTriples.objects`.
        label: what the thing is called, its head lemmatised: "coffee table", "chair".
        head: lemma of the head noun: "table".
        name: the words as FACTUAL writes them (number kept): "coffee tables".
        count: how many, None where the caption does not say.
        attributes: its properties, in order of their words.
        span: the noun phrase's name in the caption.
        confidence: in [0, 1].
    """

    id: int
    label: str
    head: str
    name: str
    count: int | None
    attributes: tuple[Attribute, ...]
    span: Span
    confidence: float = 1.0


@dataclass(frozen=True)
class SceneRelation:
    """`subject` stands in `predicate` to `object`, both indices into `SceneTriples.objects`."""

    subject: int
    predicate: str
    object: int
    span: Span
    confidence: float = 1.0


@dataclass(frozen=True)
class SceneTriples:
    """What one caption says, ready for `to_networkx`."""

    caption: str
    objects: tuple[SceneObject, ...] = ()
    relations: tuple[SceneRelation, ...] = ()
