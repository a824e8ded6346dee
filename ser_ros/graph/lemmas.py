"""Base forms of words, by lemminflect with what captions need corrected."""

from __future__ import annotations

import re
from functools import lru_cache

# lemminflect takes these for something else, or leaves them: in captions they are always this.
NOUNS = {
    "glasses": "glasses", "sunglasses": "sunglasses", "goggles": "goggles", "jeans": "jeans",
    "pants": "pants", "shorts": "shorts", "scissors": "scissors", "clothes": "clothes", "men": "man",
    "women": "woman", "children": "child", "people": "people", "leaves": "leaf", "feet": "foot",
    "teeth": "tooth", "mice": "mouse", "geese": "goose", "knives": "knife", "shelves": "shelf",
    "skis": "ski", "buses": "bus", "bus": "bus", "grass": "grass", "glass": "glass", "tennis": "tennis",
    "binoculars": "binoculars", "stairs": "stair", "series": "series", "tongs": "tongs",
    "pepperoni": "pepperoni", "graffiti": "graffiti",
}  # fmt: skip
# Always several words for one thing: "scissors", "a pair of glasses".
_PLURAL_ALONE = frozenset((
    "glasses", "sunglasses", "goggles", "jeans", "pants", "shorts", "scissors", "clothes", "people",
    "binoculars", "tongs",
))  # fmt: skip
VERBS = {
    "laying": "lay", "laid": "lay", "lying": "lie", "left": "leave", "wearing": "wear", "worn": "wear",
    "leaning": "lean", "ground": "ground", "lit": "light", "hung": "hang", "is": "be", "are": "be",
    "was": "be", "were": "be", "been": "be", "being": "be", "has": "have", "had": "have", "having": "have",
    "does": "do", "'s": "be", "'re": "be",
}  # fmt: skip
_PLAIN = re.compile(r"[a-z][a-z'-]*\Z")


@lru_cache(65536)
def noun_lemma(word: str) -> str:
    """Singular of a lower-case noun; a compound's last word is the one that changes."""
    if " " in word:
        first, _, last = word.rpartition(" ")
        return f"{first} {noun_lemma(last)}"
    return NOUNS.get(word) or _lemma(word, "NOUN")


def is_plural_alone(noun: str) -> bool:
    """Whether a lemma is a plural all the same: no article, "the scissors are"."""
    return noun.rpartition(" ")[2] in _PLURAL_ALONE


@lru_cache(65536)
def verb_lemma(word: str) -> str:
    """Base form of a lower-case verb: "sitting" is "sit"."""
    return VERBS.get(word) or _lemma(word, "VERB")


def _lemma(word: str, part: str) -> str:
    if not _PLAIN.match(word) or len(word) > 40:
        return word
    import lemminflect  # 0.4 s, so only when a word needs it

    found = lemminflect.getLemma(word, part)
    return found[0] if found else word
