"""Answers and things in words that can be spoken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ser_ros.graph import wordnet
from ser_ros.graph.memory.answer import Match
from ser_ros.graph.memory.naming import MOST_WORDS, a_thing, is_several, join, number
from ser_ros.graph.memory.question import ANYTHING, Description, Kind, Question
from ser_ros.graph.memory.spoken_time import SECOND, say_when
from ser_ros.graph.memory.vocabulary import COLOURS, LOCATION_WORDS, STATES

# Where a thing was so much earlier than it was seen last is told with its own time, nanoseconds.
_LATER = 60 * SECOND
# Below this fit an answer is offered as something else, not as what was asked for.
CLEAR = 0.5


def say(
    question: Question, matches: list[Match], counted: tuple[int, bool], now_ns: int, timezone: str
) -> str:
    """The answer as one or two sentences.

    Args:
        matches: best first.
        counted: how many clearly are what was asked for, also beyond `matches`, and whether "at least".
    """
    if question.kind is Kind.CHANGES:
        return _say_changes(question, matches, now_ns, timezone)
    if question.kind is Kind.COUNT:
        return say_count(question, *counted)
    if question.thing is None:
        return _say_contents(question, matches)
    asked = question.thing
    clear = [match for match in matches if match.score >= CLEAR]
    if not matches and not wordnet.is_known(asked.head):
        word = asked.label if len(asked.label) <= 40 else f"{asked.label[:37]}..."
        return f'I have not seen "{word}" and do not know that word; use other English words.'
    if not matches and not wordnet.is_visible(asked.label):
        return f'"{asked.label}" is nothing I could see; ask for a thing, a room or what changed.'
    if not matches:
        looks = asked.attributes - STATES.keys() if question.kind is Kind.STATE else asked.attributes
        return f"I have not seen {a_thing(asked.label, looks)}{say_asked_place(question)}."
    best = matches[0]
    if question.kind is Kind.STATE:
        return _say_state(asked, matches, now_ns, timezone)
    if question.kind is Kind.COLOUR and clear:
        return _say_colour(clear, now_ns, timezone)
    if not clear:
        seen = a_thing(best.label, best.attributes, best.count, best.plural)
        missing = f"I have not seen {a_thing(asked.label, asked.attributes)}{say_asked_place(question)}"
        if asked.label == ANYTHING:
            return f"{missing}."
        return f"{missing}, but I saw {seen} {_where_and_when(best, now_ns, timezone)}."
    others = counted[0] - 1
    article = None if others else "the"
    thing = a_thing(best.label, best.attributes, best.count, best.plural, article)
    sentence = f"I last saw {thing} {_where_and_when(best, now_ns, timezone)}."
    if best.gone:
        sentence += f" It was not there when I came back {say_when(best.gone, now_ns, timezone)}."
    if best.times_seen == 1 and not best.gone:
        sentence += " Only one picture showed it, so I may be wrong."
    return sentence + say_others(others)


def say_others(others: int) -> str:
    """ " I remember two others that may fit."."""
    if others < 1:
        return ""
    many = f"{number(others)} other{'s' if others > 1 else ''}" if others <= MOST_WORDS else "many others"
    return f" I remember {many} that may fit."


def say_several(matches: list[Match], counted: tuple[int, bool], now_ns: int, timezone: str) -> str:
    """ "I last saw a red chair at 9:05 in the kitchen; a blue chair at 9:07 in the office."."""
    told = [
        f"{a_thing(match.label, match.attributes, match.count, match.plural)} "
        f"{_where_and_when(match, now_ns, timezone)}"
        for match in matches
    ]
    return f"I last saw {'; '.join(told)}.{say_others(counted[0] - len(matches))}"


def say_pick(thing: Description) -> str:
    """That nobody knows which of several things is the left or the second one."""
    return f"I cannot tell which {thing.label} is the {thing.pick} one."


def say_visit(question: Question, visits: tuple[int, int], now_ns: int, timezone: str) -> str:
    """ "I was last in the kitchen at 9:05."; see `rows.last_visit`."""
    asked, last = visits
    if asked:
        return f"I was last in the {question.room}{say_time(question)} {say_when(asked, now_ns, timezone)}."
    if not last:
        return f"I do not remember being in the {question.room}."
    when = say_when(last, now_ns, timezone)
    return f"I do not remember being in the {question.room} in that time; I was last there {when}."


def say_rooms(question: Question, rooms: list[str]) -> str:
    """ "I remember two rooms: the kitchen and the office."."""
    if not rooms:
        return f"I have not seen a room whose name I know {_when_asked(question)}."
    names = join([f"the {room}" for room in rooms])
    return f"I remember {number(len(rooms))} room{'s' if len(rooms) > 1 else ''}: {names}."


def say_all(question: Question, by_room: Mapping[str, int], vague: bool) -> str:
    """ "I remember nine things: five in the kitchen, three in the office and one elsewhere."."""
    everything = say_count(question, sum(by_room.values()), vague)
    rooms = sorted(filter(None, by_room), key=lambda room: (-by_room[room], room))
    if question.room or not rooms:
        return everything
    shares = [f"{number(by_room[room])} in the {room}" for room in rooms]
    if "" in by_room:
        shares.append(f"{number(by_room[''])} elsewhere")
    told = join(shares) if len(shares) > 1 else f"all in the {rooms[0]}"
    return f"{everything.removesuffix('.')}: {told}."


def say_place(match: Match) -> str:
    """ "in the kitchen, near the window"; "" where nothing is known."""
    return ", ".join([*([f"in the {match.room}"] if match.room else []), *filter(None, [match.relation])])


def _where_and_when(match: Match, now_ns: int, timezone: str) -> str:
    parts = [f"in the {match.room}"] if match.room else []
    before = ""
    if match.relation and match.last_seen - match.stamp_ns > _LATER:
        were = "they were" if is_several(match.label, match.plural) else "it was"
        before = f"; {were} {match.relation} {say_when(match.stamp_ns, now_ns, timezone)}"
    elif match.relation:
        parts.append(match.relation)
    when = say_when(match.last_seen, now_ns, timezone)
    return f"{when}{' ' if parts else ''}{', '.join(parts)}{before}"


def say_time(question: Question) -> str:
    """ " in that time"; "" where none is asked about."""
    return "" if question.since_ns is None and question.until_ns is None else " in that time"


def _when_asked(question: Question) -> str:
    return say_time(question).strip() or "yet"


def say_asked_place(question: Question) -> str:
    """ " on the table in the kitchen", where the question looks; "" for anywhere."""
    anchor = question.anchor and replace(question.anchor, pick="")
    words = f" {question.location} the {anchor}" if anchor else ""
    for place, phrase in LOCATION_WORDS.items():
        words = words.replace(f" {place} ", f" {phrase} ", 1) if words.startswith(f" {place} ") else words
    return words + (f" in the {question.room}" if question.room else "")


def say_things(matches: Iterable[Match], article: str | None = None) -> str:
    """All of them, equal ones counted together: "a desk and two white mirrors"."""
    alike: dict[tuple[str, frozenset[str]], list[Match]] = {}
    for match in matches:
        alike.setdefault((match.label, frozenset(match.attributes)), []).append(match)
    named = []
    for (label, looks), ones in alike.items():
        uncounted = any(match.plural and match.count is None for match in ones)
        count = ones[0].count if len(ones) == 1 else sum(match.count or 1 for match in ones)
        named.append(
            a_thing(label, looks, None if uncounted else count, ones[0].plural or len(ones) > 1, article)
        )
    return join(named)


def _say_contents(question: Question, matches: list[Match]) -> str:
    place = say_asked_place(question).strip()
    if not place:
        if matches:
            return f"I last saw {say_things(matches)}."
        return f"I have not seen anything {_when_asked(question)}."
    if not matches:
        return f"I do not remember anything {place}."
    return f"{place[:1].upper()}{place[1:]} I saw {say_things(matches)}."


def say_count(question: Question, total: int, vague: bool) -> str:
    """ "I remember two chairs in the kitchen."; of an earlier time what was seen in it, or known at it."""
    asked = question.thing or Description(ANYTHING, ANYTHING)
    label = {ANYTHING: "thing", "people": "person"}.get(asked.label, asked.label)
    things = a_thing(label, asked.attributes, None, total != 1, "the").removeprefix("the ")
    things = things.replace("persons", "people")
    least = "at least " if vague else ""
    told, when = "remember", ""
    if question.since_ns is not None or question.until_ns is not None:
        told, when = ("knew of", " at that time") if question.moment else ("saw", " in that time")
    return f"I {told} {least}{number(total)} {things}{say_asked_place(question)}{when}."


def _say_state(asked: Description, matches: list[Match], now_ns: int, timezone: str) -> str:
    best, *others = matches
    wanted = {STATES[text]: text for text in asked.attributes if text in STATES}
    known = _states(best)
    when = say_when(best.last_seen, now_ns, timezone)
    for state, text in wanted.items():
        if state not in known:
            return f"I saw the {best.label} {when}, but I do not know whether it is {text}."
    differ = [one for one in others if one.score >= CLEAR and _differs(_states(one), known, wanted)]
    thing = a_thing(best.label, (), None, best.plural, "the")
    if differ:
        asked_of = asked.attributes - STATES.keys()
        thing = a_thing(best.label, asked_of & frozenset(best.attributes), None, best.plural)
    verb, it = ("were", "them") if is_several(best.label, best.plural) else ("was", "it")
    wrong = [known[state] for state, text in wanted.items() if known[state] != text]
    is_so = " and ".join(wrong or sorted(wanted.values()))
    sentence = f"{'No' if wrong else 'Yes'}, {thing} {verb} {is_so} when I saw {it} {when}."
    for one in differ[:1]:
        other = " and ".join(text for state, text in _states(one).items() if state in wanted)
        sentence += f" Another {one.label} was {other} {say_when(one.last_seen, now_ns, timezone)}."
    return sentence


def _say_colour(matches: list[Match], now_ns: int, timezone: str) -> str:
    """ "The mug was red when I saw it 9 minutes ago."; of two that differ both are told."""
    best = matches[0]
    several = is_several(best.label, best.plural)
    verb, it = ("were", "them") if several else ("was", "it")
    thing, when = (
        a_thing(best.label, (), best.count, best.plural, "the"),
        say_when(best.last_seen, now_ns, timezone),
    )
    colours = [text for text in best.attributes if text in COLOURS]
    if not colours:
        return f"I saw {thing} {when}, but I do not know what colour."
    sentence = f"{thing[:1].upper()}{thing[1:]} {verb} {join(colours)} when I saw {it} {when}."
    for other in matches[1:]:
        others = [text for text in other.attributes if text in COLOURS]
        if others and not set(others) & set(colours):
            return f"{sentence} Another {other.label} was {join(others)}."
    return sentence


def _states(match: Match) -> dict[str, str]:
    return {STATES[text]: text for text in match.attributes if text in STATES}


def _differs(first: dict[str, str], second: dict[str, str], states: Iterable[str]) -> bool:
    return any(state in first and first[state] != second[state] for state in states)


def _say_changes(question: Question, matches: list[Match], now_ns: int, timezone: str) -> str:
    if not matches:
        return _say_no_change(question)
    new = [match for match in matches if match.change == "new"]
    gone = [match for match in matches if match.change == "gone"]

    def when(match: Match) -> str:
        """Told of one thing, where it is asked for."""
        return f", first seen so {say_when(match.changed_ns, now_ns, timezone)}" if question.thing else ""

    parts = [f"I saw {say_things(new)} for the first time"] if new else []
    for match in matches:
        if match.change == "moved":
            former = next((one for one in gone if _is_like(one, match)), None)
            gone = [one for one in gone if one is not former]
            thing = a_thing(
                match.label, match.attributes, match.count, match.plural, None if former else "the"
            )
            parts.append(f"{thing} {_is(match)} now {say_place(match) or 'elsewhere'}{when(match)}")
            if former is not None:
                parts[-1] += f", and the one {say_place(former) or 'elsewhere'} is gone"
        elif match.change not in ("new", "gone"):
            parts.append(f"the {match.label} {_is(match)} now {match.change}{when(match)}")
    if gone:
        one = len(gone) == 1 and not gone[0].plural
        parts.append(f"{say_things(gone, 'the')} {'is' if one else 'are'} gone")
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _say_no_change(question: Question) -> str:
    what = {"new": "is new", "gone": "is gone", "moved": "moved"}.get(question.change, "changed")
    asked = question.thing
    which = "Nothing" if asked is None else f"No {' '.join([*sorted(asked.attributes), asked.label])}"
    return f"{which} {what}{say_asked_place(question)}{say_time(question)} that I know of."


def _is_like(one: Match, other: Match) -> bool:
    return (one.label, one.attributes) == (other.label, other.attributes)


def _is(match: Match) -> str:
    return "are" if is_several(match.label, match.plural) else "is"
