"""From the readings of single sentences to one scene.

Openings ("The image shows") are cut before reading. Afterwards the sentences are put together:
what is not there goes, pronouns and "the table" find what they point at, and heads that name no
thing ("a sense of calm") go. Everything is linear in the length of the caption.
"""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma, verb_lemma
from ser_ros.graph.lexicon import (
    COLOURS,
    EMPTY_HEADS,
    HIS,
    ITS,
    PARTS,
    PICTURES,
    PLACES,
    POINTERS,
    SHOWS,
    SIZES,
)
from ser_ros.graph.reading import Link, Mention, Reading
from ser_ros.graph.tokens import Token

LOOK_BACK = 40  # things before a pronoun or "the X" that are searched for what it points at


def without_opening(tokens: Sequence[Token]) -> Sequence[Token]:
    """The sentence after words that only say that there is an image."""
    i = 0
    texts = [token.text for token in tokens[:12]]
    if texts[:1] == ["in"] or texts[:1] == ["overall"]:
        i = 1
    k = i
    while k < len(texts) and tokens[k].tag in ("DT", "JJ", "VBN", "PRP$"):
        k += 1
    if k < len(texts) and texts[k] in PICTURES:
        k += 1
        while k < len(texts) and (
            texts[k] in (",", "we", "you", "can", "see", "there", "that", "which", "prominently", "a", "view")
            or verb_lemma(texts[k]) in SHOWS
        ):
            if texts[k] in ("is", "are") and texts[k - 1] != "there" and texts[:1] != ["in"]:
                return tokens  # "the image is blurry" is about the image; it has no thing
            k += 1
        if k < len(tokens) and (texts[:1] == ["in"] or k > 1):
            return tokens[k:]
    return tokens


def join(readings: Sequence[Reading]) -> Reading:
    """All sentences as one reading over all their tokens."""
    whole = Reading([])
    tokens: list[Token] = []
    for reading in readings:
        words, things = len(tokens), len(whole.mentions)
        tokens += reading.tokens
        for mention in reading.mentions:
            mention.start += words
            mention.end += words
            for attribute in mention.attributes:
                attribute.start += words
                attribute.end += words
        whole.mentions += reading.mentions
        whole.links += [
            Link(x.subject + things, x.predicate, x.object + things, x.start + words, x.end + words, x.confidence)
            for x in reading.links
        ]
    whole.tokens = tokens
    return whole


def resolve(reading: Reading) -> Reading:
    """One scene: absent and empty things dropped, pronouns and repeated things merged."""
    reading = _keep(reading, [not _absent(m, reading.tokens) for m in reading.mentions])
    _order(reading)
    same = _antecedents(reading)
    _add_owners(reading, same)
    reading = _merge(reading, same)
    placed = {link.object for link in reading.links if link.predicate != "have"}
    return _keep(
        reading,
        [not _empty(m) or (i in placed and _head(m) in PLACES) for i, m in enumerate(reading.mentions)],
    )


def _head(mention: Mention) -> str:
    return noun_lemma(mention.name).rpartition(" ")[2]


def _empty(mention: Mention) -> bool:
    return " " not in mention.name and (mention.name in EMPTY_HEADS or _head(mention) in EMPTY_HEADS)


def _absent(mention: Mention, tokens: Sequence[Token]) -> bool:
    """Whether the words before the name say that it is not there: "without a lid", "no cars"."""
    first = min([mention.start, *(a.start for a in mention.attributes if a.start < mention.start)])
    before = [token.text for token in tokens[max(0, first - 2) : first]]
    if before and before[-1] in ("a", "an", "any", "the", "visible"):
        before.pop()
    return bool(before) and before[-1] in ("without", "no")


def _order(reading: Reading) -> None:
    """Mentions by position, so that "before" means before."""
    order = sorted(range(len(reading.mentions)), key=lambda i: reading.mentions[i].start)
    number = {old: new for new, old in enumerate(order)}
    reading.mentions[:] = [reading.mentions[i] for i in order]
    for link in reading.links:
        link.subject, link.object = number[link.subject], number[link.object]


