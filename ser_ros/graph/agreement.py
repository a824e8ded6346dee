"""Where the trained reader attaches what grammar forbids: after "of", and before a finite verb.

FACTUAL's captions are short, so the network has seen few sentences in which a list, a relative
clause or a second verb stands between a predicate and its subject. The rules know these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ser_ros.graph.dress import dress
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.lexicon import CONTAINERS
from ser_ros.graph.predicates import BE, SWITCHED
from ser_ros.graph.reading import Link, Reading, Words
from ser_ros.graph.tokens import Token

_FINITE = ("VBZ", "VBP", "VBD")
_NOUN = ("NN", "NNS", "NNP", "NNPS")
_MODIFIER = ("JJ", "JJR", "JJS", "RB", "VBN", "VBG", "CD", *_NOUN)


def corrected(reading: Reading, by_rules: Reading) -> Reading:
    """The network's reading of one sentence with such links mended; `by_rules` reads the same tokens."""
    links = [link for link in reading.links if not _is_of(reading.tokens, link) or _joins(reading, link)]
    subjects = _subjects(reading, by_rules)
    mended = Reading(reading.tokens, reading.mentions)
    for link in links:
        for subject in subjects.get(_verb(reading.tokens, link), [link.subject]):
            mended.link(subject, link.predicate, link.object, link.start, link.end, link.confidence)
    dress(mended)
    _to_whom_it_is_said(mended)
    _of_its_own_clause(mended)
    _switch(mended, by_rules)
    _bring_home(mended)
    for thing in range(len(mended.mentions)):
        _set_apart(mended, thing)
    return mended


def _to_whom_it_is_said(reading: Reading) -> None:
    """ "A door that is closed and a window that is OPEN": said of the thing before "that"."""
    tokens = reading.tokens
    ends = {mention.end: mention for mention in reading.mentions}
    for mention in reading.mentions:
        for attribute in list(mention.attributes):
            k = attribute.start - 2
            if k < 0 or tokens[k].text not in ("that", "which", "who") or tokens[k + 1].text not in BE:
                continue
            home = ends.get(k, mention)
            if home is not mention:
                mention.attributes.remove(attribute)
                home.attributes.append(attribute)


def _of_its_own_clause(reading: Reading) -> None:
    """ "The left door is open and the right door is CLOSED": said of the thing before its own "is"."""
    tokens = reading.tokens
    ends = {mention.end: mention for mention in reading.mentions}
    for mention in reading.mentions:
        for attribute in list(mention.attributes):
            k = attribute.start - 1
            home = ends.get(k, mention)
            if k < 0 or tokens[k].text not in BE or home is mention or mention.end > home.start:
                continue
            if any(token.text in BE for token in tokens[mention.end : home.start]):
                mention.attributes.remove(attribute)
                if all(own.start != attribute.start for own in home.attributes):
                    home.attributes.append(attribute)


def _switch(reading: Reading, by_rules: Reading) -> None:
    """ "The lamp is ON": FACTUAL holds few lamps that are on, and many that are on something."""
    number = {mention.end: mention for mention in reading.mentions}
    for mention in by_rules.mentions:
        known = number.get(mention.end)
        for attribute in mention.attributes:
            if known is not None and attribute.text in SWITCHED and attribute not in known.attributes:
                known.attributes.append(replace(attribute))


def _bring_home(reading: Reading) -> None:
    """ "a red chair, a blue table": an adjective before one thing's name says nothing of the things around.

    But of those that share it, as the tables in "red chairs and tables" and the hand in "yellow clock hand".
    """
    mentions, tokens = reading.mentions, reading.tokens
    starts = {mention.start: i for i, mention in enumerate(mentions)}
    for i, mention in enumerate(mentions):
        for attribute in list(mention.attributes):
            k = attribute.end
            while k < len(tokens) and k not in starts and tokens[k].tag in _MODIFIER:
                k += 1
            home = mentions[starts.get(k, i)]
            if home is mention or all(own.start != attribute.start for own in home.attributes):
                continue
            shared = all(token.tag in ("CC", ",", *_NOUN) for token in tokens[home.end : mention.start])
            if mention.end <= attribute.start or not shared:
                mention.attributes.remove(attribute)


