"""The parser: caption in, objects, attributes and relations out, each citing its characters."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Literal

from ser_ros.errors import UserError
from ser_ros.graph import discourse, rules
from ser_ros.graph.reader import TrainedReader, trained_reader
from ser_ros.graph.reading import Reading, assemble
from ser_ros.graph.tokens import Token, tokenize
from ser_ros.graph.triples import SceneTriples

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
    sentences = [discourse.without_opening(tokens) for tokens in tokenize(caption)]
    return assemble(caption, discourse.resolve(discourse.join(_read(sentences, reader))))


def _read(sentences: Sequence[Sequence[Token]], reader: ReaderName) -> list[Reading]:
    network = _network() if reader == "trained" else None
    if network is None:
        return [rules.read(tokens) for tokens in sentences]
    readings = network.read(sentences)
    return [
        reading if reading.mentions else rules.read(tokens)
        for tokens, reading in zip(sentences, readings, strict=True)
    ]


@cache
def _network() -> TrainedReader | None:
    """The trained reader; None, said once in the log, when its files are missing."""
    try:
        return trained_reader()
    except UserError as error:
        logging.getLogger(__name__).warning("%s; captions are read by rules alone", error)
        return None
