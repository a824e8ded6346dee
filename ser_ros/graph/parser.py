"""The parser: caption in, objects, attributes and relations out, each citing its characters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Literal

from ser_ros.errors import UserError
from ser_ros.graph import discourse, rules
from ser_ros.graph.agreement import corrected
from ser_ros.graph.dress import dress
from ser_ros.graph.reader import TrainedReader, trained_reader
from ser_ros.graph.reading import Reading, assemble
from ser_ros.graph.sentences import is_hung_picture, is_inverted, to_read
from ser_ros.graph.tokens import Token
from ser_ros.graph.triples import SceneTriples

RULE_CONFIDENCE = 0.6  # of a link that only the rules found; two of three are right on random_dev
ReaderName = Literal["trained", "rules"]


def parse(caption: str, reader: ReaderName = "trained") -> SceneTriples:
    """The scene graph of one caption, of one sentence or many.

    Any text gives a graph, perhaps an empty one; time is linear in its length. The same caption
    always gives the same graph.

    Args:
        caption: English text.
        reader: "trained" (more accurate) or "rules" (no network, about four times as fast). The
            rules also read what the trained reader finds nothing in, and everything when its
            weights are missing.
    """
    readings = _read(to_read(caption), reader)
    return assemble(caption, discourse.resolve(discourse.join(readings)))


def _read(sentences: Sequence[Sequence[Token]], reader: ReaderName) -> list[Reading]:
    network = _network() if reader == "trained" else None
    if network is None:
        return [_by_rules(tokens) for tokens in sentences]
    ruled = [is_inverted(tokens) or is_hung_picture(tokens) for tokens in sentences]
    found = iter(
        network.read([tokens for tokens, by_rules in zip(sentences, ruled, strict=True) if not by_rules])
    )
    return [
        _by_rules(tokens) if by_rules else _completed(next(found))
        for tokens, by_rules in zip(sentences, ruled, strict=True)
    ]


def _by_rules(tokens: Sequence[Token]) -> Reading:
    reading = rules.read(tokens)
    dress(reading)
    return reading


def _completed(reading: Reading) -> Reading:
    """With the links the rules know of things the network left alone.

    By rules when it found nothing, or overlooked the pronoun that is the subject.
    """
    begins = min((mention.start for mention in reading.mentions), default=None)
    if begins is None or (begins > 0 and reading.tokens[0].tag == "PRP"):
        return _by_rules(reading.tokens)
    other = _by_rules(reading.tokens)
    reading = corrected(reading, other)
    linked = {thing for link in reading.links for thing in (link.subject, link.object)}
    if len(linked) == len(reading.mentions) or len(reading.mentions) == 1:
        return reading
    number = {mention.end: i for i, mention in enumerate(reading.mentions)}
    ends = [number.get(mention.end) for mention in other.mentions]
    for link in other.links:
        subject, thing = ends[link.subject], ends[link.object]
        if subject is not None and thing is not None and not {subject, thing} <= linked:
            reading.link(subject, link.predicate, thing, link.start, link.end, RULE_CONFIDENCE)
    return reading


@cache
def _network() -> TrainedReader | None:
    """The trained reader; None, said once in the log, when its files are missing."""
    try:
        return trained_reader()
    except UserError as error:
        logging.getLogger(__name__).warning("%s; captions are read by rules alone", error)
        return None
