"""From the readings of single sentences to one scene: empty heads go, repeated things become one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import EMPTY_HEADS, PLACES
from ser_ros.graph.reading import Link, Mention, Reading


def drop_empty(reading: Reading) -> Reading:
    """Without mentions that name no thing; what was said "in the background" goes with them."""
    placed = {link.object for link in reading.links if not link.predicate.endswith("have")}
    keep = [
        i
        for i, mention in enumerate(reading.mentions)
        if not _is_empty(mention) or (i in placed and _head(mention) in PLACES)
    ]
    return _subset(reading, keep)


def _head(mention: Mention) -> str:
    return noun_lemma(mention.name).rpartition(" ")[2]


def _is_empty(mention: Mention) -> bool:
    return " " not in mention.name and (mention.name in EMPTY_HEADS or _head(mention) in EMPTY_HEADS)


def _subset(reading: Reading, keep: Sequence[int]) -> Reading:
    if len(keep) == len(reading.mentions):
        return reading
    number = {old: new for new, old in enumerate(keep)}
    links = [
        Link(number[x.subject], x.predicate, number[x.object], x.start, x.end, x.confidence)
        for x in reading.links
        if x.subject in number and x.object in number
    ]
    return Reading(reading.tokens, [reading.mentions[i] for i in keep], links)


ReadSentence = Callable[[Sequence], Reading]
