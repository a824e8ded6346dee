"""From the readings of single clauses to one scene.

What is not there goes, pronouns and "the table" find what they point at, and heads that name no
thing ("a sense of calm") go. Everything is linear in the length of the caption.
"""

from __future__ import annotations

from collections.abc import Sequence

from ser_ros.graph import wordnet
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import (
    COLOURS,
    EMPTY_HEADS,
    FEMALE,
    HIS,
    ITS,
    MALE,
    NOT_NAMES,
    OPPOSITES,
    PARTS,
    POINTERS,
    PRONOUN_NAMES,
    SIZES,
    STAND_INS,
)
from ser_ros.graph.negation import phrase_start, texts_before, without_absent
from ser_ros.graph.reading import Link, Mention, Reading
from ser_ros.graph.tokens import Token

_ALIVE = ("noun.animal", "noun.person")
_KINDS = {"animal": "noun.animal", "person": "noun.person"}  # "the animal" is the cat named before
LOOK_BACK = 40  # things before a pronoun or "the X" that are searched for what it points at


def join(readings: Sequence[Reading]) -> Reading:
    """All sentences as one reading over all their tokens."""
    whole = Reading([])
    tokens: list[Token] = []
    for number, reading in enumerate(readings):
        words, things = len(tokens), len(whole.mentions)
        tokens += reading.tokens
        for mention in reading.mentions:
            mention.sentence = number
            mention.start += words
            mention.end += words
            for attribute in mention.attributes:
                attribute.start += words
                attribute.end += words
        whole.mentions += reading.mentions
        whole.links += [
            Link(
                x.subject + things,
                x.predicate,
                x.object + things,
                x.start + words,
                x.end + words,
                x.confidence,
            )
            for x in reading.links
        ]
    whole.tokens = tokens
    return whole


def resolve(reading: Reading) -> Reading:
    """One scene: absent and empty things dropped, pronouns and repeated things merged."""
    reading = without_absent(reading)
    _order(reading)
    for mention in reading.mentions:
        if mention.count is None and texts_before(mention, reading.tokens)[-2:] == ["couple", "of"]:
            mention.count = 2
    _point_back(reading)
    same = _antecedents(reading)
    _add_owners(reading, same)
    reading = _merge(reading, same)
    for mention in reading.mentions:
        mention.name = PRONOUN_NAMES.get(mention.name, mention.name)
    return reading.keep([not _empty(mention) for mention in reading.mentions])


def _head(mention: Mention) -> str:
    return noun_lemma(mention.name).rpartition(" ")[2]


def _empty(mention: Mention) -> bool:
    if mention.name in NOT_NAMES or not any(c.isalpha() for c in mention.name):
        return True
    if wordnet.lexname(_head(mention)) == "noun.feeling":
        return True
    return _head(mention) in EMPTY_HEADS and not (" " in mention.name and wordnet.is_known(mention.name))


def _order(reading: Reading) -> None:
    """Mentions by position, so that "before" means before."""
    order = sorted(range(len(reading.mentions)), key=lambda i: reading.mentions[i].start)
    number = {old: new for new, old in enumerate(order)}
    reading.mentions[:] = [reading.mentions[i] for i in order]
    for link in reading.links:
        link.subject, link.object = number[link.subject], number[link.object]


def _antecedents(reading: Reading) -> list[int]:
    """For each mention the earlier mention that is the same thing, or itself."""
    mentions = reading.mentions
    same = list(range(len(mentions)))
    linked = {pair for x in reading.links for pair in ((x.subject, x.object), (x.object, x.subject))}
    for i, mention in enumerate(mentions):
        text = " ".join(token.text for token in reading.tokens[mention.start : mention.end])
        before = _before(mentions, i)
        if text == "which":
            before.sort(reverse=True)
        found = None
        if text in POINTERS:
            found = next(
                (j for j in before if (i, j) not in linked and _can_be(text, mentions[j], reading)), None
            )
        elif mention.name in STAND_INS:
            named = [j for j in before if mentions[j].name not in STAND_INS]
            several = [j for j in named if _is_plural(mentions[j], reading)]
            if named:
                mention.name = noun_lemma(mentions[(several or named)[0]].name)
        elif mention.definite:
            for is_same in (_same, _same_kind):
                found = next((j for j in before if is_same(mention, mentions[j])), None)
                if found is not None:
                    break
        if found is not None:
            same[i] = same[found]
    return same


def _before(mentions: Sequence[Mention], i: int) -> list[int]:
    """What mention `i` may point at, the likeliest first.

    Its own sentence from the nearest back, then earlier sentences from their subject on.
    """
    near = range(max(0, i - LOOK_BACK), i)
    own = [j for j in reversed(near) if mentions[j].sentence == mentions[i].sentence]
    earlier = [j for j in near if mentions[j].sentence != mentions[i].sentence]
    return own + sorted(earlier, key=lambda j: (-mentions[j].sentence, j))


