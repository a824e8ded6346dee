"""Words that say where in the picture a thing is, or only that one sees it; they name nothing themselves.

"A lamp can be seen on the left side of the image" says of things what "a lamp" says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ser_ros.graph.lemmas import verb_lemma
from ser_ros.graph.lexicon import EFFECTS, PICTURES, word_set
from ser_ros.graph.tokens import Token

_INTO = word_set("in on at to from within near of")
_MARGINS = word_set("left right middle center centre")
_SIDES = (
    word_set("side part half corner edge portion section area top bottom foreground background") | _MARGINS
)
_FAR = word_set("far very upper lower top bottom left right left-hand right-hand hand")
_QUOTES = frozenset('"\u201c\u201d')
LONGEST_QUOTATION = 14  # tokens
_SEEN = word_set("seen observed spotted noticed found")


def without_asides(tokens: Sequence[Token]) -> list[Token]:
    """The sentence without them; the words that stay keep their characters."""
    kept: list[Token] = []
    i = 0
    while i < len(tokens):
        if _is_effect(tokens, i):
            break
        end = max(_place_in_picture(tokens, i), _seeing(tokens, i), _quotation(tokens, i))
        if end > i:
            if not kept and end < len(tokens) and tokens[end].text == ",":
                end += 1
            i = end
        elif verb_lemma(tokens[i].text) in ("seem", "appear") and _texts(tokens, i + 1, 2) == ["to", "be"]:
            kept.append(replace(tokens[i + 2], text="is", tag="VBZ"))
            i += 3
        elif tokens[i].text in ("do", "does", "did") and _texts(tokens, i + 1, 1)[:1] in (["not"], ["n't"]):
            i += 1  # "does not have" is "not have"
        else:
            kept.append(tokens[i])
            i += 1
    return kept


def _texts(tokens: Sequence[Token], i: int, count: int) -> list[str]:
    return [token.text for token in tokens[i : i + count]]


def _place_in_picture(tokens: Sequence[Token], i: int) -> int:
    """One past "on the left (side) (of the image)" or "in the picture", `i` where neither stands here."""
    if tokens[i].text not in _INTO or i + 2 >= len(tokens) or tokens[i + 1].text not in ("the", "this"):
        return i
    k = i + 2
    if tokens[k].text in PICTURES:
        return k + 1 if tokens[i].text != "to" else i
    while k + 1 < len(tokens) and tokens[k].text in _FAR and tokens[k + 1].text in _SIDES | _FAR:
        k += 1
    if tokens[k].text not in _SIDES:
        return i
    end = k + 1
    if _texts(tokens, end, 1) != ["of"]:
        bare = tokens[k].text in _MARGINS or (tokens[k].text == "side" and tokens[k - 1].text in _FAR)
        noun = end < len(tokens) and tokens[end].tag[:2] in ("NN", "JJ")
        return end if bare and not noun and tokens[i].text != "of" else i
    of = _texts(tokens, end, 3)
    return end + 3 if len(of) == 3 and of[1] in ("the", "this") and of[2] in PICTURES else i


def _seeing(tokens: Sequence[Token], i: int) -> int:
    """One past "can be seen", "is visible" or "you can see"."""
    words = _texts(tokens, i, 3)
    if len(words) == 3 and words[0] in ("can", "could") and words[1] == "be" and words[2] in _SEEN:
        return i + 3
    if words[:2] in (["is", "visible"], ["are", "visible"]):
        return i + 2
    if words[:1] and words[0] in ("we", "you", "one") and words[1:] == ["can", "see"]:
        return i + 3
    return i + 2 if words[:2] in (["we", "see"], ["you", "see"]) else i


def _quotation(tokens: Sequence[Token], i: int) -> int:
    """One past a quotation that begins here: what a sign says names no thing before the camera.

    Not when the quoted word is itself the noun: 'a "robot" on the floor'.
    """
    if tokens[i].text not in _QUOTES:
        return i
    closed = (k for k in range(i + 1, min(i + LONGEST_QUOTATION, len(tokens))) if tokens[k].text in _QUOTES)
    end = next(closed, i - 1) + 1
    named = i > 0 and tokens[i - 1].tag in ("DT", "PRP$", "JJ")
    noun_follows = end < len(tokens) and tokens[end].tag[:2] in ("NN", "JJ")
    return i if named and not noun_follows else end


def _is_effect(tokens: Sequence[Token], i: int) -> bool:
    """Whether ", creating ..." or "adds ..." begins here."""
    at = i + 1 if tokens[i].text in (",", "and") else i
    if i == 0 or at >= len(tokens) or verb_lemma(tokens[at].text) not in EFFECTS:
        return False
    return tokens[at].tag == ("VBG" if at > i else "VBZ")