def _antecedents(reading: Reading) -> list[int]:
    """For each mention the earlier mention that is the same thing, or itself."""
    same = list(range(len(reading.mentions)))
    for i, mention in enumerate(reading.mentions):
        text = " ".join(token.text for token in reading.tokens[mention.start : mention.end])
        before = range(i - 1, max(-1, i - 1 - LOOK_BACK), -1)
        if text in POINTERS:
            found = next((j for j in before if _can_be(text, reading.mentions[j], reading)), None)
            if found is not None:
                same[i] = same[found]
        elif text in ("one", "other", "another", "others"):
            found = next((j for j in before if reading.mentions[j].name not in ("one", "other")), None)
            if found is not None:
                mention.name = noun_lemma(reading.mentions[found].name)
        elif mention.definite:
            found = next((j for j in before if _same(mention, reading.mentions[j])), None)
            if found is not None:
                same[i] = same[found]
    return same


def _can_be(pronoun: str, mention: Mention, reading: Reading) -> bool:
    """Whether a pronoun can stand for an earlier thing: people for he, several for they."""
    text = reading.tokens[mention.end - 1].text
    if text in POINTERS or _empty(mention):
        return False
    kind = wordnet.lexname(mention.name)
    plural = (mention.count or 0) > 1 or noun_lemma(text) != text or text == "people"
    if pronoun in HIS:
        return kind in ("noun.person", "noun.animal") and not plural and text != {"he": "woman", "she": "man"}.get(pronoun)
    if pronoun in ITS:
        return kind != "noun.person" and not plural
    return plural


def _same(mention: Mention, earlier: Mention) -> bool:
    """Whether "the X" can be an X named before: nothing said of the two disagrees."""
    if noun_lemma(mention.name) != noun_lemma(earlier.name):
        return False
    if (mention.count or earlier.count) != earlier.count or (mention.name != earlier.name):
        return False
    said = {a.text for a in earlier.attributes}
    for attribute in mention.attributes:
        for rivals in (COLOURS, SIZES):
            if attribute.text in rivals and not said.isdisjoint(rivals) and attribute.text not in said:
                return False
    return True


def _add_owners(reading: Reading, same: Sequence[int]) -> None:
    """"Its wings": the wings belong to what the word before them points at."""
    owned = {link.object for link in reading.links if link.predicate == "have"}
    linked = {frozenset((link.subject, link.object)) for link in reading.links}
    for i, mention in enumerate(reading.mentions):
        first = min([mention.start, *(a.start for a in mention.attributes if a.start < mention.start)])
        word = reading.tokens[first - 1].text if first else ""
        if i in owned or word not in (*HIS, *ITS, "their"):
            continue
        before = range(i - 1, max(-1, i - 1 - LOOK_BACK), -1)
        owner = next((j for j in before if _can_be(word, reading.mentions[j], reading)), None)
        head = _head(mention)
        part = wordnet.lexname(head) in ("noun.body", "noun.animal", "noun.plant") or head in PARTS
        if owner is not None and part and frozenset((same[owner], i)) not in linked:
            reading.link(same[owner], "have", i, first - 1, first)


def _merge(reading: Reading, same: Sequence[int]) -> Reading:
    """With every mention put into the one it is the same as."""
    for i, first in enumerate(same):
        if i != first:
            mention, into = reading.mentions[i], reading.mentions[first]
            into.attributes += mention.attributes
            into.count = into.count or mention.count
    merged = Reading(reading.tokens, reading.mentions)
    for x in reading.links:
        merged.link(same[x.subject], x.predicate, same[x.object], x.start, x.end, x.confidence)
    return _keep(merged, [i == first for i, first in enumerate(same)])


def _keep(reading: Reading, kept: Sequence[bool]) -> Reading:
    """Without the mentions that are not kept, and without their links."""
    number = {old: new for new, old in enumerate(i for i, keep in enumerate(kept) if keep)}
    links = [
        Link(number[x.subject], x.predicate, number[x.object], x.start, x.end, x.confidence)
        for x in reading.links
        if x.subject in number and x.object in number
    ]
    return Reading(reading.tokens, [m for m, keep in zip(reading.mentions, kept, strict=True) if keep], links)
