"""What the trained reader sees of each word: itself, its lemma, its tag, its kind, its shape."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma, verb_lemma
from ser_ros.graph.tokens import Token

UNKNOWN = 1  # 0 is padding
BUCKETS = 1024  # hashed suffixes and prefixes, so a new word still has a shape
_TAGS = (
    "CC CD DT EX FW IN JJ JJR JJS LS MD NN NNS NNP NNPS PDT POS PRP PRP$ RB RBR RBS RP SYM TO UH VB VBD VBG "
    "VBN VBP VBZ WDT WP WP$ WRB . , : ( ) #"
)
TAGS = _TAGS.split()

# name -> (number of values, width of its embedding)
COLUMNS = {
    "word": (0, 100),  # sized by the vocabulary
    "lemma": (0, 100),
    "tag": (len(TAGS) + 2, 24),
    "noun_kind": (len(wordnet.LEXNAMES) + 2, 24),
    "verb_kind": (len(wordnet.LEXNAMES) + 2, 16),
    "suffix": (BUCKETS + 1, 32),
    "prefix": (BUCKETS + 1, 24),
    "compound": (5, 8),
}

_TAG = {tag: i + 2 for i, tag in enumerate(TAGS)}
_KIND = {"": 1} | {name: i + 2 for i, name in enumerate(wordnet.LEXNAMES)}


def features(tokens: Sequence[Token], vocabulary: Mapping[str, int]) -> np.ndarray:
    """One row per word, one column per entry of `COLUMNS`.  # [T, 8] int32"""
    rows = [_row(token, vocabulary) for token in tokens]
    for k, row in enumerate(rows):
        left = k > 0 and _compound(tokens[k - 1].text, tokens[k].text)
        right = k + 1 < len(tokens) and _compound(tokens[k].text, tokens[k + 1].text)
        row.append(1 + left + 2 * right)
    return np.array(rows, np.int32).reshape(len(rows), len(COLUMNS))


def _row(token: Token, vocabulary: Mapping[str, int]) -> list[int]:
    text = token.text
    lemma = lemma_by_tag(token)
    return [
        vocabulary.get(text, UNKNOWN),
        vocabulary.get(lemma, UNKNOWN),
        _TAG.get(token.tag, UNKNOWN),
        _KIND[wordnet.lexname(text)],
        _KIND[wordnet.lexname(text, "v")],
        1 + zlib.crc32(text[-3:].encode(errors="replace")) % BUCKETS,
        1 + zlib.crc32(text[:3].encode(errors="replace")) % BUCKETS,
    ]


def lemma_by_tag(token: Token) -> str:
    """Lemma of a word as the verb or noun its tag says it is."""
    return verb_lemma(token.text) if token.tag.startswith("VB") else noun_lemma(token.text)


def _compound(first: str, second: str) -> bool:
    return first.isalpha() and second.isalpha() and wordnet.is_known(f"{first} {second}")
