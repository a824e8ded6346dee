"""Finds the noun phrases of a tagged sentence: name, attributes, count, owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import COLOURS, MATERIALS, NEVER_NAMES, NUMBERS, PARTS, PEOPLE, QUANTITIES, SHADES
from ser_ros.graph.reading import Mention, Words
from ser_ros.graph.tokens import Token

_NOUN = ("NN", "NNS", "NNP", "NNPS")
_THINGS = (
    "noun.artifact",
    "noun.food",
    "noun.animal",
    "noun.person",
    "noun.body",
    "noun.plant",
    "noun.object",
)
_ACTIONS = (
    "verb.motion", "verb.contact", "verb.competition", "verb.perception", "verb.consumption", "verb.stative",
    "verb.body",
)  # fmt: skip
_DESCRIBES = ("JJ", "JJR", "JJS", "VBN", "VBG", "CD")


@dataclass
class NounPhrase:
    """Tokens [start, end) that name one thing.

    Attributes:
        mention: the thing.
        whole: a thing it is part of, where the phrase names both ("tree branches").
        owner: the possessive word before it ("his"), None without.
        negated: the phrase says that the thing is not there ("no cars").
    """

    start: int
    end: int
    mention: Mention
    whole: Mention | None = None
    owner: str | None = None
    negated: bool = False


def find(tokens: Sequence[Token], start: int) -> NounPhrase | None:
    """The noun phrase that begins exactly at token `start`, None when there is none."""
    i = start
    count: int | None = None
    owner: str | None = None
    negated = definite = False
    attributes: list[Words] = []
    while i < len(tokens):
        word, tag = tokens[i].text, tokens[i].tag
        quantity = _quantity(tokens, i)
        if quantity:
            if QUANTITIES[word]:
                attributes.append(Words(QUANTITIES[word], i, quantity))
            count = NUMBERS.get(word, count)
            i = quantity
        elif word in NUMBERS and (tag in ("CD", "DT")):
            count = NUMBERS[word]
            i += 1
        elif word.isdecimal() and len(word) < 5:
            count = int(word)
            i += 1
        elif tag == "DT":
            negated |= word == "no"
            definite |= word in ("the", "this", "that", "these", "those")
            i += 1
        elif tag == "PRP$":
            owner = word
            i += 1
        elif tag == "RB" and i + 1 < len(tokens) and tokens[i + 1].tag in _DESCRIBES:
            i += 1
        else:
            break
    modifiers, end = _modifiers(tokens, i)
    if end == i:
        return _headless(tokens, start, i)
    name_start = _name_start(tokens, i, end, modifiers)
    if name_start is None:
        return None
    attributes += _attributes(tokens, [k for k in modifiers if k < name_start])
    whole = None
    split = _part_of(tokens, name_start, end)
    if split:
        whole = _mention(tokens, name_start, split, [], None, definite)
        name_start = split
    mention = _mention(tokens, name_start, end, attributes, count if count != 1 else None, definite)
    return NounPhrase(start, end, mention, whole, owner, negated)


def _headless(tokens: Sequence[Token], start: int, i: int) -> NounPhrase | None:
    """ "A RED and a blue cup": two cups, the first named by its attribute alone."""
    last = tokens[i - 1].text if i > start else ""
    following = tokens[i].tag if i < len(tokens) else ""
    if last in ("one", "another") and following.startswith("VB"):
        return NounPhrase(start, i, Mention(last, i - 1, i))
    if (
        i < len(tokens)
        and tokens[i].text == "other"
        and (i + 1 == len(tokens) or tokens[i + 1].tag.startswith("VB"))
    ):
        return NounPhrase(start, i + 1, Mention("other", i, i + 1))
    k = i
    while k < len(tokens) and tokens[k].tag == "JJ":
        k += 1
    if i == start or k == i or k + 2 >= len(tokens) or tokens[k].text not in ("and", "or", ","):
        return None
    if tokens[k + 1].tag != "DT" or tokens[k + 2].tag != "JJ":
        return None
    full = find(tokens, k + 1)
    if full is None or not full.mention.attributes:
        return None
    named = full.mention
    mention = Mention(
        named.name, named.start, named.end, [Words(tokens[x].text, x, x + 1) for x in range(i, k)]
    )
    return NounPhrase(start, k, mention)


def _quantity(tokens: Sequence[Token], i: int) -> int | None:
    """Token after "of" when a quantity phrase begins here."""
    if tokens[i].text in QUANTITIES and i + 2 < len(tokens) and tokens[i + 1].text == "of":
        return i + 2
    return None


def _modifiers(tokens: Sequence[Token], i: int) -> tuple[list[int], int]:
    """Positions of the describing words and nouns from `i`, and the end after the last noun."""
    kept: list[int] = []
    end = i
    k = i
    while k < len(tokens):
        tag = tokens[k].tag
        following = tokens[k + 1].tag if k + 1 < len(tokens) else ""
        if tag in _NOUN:
            if kept and end == k and _is_verb_here(tokens, k):
                break
            kept.append(k)
            end = k + 1
        elif tag in ("VBG", "VBN"):
            premodifies = following in (*_NOUN, "JJ") and (end == i)
            if not premodifies or (tag == "VBG" and i == k and not _starts_phrase(tokens, i)):
                break
            kept.append(k)
        elif tag in _DESCRIBES and (end == i or following in _NOUN):
            kept.append(k)
        elif tag in ("CC", ",") and kept and end == i and following in ("JJ", "VBN", "CC", *_NOUN):
            if following == "CC" or _adjectives_to_noun(tokens, k + 1):
                k += 1
                continue
            break
        elif tag == "RB" and following in ("JJ", "VBN") and end == i:
            pass
        else:
            break
        k += 1
    if end == i and kept and _is_headless(tokens, kept[-1]):
        end = kept[-1] + 1
    return [k for k in kept if k < end], end


def _is_headless(tokens: Sequence[Token], k: int) -> bool:
    """Whether an adjective can be the head because a noun of that form exists ("the orange")."""
    if k == 0 or tokens[k].text in COLOURS or tokens[k].tag != "JJ":
        return False
    if tokens[k - 1].tag not in ("DT", "PRP$", "IN", "JJ", "CD", "VBG"):
        return False
    return wordnet.lexname(tokens[k].text) in _THINGS


def _starts_phrase(tokens: Sequence[Token], i: int) -> bool:
    return i == 0 or tokens[i - 1].tag in ("DT", "PRP$", "JJ", "CD", "IN", "POS")


def _adjectives_to_noun(tokens: Sequence[Token], k: int) -> bool:
    """Whether from `k` on adjectives lead straight to a noun: "red and BLUE CUP"."""
    while k < len(tokens) and tokens[k].tag in ("JJ", "VBN", "CC", ",", "RB"):
        k += 1
    return k < len(tokens) and tokens[k].tag in _NOUN and tokens[k - 1].tag in ("JJ", "VBN")


def _is_verb_here(tokens: Sequence[Token], k: int) -> bool:
    """Whether a word the tagger calls a noun is the verb of "boy PLAYS with", "man SURFS in"."""
    word = tokens[k].text
    if k + 1 >= len(tokens) or tokens[k - 1].tag == "NNS" or not word.endswith("s") or word.endswith("ss"):
        return False
    following = tokens[k + 1]
    if following.tag not in ("IN", "DT", "PRP$", "RP") or following.text in ("of", "with"):
        return False
    return wordnet.lexname(word, "v") in _ACTIONS and wordnet.lexname(word) not in _THINGS


def _name_start(tokens: Sequence[Token], i: int, end: int, modifiers: list[int]) -> int | None:
    """Where the name begins: the last noun and the nouns before it that belong to the name."""
    start = end - 1
    if start not in modifiers:
        return None
    while start - 1 >= i and start - 1 in modifiers and tokens[start - 1].tag in _NOUN:
        before = tokens[start - 1].text
        if before in MATERIALS and not wordnet.is_known(f"{before} {tokens[start].text}"):
            break
        start -= 1
    if start - 1 in modifiers and tokens[start - 1].tag in ("JJ", "VBG") and end - start == 1:
        pair = f"{tokens[start - 1].text} {tokens[start].text}"
        if (
            tokens[start - 1].text not in COLOURS | NEVER_NAMES
            and wordnet.is_known(pair)
            and wordnet.is_physical(pair)
        ):
            start -= 1
    return start


def _part_of(tokens: Sequence[Token], start: int, end: int) -> int | None:
    """Where the part begins in "tree branches", None for a name of one thing."""
    if end - start != 2:
        return None
    whole, part = tokens[start].text, noun_lemma(tokens[start + 1].text)
    if wordnet.is_known(f"{whole} {part}") or wordnet.lexname(whole) == "noun.act":
        return None
    is_part = part in PARTS or wordnet.lexname(part) == "noun.body"
    return start + 1 if is_part and wordnet.is_physical(whole) else None


def _attributes(tokens: Sequence[Token], positions: list[int]) -> list[Words]:
    attributes: list[Words] = []
    for k in positions:
        text = tokens[k].text
        last = attributes[-1] if attributes else None
        if last and last.text in SHADES and text in COLOURS and last.end == k:
            attributes[-1] = Words(f"{last.text} {text}", last.start, k + 1)
        elif text not in (
            "several",
            "many",
            "few",
            "multiple",
            "other",
            "various",
            "more",
            "own",
            "right",
            "numerous",
        ):
            attributes.append(Words(text, k, k + 1))
    return attributes


def _mention(
    tokens: Sequence[Token], start: int, end: int, attributes: list[Words], count: int | None, definite: bool
) -> Mention:
    name = " ".join(token.text for token in tokens[start:end])
    return Mention(PEOPLE.get(name, name), start, end, attributes, count, definite)
