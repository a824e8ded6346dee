"""Words become a question: "what is on the kitchen table" asks for contents, place "on", thing "table"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ser_ros.errors import UserError
from ser_ros.graph import wordnet
from ser_ros.graph.memory.frames import CHANGES, FRAMES, either, plainly, without_order
from ser_ros.graph.memory.question import ANYTHING, Description, Kind, Question
from ser_ros.graph.memory.spoken_time import Period, read_period
from ser_ros.graph.memory.vocabulary import (
    COLOURS,
    MATERIALS,
    PICKS,
    ROOMS,
    SIZES,
    STATES,
    location,
    location_phrases,
    normal,
    room_name,
)
from ser_ros.graph.triples import SceneTriples

_LOCATION = re.compile(r"\b(" + "|".join(map(re.escape, location_phrases())) + r")\b")
_FILLER = re.compile(
    r"\b(?:the|a|an|any|some|nearest|closest|my|our|your|this|that|these|those|which|who|please|all|exactly|currently|now|there|"
    r"is|are|was|were|am|be|been|do|does|you|we|i|it|he|she|they|them|him|her|have|has|had|did|seen|see|saw|remember|know|"
    r"last|where|when|what|how|many|much|no|still|yet|already|really|both|each)\b"
)
_POSTURE = re.compile(
    r"\b(?:standing|sitting|lying|laying|hanging|placed|located|leaning|resting|parked|kept|left|remaining)$"
)
_THING = frozenset(
    ("thing", "things", "anything", "something", "everything", "object", "objects", "stuff", "one", "ones")
)
_ANYTHING = _THING | {""}
_SEVERAL = re.compile(
    r"(?:where|which \w+|(?:in )?which rooms?) (?:are|were)\b|(?:find|list|show)(?: me)? (?:all|both|every)\b"
)
_ANYONE = re.compile(r"\b(?:anyone|anybody|someone|somebody)\b")
_LOOKS = COLOURS | MATERIALS | SIZES.keys() | STATES.keys()
_PERSON = Description("person", "person")
_PART_OF_ROOM = re.compile(
    r"\bof (?=(?:the |my |our )?(?:" + "|".join(sorted(ROOMS, key=len, reverse=True)) + r")\b)"
)
_NEGATION = re.compile(r"\b(?:not|without|except|never|neither|nor|\w+n't|nobody|nothing)\b")
_MOST_CHARACTERS = 300
_ONE_AND_OTHER = re.compile(r"\b(?:and|or)\b")
_SWITCHED = re.compile(r" (on|off)$")
_CLAUSE = re.compile(r"(?P<thing>.+) (?:that|which|who) (?:is|are|was|were) (?P<look>[\w-]+)")
_TWO_QUESTIONS = re.compile(
    r"\w\W*\?.*\w|\w\W+and (?:who|what|where|when|which|how)\b", re.DOTALL | re.IGNORECASE
)
# What is left of a time that was not understood: never answered as if nothing had been said.
_UNCLEAR_TIME = re.compile(
    r"\b(?:since|before|after|until|till|during|while|(?<!long )ago|o'clock|the other day|\d+ ?[ap]\.?m)"
    r"(?=$|[ .])"
    r"|\b(?:at|around) (?:lunch|breakfast|dinner|supper)(?: ?time)?\b"
)
_SIDE = re.compile(
    r"\b(?:on|to|at|from) (?:the|my|your)(?: far| very)? (?P<side>left|right)(?:[ -]hand)?(?: side)?"
    r"(?=$| (?:in|at|near|by|is|are|was|were|open|closed|shut)\b)"
)


def understand(text: str, now_ns: int, timezone: str, parse: Callable[[str], SceneTriples]) -> Question:
    """Read a question.

    Args:
        now_ns: the time of asking, for "an hour ago" and "since 10:30".
        timezone: zone of clock times, "" is the machine's.
        parse: reads a noun phrase as a caption; `ser_ros.graph.parser.parse`.
    Raises:
        UserError: nothing in it can be looked up, or its time is none.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UserError(f"the question has {len(text):,} characters; ask in a sentence of {_MOST_CHARACTERS}")
    if _TWO_QUESTIONS.search(text):
        raise UserError(f"{text!r} asks two things; ask for one at a time")
    words = " ".join(
        re.sub(r"[^\w\s:'.+-]", " ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).split()
    ).rstrip(" .?!")
    words = either(_PART_OF_ROOM.sub("in ", plainly(words)))
    if (negation := _NEGATION.search(words)) is not None:
        raise UserError(f"{negation[0]!r} cannot be looked up; ask for what is there")
    words, period = read_period(words, now_ns, timezone)
    words, order = without_order(words)
    if _UNCLEAR_TIME.search(words.removeprefix("since when")):
        raise UserError(
            f"the time in {text!r} is not clear; say it as in 'since 10:30' or 'in the last hour'"
        )
    words = _ANYONE.sub("person", words)
    side = _SIDE.search(words)
    if side is not None:
        words = " ".join((words[: side.start()] + " " + words[side.end() :]).split())
    question = Question(
        text,
        first=order == "first",
        former=order == "former",
        since_ns=period.since_ns,
        until_ns=period.until_ns,
        moment=period.moment,
    )
    if not words and period != Period():
        return replace(question, kind=Kind.CHANGES)
    found = _read(words, question, parse)
    if side is not None and (found is None or found.thing is None):
        raise UserError(f"I do not keep what was on the {side['side']} of a picture; ask for a thing")
    if found is None:
        raise UserError(
            f"the question {text!r} names nothing to look for; ask for a thing, a room or what changed"
        )
    if side is not None and found.thing is not None:
        found = replace(found, thing=replace(found.thing, pick=side["side"]))
    return found


def _read(words: str, question: Question, parse: Callable[[str], SceneTriples]) -> Question | None:
    """The question as the first form says that fits; None where nothing is named."""
    for kind, pattern in FRAMES:
        match = pattern.fullmatch(words)
        if match is None:
            continue
        told, rest = match.groupdict(), match["rest"].strip()
        asked = replace(question, kind=kind, several=_SEVERAL.match(words) is not None)
        if kind is Kind.ROOMS:
            room = room_name(_plain(rest)) if rest else ""
            if room is None:
                continue
            return replace(asked, room=room)
        if kind is Kind.CONTENTS and not rest:
            return asked
        if told.get("change"):
            asked = replace(
                asked, change=CHANGES.get(told["change"], "moved" if " " in told["change"] else "")
            )
        if told.get("bears"):
            bearer = describe(rest, parse)
            if bearer is not None:
                return replace(asked, location="of", anchor=bearer)
            continue
        if told.get("since_when"):
            asked, rest = replace(asked, since_when=True), f"{rest} {told['state']}"
        asked = replace(asked, first=asked.first or bool(told.get("first")))
        found = _fill(asked, rest, parse)
        if found is None and words.startswith("who"):
            found = replace(question, thing=_PERSON)
        if found is not None:
            who = words.startswith("who") and found.thing is None
            return replace(found, thing=_PERSON, kind=Kind.FIND) if who else found
    return None


def _fill(question: Question, rest: str, parse: Callable[[str], SceneTriples]) -> Question | None:
    """The question with the things that `rest` names; None when the frame does not fit."""
    pieces = _split(rest)
    thing_words = pieces[0][1]
    if question.kind is Kind.STATE:
        return _state(question, thing_words, pieces, parse)
    thing = describe(thing_words, parse)
    if question.kind is Kind.CONTENTS and thing is not None and len(pieces) == 1:
        return None
    for place, words in pieces[1:]:
        room = room_name(_plain(words))
        if room is not None:
            question = replace(question, room=room)
        elif (anchor := describe(words, parse)) is not None and question.anchor is None:
            if place == "has" and wordnet.is_a(anchor.head, "clothing", most_senses=1):
                place = "in"  # "a person with a hat", as one says "in a hat"
            question = replace(question, location=place, anchor=anchor)
    if thing is not None and room_name(thing.label) is not None and question.anchor is None:
        question, thing = replace(question, room=room_name(thing.label) or "", kind=Kind.CONTENTS), None
    if question.kind is Kind.CONTENTS and thing is not None:
        question = replace(question, kind=Kind.FIND)
    counts_all = question.kind is Kind.COUNT and not _THING.isdisjoint(thing_words.split())
    if thing is None and question.kind is not Kind.CHANGES and not counts_all:
        if not (question.anchor or question.room):
            return None
        question = replace(question, kind=Kind.CONTENTS)
    return replace(question, thing=thing)


def _state(
    question: Question, words: str, pieces: list[tuple[str, str]], parse: Callable[[str], SceneTriples]
) -> Question | None:
    """ "is the door open", "is the red chair in the kitchen"."""
    if len(pieces) > 1:
        return _fill(
            replace(question, kind=Kind.FIND), " ".join(f"{a} {b}" for a, b in _raw(pieces)).strip(), parse
        )
    phrase, _, last = words.rpartition(" ")
    if normal(last) in _LOOKS - STATES.keys() and (thing := describe(phrase, parse)) is not None:
        looks = thing.attributes | {normal(last)}  # "is the cat black"
        return replace(question, kind=Kind.FIND, thing=replace(thing, attributes=looks))
    # "is the lamp on": a state that is also a preposition stands at the end and is no piece.
    thing = describe(phrase, parse) if normal(last) in STATES else None
    if thing is None:
        return None
    return replace(question, thing=replace(thing, attributes=thing.attributes | {normal(last)}))


def _raw(pieces: list[tuple[str, str]]) -> list[tuple[str, str]]:
    names = {"front": "in front of", "left": "left of", "right": "right of"}
    return [(names.get(place, place), words) for place, words in pieces]


def _split(text: str) -> list[tuple[str, str]]:
    """ "chairs near the window" -> [("", "chairs"), ("near", "the window")]."""
    pieces: list[tuple[str, str]] = []
    place, at = "", 0
    for match in _LOCATION.finditer(text):
        if match.end() == len(text) or match.start() < at:
            continue
        pieces.append((place, text[at : match.start()].strip()))
        place, at = location(match[1]) or "", match.end()
    pieces.append((place, text[at:].strip()))
    return pieces


def _plain(words: str) -> str:
    return " ".join(_FILLER.sub(" ", words).split())


def describe(words: str, parse: Callable[[str], SceneTriples]) -> Description | None:
    """The thing that a noun phrase names; None when it names none.

    Raises:
        UserError: the phrase names two things.
    """
    clause = _CLAUSE.fullmatch(words.strip())
    if clause is not None and normal(clause["look"]) in _LOOKS:
        words = f"{clause['look']} {clause['thing']}"
    phrase = _POSTURE.sub("", _plain(words)).strip()
    if phrase in _ANYTHING | PICKS or (location(phrase) is not None and len(phrase.split()) == 1):
        return None
    looks = {normal(word) for word in phrase.split() if word not in _ANYTHING}
    if looks <= _LOOKS:  # "anything red"
        return Description(ANYTHING, ANYTHING, frozenset(looks))
    pick = next((word for word in phrase.split()[:-1] if word in PICKS and f"{word} aid" not in phrase), "")
    phrase = " ".join(word for word in phrase.split() if word != pick)
    phrase, switched = (
        (phrase[: on.start()], {on[1]}) if (on := _SWITCHED.search(phrase)) else (phrase, set())
    )
    said = parse(f"a {phrase}")
    if said.objects:
        thing = max(said.objects, key=lambda one: one.span.end)
        if (several := _ONE_AND_OTHER.search(phrase)) is not None and len(said.objects) > 1:
            raise UserError(f"{phrase!r} names two things; ask for one at a time, without {several[0]!r}")
        attributes = frozenset(normal(attribute.text) for attribute in thing.attributes) | switched
        label, head = thing.label, thing.head
        beside = [one.label for one in said.objects if one.span.end + 1 == thing.span.start]
        label = " ".join([*beside, label])  # "pallet jack", of which no caption told
    else:
        head = phrase.rsplit(" ", 1)[-1]
        label, attributes = phrase, frozenset()
    first, _, rest = label.partition(" ")
    for room in (" ".join(label.split()[:2]), first):
        rest = label[len(room) :].strip()
        if rest and (name := room_name(room)) is not None and room_name(label) is None:
            return Description(rest, head, attributes, name, pick)
    return Description(label, head, attributes, pick=pick)
