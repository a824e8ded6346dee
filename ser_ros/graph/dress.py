"""Who wears what: the network gives one the clothes of another now and then, or makes a thing of a colour."""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import wordnet
from ser_ros.graph.clause import is_animate
from ser_ros.graph.lemmas import is_plural_alone, noun_lemma, verb_lemma
from ser_ros.graph.lexicon import COLOURS, word_set
from ser_ros.graph.reading import Link, Mention, Reading, Words
from ser_ros.graph.tokens import Token

_DRESSED = frozenset(("dressed", "clad", "clothed"))
# Taken for nouns or adjectives by the tagger.
_NO_NOUN = frozenset(("next", "close"))
_ACTS = word_set("walk stand sit ride hold play run look talk wait work lie lean jump")
_SEVERAL = frozenset(("are", "were", "both"))


def dress(reading: Reading) -> None:
    """Mend who wears what."""
    _unwear(reading)
    _from_colours(reading)
    _each_his_own(reading)


def _unwear(reading: Reading) -> None:
    """ "A forklift and a worker wearing a vest": what somebody wears no forklift wears.

    Nor does anybody wear a person, or is in one: "two men in suits AND A WOMAN".
    """
    wearers: dict[int, set[int]] = {}
    for link in reading.links:
        if link.predicate == "wear" and _is_animate(reading, link.subject):
            wearers.setdefault(link.object, set()).add(link.subject)
    reading.links[:] = [
        link
        for link in reading.links
        if not _wears(link)
        or (
            (link.predicate != "wear" or link.subject in wearers.get(link.object, {link.subject}))
            and not (_is_listed(reading, link) and _is_animate(reading, link.object))
        )
    ]


def _from_colours(reading: Reading) -> None:
    """ "A woman in RED and a man": red clothes, worn by the person before "in", and no thing called red."""
    tokens = reading.tokens
    for k in range(1, len(tokens) - 1):
        if tokens[k].text not in ("in", "wearing", "wears"):
            continue
        end = _colours_end(tokens, k + 1)
        wearer = _wearer(reading, k)
        if end == k + 1 or wearer is None:
            continue
        person = reading.mentions[wearer]
        named = {i for i, mention in enumerate(reading.mentions) if k < mention.start < end}
        reading.links[:] = [
            link
            for link in reading.links
            if not {link.subject, link.object} & named
            and not (link.start == k and _wears(link) and not _is_clothing(reading, link.object))
        ]
        kept = reading.keep([i not in named for i in range(len(reading.mentions))])
        reading.mentions[:], reading.links[:] = kept.mentions, kept.links
        colours = [Words(tokens[i].text, i, i + 1) for i in range(k + 1, end) if tokens[i].text in COLOURS]
        reading.mentions.append(Mention("clothes", k + 1, end, colours))
        for mention in reading.mentions[:-1]:
            mention.attributes[:] = [one for one in mention.attributes if not k < one.start < end]
        last = len(reading.mentions) - 1
        reading.links.append(Link(reading.mentions.index(person), "wear", last, k, k + 1))


def _each_his_own(reading: Reading) -> None:
    """ "A woman and a man in A BLACK SUIT": one suit, worn by him who is named last before it."""
    worn: dict[tuple[int, int], list[Link]] = {}
    for link in reading.links:
        if _wears(link) and _is_animate(reading, link.subject):
            worn.setdefault((link.object, link.start), []).append(link)
    for (garment, start), links in worn.items():
        if len(links) < 2 or not _is_one(reading, garment, start):
            continue
        if any(token.text in _SEVERAL for token in reading.tokens[:start]):
            continue  # "a man and a woman are wearing a hat"
        last = max(links, key=lambda link: reading.mentions[link.subject].end)
        reading.links[:] = [link for link in reading.links if link not in links or link is last]


def _wears(link: Link) -> bool:
    return link.predicate in ("in", "wear") or link.predicate.endswith(" in")


def _is_clothing(reading: Reading, thing: int) -> bool:
    return wordnet.is_a(noun_lemma(reading.mentions[thing].name), "clothing", most_senses=1)


def _is_animate(reading: Reading, thing: int) -> bool:
    return is_animate(noun_lemma(reading.mentions[thing].name))


def _is_listed(reading: Reading, link: Link) -> bool:
    """Whether "and" or a comma stands between a predicate and its object: another thing, not what is worn."""
    between = reading.tokens[link.start : reading.mentions[link.object].start]
    return any(token.text in ("and", ",") for token in between)


def _is_one(reading: Reading, garment: int, start: int) -> bool:
    """Whether what is worn is one piece of clothing: "a black suit", not "suits", "jeans" or "a boat"."""
    mention, tokens = reading.mentions[garment], reading.tokens
    name = noun_lemma(mention.name)
    if name != mention.name or is_plural_alone(name) or not _is_clothing(reading, garment):
        return False
    return any(token.text in ("a", "an") for token in tokens[start + 1 : mention.start])


def _colours_end(tokens: Sequence[Token], i: int) -> int:
    """One past the colours at `i` that no noun follows: "red", "black and white"; `i` where none are."""
    end = i
    while end < len(tokens) and tokens[end].text in COLOURS:
        follows = [token.text for token in tokens[end + 1 : end + 3]]
        end += 2 if follows[:1] == ["and"] and follows[1:] and follows[1] in COLOURS else 1
    if end == len(tokens) or tokens[end].text in _NO_NOUN or verb_lemma(tokens[end].text) in _ACTS:
        return end
    return i if tokens[end].tag.startswith(("NN", "JJ", "CD")) else end


def _wearer(reading: Reading, k: int) -> int | None:
    """The person named just before the word `k`, or before "dressed" or "is" there."""
    at = k
    while at > 0 and reading.tokens[at - 1].text in _DRESSED | {"is", "are"}:
        at -= 1
    for i, mention in enumerate(reading.mentions):
        if mention.end == at and is_animate(noun_lemma(mention.name)):
            return i
    return None