def _set_apart(reading: Reading, thing: int) -> None:
    """ "A red AND A blue cup" are two things of one name and the same relations."""
    mention, tokens = reading.mentions[thing], reading.tokens
    first = min((a.start for a in mention.attributes), default=mention.start)
    cuts = [
        k
        for k in range(first, mention.start - 1)
        if tokens[k].text in ("and", "or", ",") and tokens[k + 1].text in ("a", "an", "the")
    ]
    said = {k for a in mention.attributes for k in range(a.start, a.end)} | {
        k for cut in cuts for k in (cut, cut + 1)
    }
    if any(k not in said and tokens[k].tag != "RB" for k in range(first, mention.start)):
        return  # "a white desk, a black monitor": there is another thing between
    groups: list[list[Words]] = [[] for _ in range(len(cuts) + 1)]
    for attribute in mention.attributes:
        groups[sum(cut < attribute.start for cut in cuts)].append(attribute)
    if not cuts or not all(groups):
        return
    mention.attributes = groups[0]
    for group in groups[1:]:
        reading.mentions.append(replace(mention, attributes=group, definite=False))
        other = len(reading.mentions) - 1
        for link in list(reading.links):
            if thing in (link.subject, link.object):
                subject, object = (other if end == thing else end for end in (link.subject, link.object))
                reading.link(subject, link.predicate, object, link.start, link.end, link.confidence)


def _is_of(tokens: Sequence[Token], link: Link) -> bool:
    return link.start < link.end and tokens[link.start].text == "of"


def _joins(reading: Reading, link: Link) -> bool:
    """Whether an "of" link joins the thing before "of" with one that belongs after it.

    "a cup of tea AND A PLATE": the plate is another thing; "cookies have a plate" is turned around.
    """
    of, mentions = link.start, reading.mentions
    left = (
        max((m.end, i) for i, m in enumerate(mentions) if m.end <= of)[1] if _any_before(reading, of) else -1
    )
    others = {link.subject, link.object} - {left}
    if len(others) != 1:
        return False
    (other,) = others
    if link.predicate == "have" and link.object == left and _is_container(reading, left):
        link.subject, link.object = left, other
    between = reading.tokens[of : mentions[other].start]
    return not any(
        token.text in ("and", ",", "or") and after.tag in ("DT", "CD", "PRP$")
        for token, after in zip(between, reading.tokens[of + 1 : mentions[other].start + 1], strict=False)
    )


def _any_before(reading: Reading, place: int) -> bool:
    return any(mention.end <= place for mention in reading.mentions)


def _is_container(reading: Reading, thing: int) -> bool:
    return noun_lemma(reading.mentions[thing].name).rpartition(" ")[2] in CONTAINERS


def _verb(tokens: Sequence[Token], link: Link) -> int | None:
    """The finite verb that begins a link's words or stands before them, or the participle after "is"."""
    if link.start >= link.end:
        return None
    if tokens[link.start].tag in _FINITE and tokens[link.start].text not in BE:
        return link.start
    if link.start and tokens[link.start].tag in ("IN", "TO") and tokens[link.start - 1].tag in _FINITE:
        return link.start - 1 if tokens[link.start - 1].text not in BE else None
    if link.start and tokens[link.start].tag == "VBG" and tokens[link.start - 1].text in BE:
        return link.start
    return None


def _subjects(reading: Reading, by_rules: Reading) -> dict[int | None, list[int]]:
    """For each finite verb the rules know the subjects of: these things, by the network's numbers."""
    number = {mention.end: i for i, mention in enumerate(reading.mentions)}
    found: dict[int | None, list[int]] = {}
    for link in by_rules.links:
        verb = _verb(by_rules.tokens, link)
        subject = number.get(by_rules.mentions[link.subject].end)
        if verb is not None and subject is not None and by_rules.mentions[link.subject].end <= verb:
            found.setdefault(verb, [])
            if subject not in found[verb]:
                found[verb].append(subject)
    return found
