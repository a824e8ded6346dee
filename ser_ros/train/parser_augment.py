"""Longer sentences made of short captions, as detailed captions write them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from ser_ros.graph.arcs import Arc, ArcGraph
from ser_ros.graph.tokens import Token, tokenize
from ser_ros.train.parser_align import Aligned

_JOINS = ("and", ", and", ",", "while", "with", ", with", "; there is also", ", where")
_OPENINGS = (
    "the image shows", "the image features", "the image depicts", "in the image , there is", "there is",
    "the scene shows", "a photo of", "a picture of", "this is", "we can see", "a close up of", "a view of",
)  # fmt: skip
_CLOSINGS = ("in the image", "in the scene", "in the background", "in this picture", "adding to the scene")


def longer(aligned: Sequence[Aligned], count: int, rng: random.Random) -> Iterator[tuple[list[Token], ArcGraph]]:
    """`count` sentences of two or three captions, or of one with words that say nothing."""
    for _ in range(count):
        parts: list[Aligned] = []
        if rng.random() < 0.5:
            parts.append(_words(rng.choice(_OPENINGS)))
        for i in range(rng.choice((1, 2, 2, 2, 3))):
            if i:
                parts.append(_words(rng.choice(_JOINS)))
            parts.append(_without_stop(rng.choice(aligned)))
        if rng.random() < 0.2:
            parts.append(_words(rng.choice(_CLOSINGS)))
        if rng.random() < 0.7:
            parts.append(_words("."))
        yield _joined(parts)


def _words(text: str) -> Aligned:
    return Aligned([token for sentence in tokenize(text + " x") for token in sentence][:-1])


def _without_stop(part: Aligned) -> Aligned:
    if part.tokens[-1].text in ".!?;" and not any(len(part.tokens) - 1 in arc for arc in part.graph.arcs):
        return Aligned(part.tokens[:-1], part.graph)
    return part


def _joined(parts: Sequence[Aligned]) -> tuple[list[Token], ArcGraph]:
    tokens: list[Token] = []
    graph = ArcGraph()
    for part in parts:
        shift = len(tokens)
        tokens += part.tokens
        graph.things.update({k + shift: sure for k, sure in part.graph.things.items()})
        graph.templates.update({k + shift: template for k, template in part.graph.templates.items()})
        arcs: dict[tuple[int, int], tuple[Arc, float]] = {
            (i + shift, j + shift): arc for (i, j), arc in part.graph.arcs.items()
        }
        graph.arcs.update(arcs)
    return tokens, graph
