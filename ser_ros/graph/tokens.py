"""Words of a caption with the characters they come from, and their parts of speech."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

# A number, a clitic, a word (hyphens and ampersands inside), or one other visible character.
_TOKEN = re.compile(
    r"[^\W_]+(?=n['\u2019]t\b)|n['\u2019]t\b|\d+(?:[.,:/]\d+)*(?:st|nd|rd|th)?(?![^\W_])|['\u2019](?:s|re|ve|ll|d|m)\b|[^\W_]+(?:[-&][^\W_]+)*|\S"
)
_SENTENCE_END = frozenset(".!?;")
LONGEST_SENTENCE = 60  # tokens; a longer run without an end is cut here, so time stays linear


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark.

    Attributes:
        text: lower case, typographic apostrophes made plain.
        start: first character in the caption.
        end: one past its last character.
        tag: Penn Treebank part of speech.
    """

    text: str
    start: int
    end: int
    tag: str


def tokenize(caption: str) -> list[list[Token]]:
    """The caption's sentences as tagged tokens, in time linear in its length.

    A sentence ends with . ! ? ; or a blank line, or after `LONGEST_SENTENCE` tokens.
    """
    sentences: list[list[tuple[str, int, int]]] = [[]]
    for match in _TOKEN.finditer(caption):
        text = match.group().lower().replace("\u2019", "'")
        current = sentences[-1]
        if current and (
            len(current) >= LONGEST_SENTENCE or "\n\n" in caption[current[-1][2] : match.start()]
        ):
            current = []
            sentences.append(current)
        if text == "'" and match.start() and caption[match.start() - 1] in "sS":
            quoted = any(word == "'" for word, _, _ in current)
            text = text if quoted else "'s"  # "the boys' bikes"
        current.append((text, match.start(), match.end()))
        if text in _SENTENCE_END:
            sentences.append([])
    return [
        _tagged(sentence) for sentence in sentences if any(word[0] not in "_.!?;" for word, _, _ in sentence)
    ]


def _tagged(words: list[tuple[str, int, int]]) -> list[Token]:
    tags = part_of_speech([text for text, _, _ in words])
    return [Token(text, start, end, tag) for (text, start, end), tag in zip(words, tags, strict=True)]


@cache
def _tagger() -> Any:
    from textblob.en import parser

    return parser


def part_of_speech(words: list[str]) -> list[str]:
    """Penn Treebank tags by TextBlob's lexicon, corrected where captions use a word one way only."""
    tags = [tag for _, tag in _tagger().find_tags(words)]
    tags = [KNOWN_TAGS.get(word, tag) for word, tag in zip(words, tags, strict=True)]
    for k in range(len(words)):
        tags[k] = _in_context(words, tags, k)
    return tags


def _in_context(words: list[str], tags: list[str], k: int) -> str:
    """The tag of one word where its neighbours tell more than the lexicon."""
    word, tag = words[k], tags[k]
    before = tags[k - 1] if k else ""
    after = tags[k + 1] if k + 1 < len(tags) else ""
    relative = k > 0 and words[k - 1] in ("that", "which", "who") and after in ("IN", "DT", "RB")
    noun_here = before in _BEFORE_NOUNS and word not in KNOWN_TAGS and not relative
    if word == "her":
        return "PRP$" if after in _BEGIN_NAMES else "PRP"
    if tag in ("VB", "VBP", "VBZ") and (noun_here or (k == 0 and after in _AFTER_NOUNS)):
        return "NNS" if tag == "VBZ" else "NN"
    if word == "couple" and words[k + 1 : k + 2] != ["of"]:
        return "NN"
    if word in _NOUNS_TOO and before in _INSIDE_NAMES and after not in (*_BEGIN_NAMES, "CC"):
        return "NN"
    if tag == "NN" and word.endswith("ing") and before in ("NN", "NNS") and after in ("DT", "PRP$"):
        return "VBG"
    if tag == "VBD" and before in ("DT", "PRP$") and after in ("NN", "NNS"):
        return "VBN"
    if tag == "NNS" and (
        relative or (before in ("NN", "PRP") and after in ("DT", "PRP$") and word[-1] == "s")
    ):
        return "VBZ"
    return tag


_AFTER_NOUNS = ("IN", "VBZ", "VBP", "VBG", "VBN", "VBD")
_NOUNS_TOO = frozenset(["glass", "light"])  # adjectives before a noun, else things
_INSIDE_NAMES = ("DT", "PRP$", "JJ", "CD", "NN")
_BEGIN_NAMES = ("NN", "NNS", "NNP", "NNPS", "JJ", "JJR", "JJS", "CD", "VBG", "VBN")
_BEFORE_NOUNS = ("DT", "PRP$", "JJ", "IN", "CD", "POS")


def _table(rows: dict[str, str]) -> dict[str, str]:
    return {word: tag for tag, words in rows.items() for word in words.split()}


KNOWN_TAGS = _table(
    {
        "DT": "a an the this that these those some any each every both all another no",
        "PRP$": "his her its their my your our someones",
        "PRP": "he she it they them him we you i himself herself itself themselves",
        "IN": "on in at with of by near under behind above below beneath underneath beside besides between "
        "among against along alongside across around inside outside over through into onto from toward "
        "towards upon "
        "within without beyond atop for during as off amongst amid past via like while",
        "TO": "to",
        "MD": "ca wo",
        "RP": "up down out away",
        "CC": "and or but nor &",
        "WDT": "which who whom that's where",
        "VBZ": "is has wears holds says",
        "VBP": "are have",
        "VBD": "was were had",
        "VBG": "wearing holding sitting standing laying lying leaning hanging skiing surfing skateboarding "
        "snowboarding skating grazing riding facing overlooking surrounding lining resting kneeling jumping",
        "VBN": "seated parked attached covered filled surrounded worn mounted lit hung",
        "RB": "very not just also there here together closely partially partly slightly almost nearly "
        "brightly n't still now only too up-close currently",
        "JJ": "white black red blue green yellow brown orange gray grey pink purple tan beige silver gold "
        "golden maroon teal turquoise dark light bright pale wooden metal plastic brick stone glass "
        "ceramic concrete "
        "leather marble large small big little tall short long wide narrow old young empty open closed clear "
        "striped round square dirty clean wet dry bare blonde blond fluffy furry shiny left right front back "
        "upper lower top bottom electric several many few other same different various multiple numerous "
        "stainless nearby colorful multi-colored multicolored stuffed porcelain framed",
        "CD": "one two three four five six seven eight nine ten eleven twelve dozen couple",
        "NN": "sink stop match cleaner teddy bear surfboard skateboard snowboard train plane sheep "
        "building ceiling railing "
        "clothing "
        "bedding awning painting t-shirt frisbee baseball tennis wall floor bed plate cup ground home "
        "sidewalk writing drawing lighting wiring building frosting icing landing stuffing wing "
        "earring ring string",
        "NNS": "people men women children jeans pants shorts glasses sunglasses skis",
    }
)
