"""Longer sentences made of short captions, as detailed captions write them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from ser_ros.graph.arcs import Arc, ArcGraph
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import word_set
from ser_ros.graph.tokens import Token, tokenize
from ser_ros.train.parser_align import Aligned

_JOINS = ("and", ", and", ",", "while", "with", ", with", "; there is also", ", where")
_OPENINGS = (
    "the image shows", "the image features", "the image depicts", "in the image , there is", "there is",
    "the scene shows", "a photo of", "a picture of", "this is", "we can see", "a close up of", "a view of",
)  # fmt: skip
_CLOSINGS = ("in the image", "in the scene", "in the background", "in this picture", "adding to the scene")


def longer(
    aligned: Sequence[Aligned], count: int, rng: random.Random
) -> Iterator[tuple[list[Token], ArcGraph]]:
    """`count` sentences of two or three captions, or of one with words that say nothing."""
    for _ in range(count):
        parts: list[Aligned] = []
        if rng.random() < 0.5:
            parts.append(_words(rng.choice(_OPENINGS)))
        for i in range(rng.choice((1, 2, 2, 2, 3))):
            if i:
                parts.append(_words(rng.choice(_JOINS)))
            part = _without_stop(rng.choice(aligned))
            dice = rng.random()
            if dice < 0.3:
                part = with_pronoun(part, rng)
            elif dice < 0.7:
                part = with_list(part, [rng.choice(aligned) for _ in range(rng.choice((1, 1, 2, 2, 3)))], rng)
            parts.append(part)
        if rng.random() < 0.2:
            parts.append(_words(rng.choice(_CLOSINGS)))
        if rng.random() < 0.7:
            parts.append(_words("."))
        yield _joined(parts)


_HE = word_set("man boy guy gentleman father surfer skier batter player snowboarder skateboarder")
_SHE = word_set("woman girl lady mother bride")


def with_pronoun(part: Aligned, rng: random.Random) -> Aligned:
    """The same with its first thing, or the last where that ends the caption, said as a pronoun.

    The pronoun heads the thing; the sentences before it tell what it is (`discourse`). What the
    noun phrase said of the thing goes with its words.
    """
    tokens, graph = part.tokens, part.graph
    spans = [span for span in (_phrase(part, min(graph.things)), _phrase(part, max(graph.things))) if span]
    first = spans[0] if spans and spans[0][0] == 0 and spans[0][1] < len(tokens) else None
    last = spans[-1] if spans and spans[-1][1] == len(tokens) and spans[-1][0] > 1 else None
    span = rng.choice([x for x in (first, last) if x] or [None])
    if span is None:
        return part
    start, end = span
    text = tokens[end - 1].text
    plural = noun_lemma(text) != text
    if span is first:
        word = "he" if text in _HE else "she" if text in _SHE else "they" if plural else "it"
        word = rng.choice((word, word, word, "one of them", "the other one", "one"))
    else:
        word = "him" if text in _HE else "her" if text in _SHE else "them" if plural else "it"
    words = _words(word).tokens
    head = start + (len(words) - 1 if word == "the other one" else 0)
    shift = len(words) - (end - start)

    def moved(k: int) -> int | None:
        return k if k < start else k + shift if k >= end else head if k == end - 1 else None

    new = Aligned([*tokens[:start], *words, *tokens[end:]])
    new.graph.things = {to: sure for k, sure in graph.things.items() if (to := moved(k)) is not None}
    new.graph.templates = {to: t for k, t in graph.templates.items() if (to := moved(k)) is not None}
    for (i, j), arc in graph.arcs.items():
        a, b = moved(i), moved(j)
        if a is not None and b is not None:
            new.graph.arcs[a, b] = arc
    return new


def with_list(part: Aligned, others: Sequence[Aligned], rng: random.Random) -> Aligned:
    """The same with things of other captions listed after its last thing or before its first.

    "a bed with pillows" becomes "a bed with pillows , a lamp and two books": the listed things
    stand in the relation of the thing they are listed with.
    """
    graph = part.graph
    if not graph.things:
        return part
    at_end = rng.random() < 0.6
    host = max(graph.things) if at_end else min(graph.things)
    span = _phrase(part, host)
    label = Arc.OBJECT if at_end else Arc.SUBJECT
    roles = [(i, found) for (i, j), (found, _) in graph.arcs.items() if j == host]
    if not span or len(roles) != 1 or roles[0][1] is not label:
        return part
    if (span[1] != len(part.tokens)) if at_end else (span[0] != 0):
        return part
    items = [item for other in others if (item := _item(other, rng))]
    if not items:
        return part
    comma, conjunction = _words(","), _words(rng.choice(("and", ", and", "as well as", "and")))
    pieces: list[Aligned] = []
    for n, item in enumerate(items):
        joins = conjunction if n == len(items) - 1 else comma
        pieces += [joins, item] if at_end else [item, joins]
    order = [part, *pieces] if at_end else [*pieces, part]
    tokens, joined = _joined(order)
    shift = 0 if at_end else len(tokens) - len(part.tokens)
    new = Aligned(tokens, joined)
    own = {k + shift for k in graph.things}
    for k in joined.things.keys() - own:
        joined.arcs[roles[0][0] + shift, k] = (label, 1.0)
    return new


def _item(other: Aligned, rng: random.Random) -> Aligned | None:
    """One thing of another caption with its article and adjectives."""
    head = rng.choice(sorted(other.graph.things) or [-1])
    span = _phrase(other, head) if head >= 0 else None
    if not span or any(head < k for k in other.graph.of(head, Arc.ATTRIBUTE)):
        return None
    start, end = span
    item = Aligned(list(other.tokens[start:end]))
    item.graph.things[head - start] = 1.0
    for (i, j), arc in other.graph.arcs.items():
        if start <= i < end and start <= j < end:
            item.graph.arcs[i - start, j - start] = arc
    return item


def _phrase(part: Aligned, head: int) -> tuple[int, int] | None:
    """The words of a thing with the article and adjectives before it; None when others use them."""
    start = head
    while start and part.tokens[start - 1].tag in ("DT", "JJ", "NN", "CD", "PRP$", "VBN"):
        start -= 1
    inside = range(start, head)
    used = {k for k in part.graph.things if k in inside} | {k for k in part.graph.templates if k in inside}
    used |= {head} & part.graph.templates.keys()
    return None if used else (start, head + 1)


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
