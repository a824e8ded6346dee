"""Words become a question: "what is on the kitchen table" asks for contents, place "on", thing "table"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ser_ros.errors import UserError
from ser_ros.graph import wordnet
from ser_ros.graph.memory.question import ANYTHING, Description, Kind, Question
from ser_ros.graph.memory.spoken_time import Period, read_period
from ser_ros.graph.memory.vocabulary import (
    COLOURS,
    MATERIALS,
    ROOMS,
    SIZES,
    STATES,
    location,
    location_phrases,
    normal,
    room_name,
)
from ser_ros.graph.triples import SceneTriples

_CHANGED = "changed?|new|different|gone|missing|happened|moved?|disappear(?:ed)?|vanish(?:ed)?|appeared"
_FRAMES: tuple[tuple[Kind, str], ...] = (
    (Kind.ROOMS, r"(?:what|which|how many|list|show|name)(?: me)?(?: are)?(?: all)?(?: the| your)? rooms?"
                 r"(?: (?:are|were|is) (?:there|here)| (?:(?:do|did|have|can) )?you (?:have )?"
                 r"(?:know|see|saw|seen|remember|visit|visited|find))?(?P<rest>)"),
    (Kind.CHANGES, r"what(?:'s| is| has| have| was)? "
                   rf"(?P<change>{_CHANGED})\b(?P<rest>.*)"),
    (Kind.CHANGES, r"(?:(?:did|do|have|has|can) (?:you|i|we) (?:see|seen|notice|noticed|find|found) )?"
                   rf"(?:is |has |did )?(?:anything|something) (?P<change>{_CHANGED})\b(?P<rest>.*)"),
    (Kind.COUNT, r"(?:how many|count|(?:what is )?(?:the )?number of) (?:different )?(?P<rest>.+)"),
    (Kind.COLOUR, r"(?:what|which)(?: is the)? colou?rs? (?:is|are|was|were|does|do|did|of)(?P<rest> .+?)"
                  r"(?: have| had)?"),
    (Kind.CONTENTS, r"what (?:is|are|was|were|does|do|did)(?P<rest> .+?) "
                    r"(?P<bears>wear|wearing|carry|carrying|hold|holding)"),
    (Kind.CONTENTS, r"what(?:'s| is| do| can| did)?(?: (?:you|i|we))?(?: now)? "
                    r"(?:see|remember|know|there|here|around)(?: now| here| around)?(?P<rest>)"),
    (Kind.CONTENTS, r"(?:what|who)(?: else| all| things| objects)?"
                    r"(?:'s| is| are| was| were| stands?| lies?| sits?)?(?: there)?"
                    r"(?: (?:do|did|can|could|have) (?:you|i|we) (?:see|seen|find|found|remember))?"
                    r"(?: that is| that are| lying| standing| sitting| located| placed| kept)?(?P<rest> .+)"),
    (Kind.FIND, r"(?:where|when|how long ago|in (?:which|what) room)(?:'s| is| are| was| were)?"
                r" (?:did|have|do|could|can) (?:you|i|we) (?:last |ever |(?P<first>first) )?"
                r"(?:see|saw|seen|find|notice|spot|put|leave|left)(?P<rest> .+)"),
    (Kind.FIND, r"(?:where|when|(?:in )?(?:which|what) room)(?:'s| is| are| was| were)(?P<rest> .+?)"
                r"(?: in)?(?: (?:last )?seen| now| again)?"),
    (Kind.FIND, r"(?:which|what) rooms? (?:has|have|had|contains?)(?P<rest> .+)"),
    (Kind.FIND, r"(?:have|did|do|can|could) (?:you|i|we) (?:last |ever |already )?"
                r"(?:see|seen|find|know|notice|remember)(?: of| where)?(?P<rest> .+?)(?: is| are)?"),
    (Kind.FIND, r"(?:is|are|was|were) there(?P<rest> .+)"),
    (Kind.STATE, r"(?:is|are|was|were)(?P<rest> .+)"),
    (Kind.FIND, r"(?:please )?(?:find|locate|show|describe|list|name|tell me about|"
                r"look for|search for|search|go to|drive to|navigate to|"
                r"take me to|bring me to|lead me to|guide me to|get|fetch)(?: me)?(?P<rest> .+)"),
    (Kind.FIND, r"(?P<rest>.+)"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _FRAMES)
_LOCATION = re.compile(r"\b(" + "|".join(map(re.escape, location_phrases())) + r")\b")
_FILLER = re.compile(
    r"\b(?:the|a|an|any|some|nearest|closest|my|our|your|this|that|these|those|which|who|please|all|exactly|currently|now|there|"
    r"is|are|was|were|am|be|been|do|does|you|we|i|it|he|she|they|them|him|her|have|has|seen|see|saw|remember|know|"
    r"last|where|when|what|how|many|much|no|still|yet|already|really)\b"
)
_POSTURE = re.compile(
    r"\b(?:standing|sitting|lying|laying|hanging|placed|located|leaning|resting|parked|kept)$"
)
_THING = frozenset(
    ("thing", "things", "anything", "something", "everything", "object", "objects", "stuff", "one", "ones")
)
_ANYTHING = _THING | {""}
# "where's", and what speech recognition makes of it.
_CONTRACTED = re.compile(r"\b(what|where|who|when)'?s\b")
_OR_NOT = re.compile(r"\b(?P<state>[\w-]+) or (?P<other>[\w-]+)$")
_ANYONE = re.compile(r"\b(?:anyone|anybody|someone|somebody)\b")
_LOOKS = COLOURS | MATERIALS | SIZES.keys() | STATES.keys()
_PERSON = Description("person", "person")
_CHANGES = {
    "new": "new", "appeared": "new", "gone": "gone", "missing": "gone",
    "disappear": "gone", "disappeared": "gone", "vanish": "gone", "vanished": "gone",
}  # fmt: skip
_GREETING = re.compile(r"(?:(?:hey|hi|hello|okay|ok|excuse me|please)(?: robot)? )+(?=\w+ \w)")
# What stands before the question itself: "could you please tell me where ...".
_PREAMBLE = re.compile(
    r"(?:(?:can|could|will|would) you )?(?:please )?"
    r"(?:(?:tell|show) me|let me know|do you (?:know|remember)|i (?:want|need|would like) to know|i wonder)"
    r"(?: please)? (?=(?:where|what|who|when|which|how|if|whether|in which|in what)\b)"
)
_WHETHER = re.compile(r"(?:if|whether) (?P<thing>.+?) (?P<verb>is|are|was|were) ")
# "I can't find my keys" asks for them, though it says "can't".
_LOST = re.compile(
    r"i(?:'m| am|'ve| have)? "
    r"(?:(?:can't|cannot|can not|couldn't|don't|do not) (?:find|see|know where|remember where)"
    r"|lost|misplaced|missing|looking for|searching for|need|want) "
)
_PART_OF_ROOM = re.compile(
    r"\bof (?=(?:the |my |our )?(?:" + "|".join(sorted(ROOMS, key=len, reverse=True)) + r")\b)"
)
_NEGATION = re.compile(r"\b(?:not|without|except|never|neither|nor|\w+n't|nobody|nothing)\b")
_MOST_CHARACTERS = 300
_ONE_AND_OTHER = re.compile(r"\b(?:and|or)\b")
_CLAUSE = re.compile(r"(?P<thing>.+) (?:that|which|who) (?:is|are|was|were) (?P<look>[\w-]+)")
_TWO_QUESTIONS = re.compile(
    r"\w\W*\?.*\w|\w\W+and (?:who|what|where|when|which|how)\b", re.DOTALL | re.IGNORECASE
)
_BAD_TIME = re.compile(r"\b(?:since|before|after|until|till) \d")


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
    words = _either(_PART_OF_ROOM.sub("in ", _plainly(_CONTRACTED.sub(r"\1 is", words))))
    if (negation := _NEGATION.search(words)) is not None:
        raise UserError(f"{negation[0]!r} cannot be looked up; ask for what is there")
    words, period = read_period(words, now_ns, timezone)
    if _BAD_TIME.search(words):
        raise UserError(
            f"the time in {text!r} is not clear; say it as in 'since 10:30' or 'in the last hour'"
        )
    words = _ANYONE.sub("person", words)
    question = Question(text, since_ns=period.since_ns, until_ns=period.until_ns)
    if not words and period != Period():
        return replace(question, kind=Kind.CHANGES)
    for kind, pattern in _COMPILED:
        match = pattern.fullmatch(words)
        if match is None:
            continue
        if kind is Kind.ROOMS or (kind is Kind.CONTENTS and not match["rest"]):
            return replace(question, kind=kind)
        asked = replace(question, kind=kind)
        told = match.groupdict()
        if kind is Kind.CHANGES:
            asked = replace(asked, change=_CHANGES.get(told["change"], ""))
        if told.get("bears"):
            bearer = describe(told["rest"].strip(), parse)
            if bearer is not None:
                return replace(asked, location="of", anchor=bearer)
            continue
        asked = replace(asked, first=bool(told.get("first")))
        found = _fill(asked, match["rest"].strip(), parse)
        if found is None and words.startswith("who"):
            found = replace(question, thing=_PERSON)
        if found is not None:
            who = words.startswith("who") and found.thing is None
            return replace(found, thing=_PERSON, kind=Kind.FIND) if who else found
    raise UserError(
        f"the question {text!r} names nothing to look for; ask for a thing, a room or what changed"
    )


def _plainly(words: str) -> str:
    """The question without what people say before it: "please tell me if the door is open"."""
    for before, instead in ((_GREETING, ""), (_PREAMBLE, ""), (_LOST, "where is ")):
        if found := before.match(words):
            words = instead + words[found.end() :]
    whether = _WHETHER.match(words)
    if whether is None:
        return words
    return f"{whether['verb']} {whether['thing']} {words[whether.end() :]}"


def _either(words: str) -> str:
    """ "is the lamp on or off", "is it open or not": the first of two values of one state asks for both."""
    found = _OR_NOT.search(words)
    if found is None:
        return words
    state, other = (STATES.get(normal(found[name])) for name in ("state", "other"))
    alike = state is not None and (state == other or found["other"] == "not")
    return words[: found.end("state")] if alike else words


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
    if phrase in _ANYTHING or (location(phrase) is not None and len(phrase.split()) == 1):
        return None
    looks = {normal(word) for word in phrase.split() if word not in _ANYTHING}
    if looks <= _LOOKS:  # "anything red"
        return Description(ANYTHING, ANYTHING, frozenset(looks))
    said = parse(f"a {phrase}")
    if said.objects:
        thing = max(said.objects, key=lambda one: one.span.end)
        if (several := _ONE_AND_OTHER.search(phrase)) is not None and len(said.objects) > 1:
            raise UserError(f"{phrase!r} names two things; ask for one at a time, without {several[0]!r}")
        attributes = frozenset(normal(attribute.text) for attribute in thing.attributes)
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
            return Description(rest, head, attributes, name)
    return Description(label, head, attributes)