def _can_be(pronoun: str, mention: Mention, reading: Reading) -> bool:
    """Whether a pronoun can stand for an earlier thing: people for he, several for they."""
    text = reading.tokens[mention.end - 1].text
    if text in POINTERS or _empty(mention):
        return False
    if pronoun in ("whose", "which"):
        return True
    plural = _is_plural(mention, reading)
    if pronoun in HIS:
        other_sex = text in (MALE if pronoun.startswith(("she", "her")) else FEMALE)
        return _is_alive(mention) and not plural and not other_sex
    if pronoun in ITS:
        return wordnet.lexname(mention.name) != "noun.person" and mention.name != "person" and not plural
    return plural


def _is_alive(mention: Mention) -> bool:
    return mention.name == "person" or wordnet.lexname(mention.name) in _ALIVE


def _is_plural(mention: Mention, reading: Reading) -> bool:
    word = reading.tokens[mention.end - 1].text
    return (mention.count or 0) > 1 or noun_lemma(word) != word or word == "people"


def _same(mention: Mention, earlier: Mention) -> bool:
    """Whether "the X" can be an X named before: nothing said of the two disagrees."""
    return mention.name == earlier.name and _agree(mention, earlier)


def _same_kind(mention: Mention, earlier: Mention) -> bool:
    """Whether "the bed" can be a double bed, or "the animal" a dog, that was named before."""
    name, other = noun_lemma(mention.name), noun_lemma(earlier.name)
    if (name == mention.name) != (other == earlier.name) or not _agree(mention, earlier):
        return False
    if other.endswith(f" {name}"):
        return True
    return name in _KINDS and wordnet.lexname(other) == _KINDS[name]


def _agree(mention: Mention, earlier: Mention) -> bool:
    """Whether no count, colour, size or state said of the one speaks against the other."""
    if (mention.count or earlier.count) != earlier.count:
        return False
    said = {a.text for a in earlier.attributes}
    for attribute in mention.attributes:
        for rivals in (COLOURS, SIZES, *OPPOSITES):
            if attribute.text in rivals and not said.isdisjoint(rivals) and attribute.text not in said:
                return False
    return True


def _point_back(reading: Reading) -> None:
    """ "a nightstand with a lamp on IT": what stands on the pronoun stands on what it points at."""
    starts = {mention.start for mention in reading.mentions}
    hosts: dict[int, list[int]] = {}  # thing -> what it is said to be with
    for link in reading.links:
        if link.predicate == "with":
            hosts.setdefault(link.object, []).append(link.subject)
    for link in reading.links:
        if link.end < len(reading.tokens) and link.end not in starts:
            pronoun = reading.tokens[link.end].text
            if pronoun in ("it", "them"):
                before = _before(reading.mentions, link.subject)
                # "a table with flowers and books on it": a book lies on the table the flowers are with
                first = [
                    host for j in [link.subject, *before[:2]] for host in hosts.get(j, ()) if host in before
                ]
                order = [*first, *before]
                found = [j for j in order if _can_be(pronoun, reading.mentions[j], reading)]
                link.object = found[0] if found else link.object


def _add_owners(reading: Reading, same: Sequence[int]) -> None:
    """ "Its wings": the wings belong to what the word before them points at."""
    owned = {link.object for link in reading.links if link.predicate == "have"}
    linked = {frozenset((link.subject, link.object)) for link in reading.links}
    for i, mention in enumerate(reading.mentions):
        word = (texts_before(mention, reading.tokens) or [""])[-1]
        if i in owned or word not in (*HIS, *ITS, "their", "whose"):
            continue
        owners = [j for j in _before(reading.mentions, i) if _can_be(word, reading.mentions[j], reading)]
        head = _head(mention)
        if wordnet.lexname(head) == "noun.body":  # a cat has eyes before a table has
            owners.sort(key=lambda j: not _is_alive(reading.mentions[j]))
        owner = owners[0] if owners else None
        part = wordnet.lexname(head) in ("noun.body", "noun.animal", "noun.plant") or head in PARTS
        if owner is not None and part and frozenset((same[owner], i)) not in linked:
            first = phrase_start(mention)
            reading.link(same[owner], "have", i, first - 1, first)


def _merge(reading: Reading, same: Sequence[int]) -> Reading:
    """With every mention put into the one it is the same as."""
    for i, first in enumerate(same):
        if i != first:
            mention, into = reading.mentions[i], reading.mentions[first]
            into.attributes += mention.attributes
            into.count = into.count or mention.count
    merged = Reading(reading.tokens, reading.mentions)
    longer = {(x.subject, x.object, x.predicate.split()[0]) for x in reading.links if " " in x.predicate}
    for x in reading.links:
        if (x.subject, x.object, x.predicate) in longer:
            continue  # "ride down the street" is not "ride the street"
        names = {noun_lemma(reading.mentions[end].name) for end in (x.subject, x.object)}
        if x.predicate == "have" and len(names) == 1:
            continue  # "two of which" are no parts of them
        merged.link(same[x.subject], x.predicate, same[x.object], x.start, x.end, x.confidence)
    return merged.keep([i == first for i, first in enumerate(same)])
