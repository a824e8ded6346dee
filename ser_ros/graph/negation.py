"""What a caption says is not there: "without a lid", "no cars", "not wearing a hat", "is not visible"."""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph.lexicon import word_set
from ser_ros.graph.reading import Link, Mention, Reading
from ser_ros.graph.tokens import Token

_NONE_OF = word_set("without no neither nor")
_NOT = word_set("not n't never cannot")
_OPEN = word_set("a an any the visible")  # between "no" and the name: "without A lid"
_IN_SIGHT = word_set("visible present seen shown")
_LISTED = word_set("CC NN NNS JJ DT ,")
LIST = 10  # words looked back for the "no" that begins a list
_DEFINITE = word_set("the this that these those his her its their my your our")


def without_absent(reading: Reading) -> Reading:
    """The things, attributes and links that are really there."""
    absent = {i for i, mention in enumerate(reading.mentions) if _is_absent(mention, reading.tokens)}
    for mention in reading.mentions:
        mention.attributes = [a for a in mention.attributes if not _is_negated(reading.tokens, a.start)]
    links: list[Link] = []
    for link in reading.links:
        if not _is_negated(reading.tokens, link.start):
            links.append(link)
        elif not _is_definite(reading.mentions[link.object], reading.tokens):
            absent.add(link.object)
    reading.links = links
    return reading.keep([i not in absent for i in range(len(reading.mentions))])


def phrase_start(mention: Mention) -> int:
    """First token of the thing's name and the attributes before it."""
    return min([mention.start, *(a.start for a in mention.attributes if a.start < mention.start)])


def texts_before(mention: Mention, tokens: Sequence[Token]) -> list[str]:
    """The two words before the thing's name and its attributes."""
    first = phrase_start(mention)
    return [token.text for token in tokens[max(0, first - 2) : first]]


def _is_absent(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Whether words before the name or behind it say so."""
    k = phrase_start(mention) - 1
    if k >= 0 and tokens[k].text in _OPEN:
        k -= 1
    if k >= 0 and tokens[k].text == "or":  # "no chairs OR tables"
        while k >= 0 and k > mention.start - LIST and tokens[k].tag in _LISTED and tokens[k].text != "no":
            k -= 1
    if k >= 0 and tokens[k].text in _NONE_OF:
        return True
    behind = [token.text for token in tokens[mention.end : mention.end + 4]]
    return any(word in _IN_SIGHT for word in behind) and any(word in _NOT for word in behind[:2])


def _is_negated(tokens: Sequence[Token], start: int) -> bool:
    """Whether "not" stands before the token `start`, at most with one adverb or "be" between."""
    if start > 0 and tokens[start - 1].text in _NOT:
        return True
    return start > 1 and tokens[start - 2].text in _NOT and tokens[start - 1].text in ("be", "being", "yet")


def _is_definite(mention: Mention, tokens: Sequence[Token]) -> bool:
    before = texts_before(mention, tokens)
    return bool(before) and before[-1] in _DEFINITE
