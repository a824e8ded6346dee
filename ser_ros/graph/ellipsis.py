"""Words that leave out a noun: "the right one", "the second is off" after "the left lamp", "two lamps".

The noun is put in before anything is read, so that it is said of a thing of its own and not of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import ORDINALS, SIDES
from ser_ros.graph.predicates import BE
from ser_ros.graph.tokens import Token

_NOUN = ("NN", "NNS")
_OTHER = frozenset(("other",))
LOOK_BACK = 60  # words before the noun that is left out
_PICKS = SIDES | ORDINALS | _OTHER


def with_nouns(sentences: Sequence[Sequence[Token]]) -> list[list[Token]]:
    """The sentences of a caption with such nouns; they cite the words that stand for them."""
    whole: list[list[Token]] = []
    before: list[Token] = []
    for sentence in sentences:
        tokens: list[Token] = []
        for k, token in enumerate(sentence):
            noun = _left_out(sentence, k, before)
            if noun is None:
                added = [token]
            elif token.text == "one":
                added = [replace(token, text=noun, tag="NN")]
            else:
                added = [replace(token, tag="JJ"), replace(token, text=noun, tag="NN")]
            tokens += added
            before += added
        whole.append(tokens)
    return whole


def _left_out(sentence: Sequence[Token], k: int, before: Sequence[Token]) -> str | None:
    """The noun that the word `k` stands for or leaves out; None for any other word."""
    words = [token.text for token in sentence[max(0, k - 1) : k + 2]]
    if k < 1 or (words[1] == "one") == (words[1] in _PICKS):
        return None
    if words[1] == "one":
        pick = words[0] if words[0] in _PICKS else ""
    else:
        pick = (
            words[1] if words[0] == "the" and words[1] not in SIDES and words[2:3] and words[2] in BE else ""
        )
    near = list(before[-LOOK_BACK:])
    rivals = SIDES - {pick} if pick in SIDES else ORDINALS - {pick} if pick in ORDINALS else SIDES | ORDINALS
    for first, noun in reversed(list(pairwise(near))) if pick else ():
        if noun.tag in _NOUN and first.text in rivals:
            return noun_lemma(noun.text)
    for first, noun in reversed(list(pairwise(near))) if pick and pick not in _OTHER else ():
        if noun.tag == "NNS" and first.tag == "CD":
            return noun_lemma(noun.text)
    return None
