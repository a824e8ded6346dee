"""Answers about an earlier time in words: what was seen then, what before and after, what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ser_ros.graph import wordnet
from ser_ros.graph.memory.answer import Match
from ser_ros.graph.memory.history import Glimpse, Holding
from ser_ros.graph.memory.naming import a_thing, is_several
from ser_ros.graph.memory.question import Kind, Question
from ser_ros.graph.memory.speech import say, say_asked_place, say_others, say_place, say_things
from ser_ros.graph.memory.spoken_time import say_when
from ser_ros.graph.memory.vocabulary import STATES


class When(Enum):
    """When what answers a question about a time was seen."""

    THEN = "then"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Past:
    """What is known of the best match besides what it was like at the time.

    Attributes:
        after: its next sighting; None where there was none.
        stayed: whether it was in the same place before and after.
        held: the history of the state that is asked for.
    """

    when: When
    after: Glimpse | None
    stayed: bool
    held: list[Holding]


@dataclass(frozen=True)
class _Clock:
    """Says when a stamp was."""

    now_ns: int
    timezone: str

    def __call__(self, stamp_ns: int) -> str:
        return say_when(stamp_ns, self.now_ns, self.timezone)


def say_past(
    question: Question,
    matches: list[Match],
    past: Past,
    counted: tuple[int, bool],
    now_ns: int,
    timezone: str,
) -> str:
    """The answer about an earlier time.

    Args:
        matches: as they were known then, the best first.
        counted: as for `speech.say`.
    """
    when = _Clock(now_ns, timezone)
    if question.thing is None:
        return _say_contents(question, matches, past)
    best = matches[0]
    if past.when is When.AFTER:
        return (
            f"I do not know {_asked(question, best)} then; I first saw {_it(best)} {when(best.first_seen)}."
        )
    if question.kind is Kind.STATE:
        return _say_state(question, best, past, when) + say_others(counted[0] - 1)
    if question.kind is Kind.COLOUR:
        sentence = say(question, matches, counted, now_ns, timezone)
        return sentence if past.when is When.THEN else f"I did not see {_it(best)} in that time. {sentence}"
    sentence = _say_find(question, best, past, when)
    if best.gone:
        sentence += f" {_it_was(best).capitalize()} not there when I came back {when(best.gone)}."
    elif best.times_seen == 1:
        sentence += " Only one picture showed it, so I may be wrong."
    return sentence + say_others(counted[0] - 1)


def say_first(match: Match, now_ns: int, timezone: str) -> str:
    """ "I first saw the dog at 9:05 in the living room, on the rug."; the match is as it was then."""
    return f"I first saw {_the(match)} {_at(match, _Clock(now_ns, timezone))}."


def say_former(now: Match, before: Match | None, now_ns: int, timezone: str) -> str:
    """Where something stood before it came where it is now; None where nobody knows."""
    when, place = _Clock(now_ns, timezone), say_place(now)
    if before is None:
        only = f"; I have only seen {_it(now)} {place}" if place else ""
        return f"I do not know where {_the(now)} {_was(now)} before{only}."
    if before.id == now.id:
        return f"Before that I saw {_the(now)} {_at(before, when)}."
    thing = a_thing(before.label, before.attributes, before.count, before.plural)
    return f"Before that I saw {thing} {_at(before, when)}; I do not know whether it is the same one."


def say_since_when(question: Question, match: Match, held: list[Holding], now_ns: int, timezone: str) -> str:
    """Since when a thing is in a state, or when it last was."""
    when, asked = _Clock(now_ns, timezone), _state(question)
    thing = a_thing(match.label, (), None, match.plural, "the")
    so = [one for one in held if one.text == asked]
    if not so:
        other = f"; {_it_was(match)} {held[-1].text} {when(held[-1].last_ns)}" if held else ""
        return f"I have not seen {thing} {asked}{other}."
    last = so[-1]
    later = [one for one in held if one.first_ns > last.last_ns]
    if later:
        other = f"{when(later[0].first_ns)} {_it_was(match)} {later[0].text}"
        return f"I last saw {thing} {asked} {when(last.last_ns)}; {other}."
    earlier = [one for one in held if one.last_ns < last.first_ns]
    before = f", and {earlier[-1].text} before that {when(earlier[-1].last_ns)}" if earlier else ""
    return (
        f"{thing.capitalize()} {_was(match)} {asked} when I last saw {_it(match)} {when(last.last_ns)}; "
        f"I first saw {_it(match)} so {when(last.first_ns)}{before}."
    )


def _say_find(question: Question, best: Match, past: Past, when: _Clock) -> str:
    since, thing, it = question.since_ns, _the(best), _it(best)
    were = _it_was(best)
    if question.until_ns is None:
        return f"I have not seen {thing} in that time; I last saw {it} {_at(best, when)}."
    if since is None:
        return f"Before that time I last saw {thing} {_at(best, when)}."
    if best.last_seen >= since:
        return f"I saw {thing} {_at(best, when)}."
    if past.after is None:
        return f"I did not see {thing} in that time; before it I last saw {it} {_at(best, when)}."
    later = when(past.after.stamp_ns)
    if past.stayed:
        return f"I saw {thing} {_at(best, when)}, and there again {later}, so {were} probably there then."
    room = f" in the {past.after.room}" if past.after.room else ""
    return f"I saw {thing} {_at(best, when)}, and again {later}{room}; I do not know where {were} in between."


def _say_state(question: Question, best: Match, past: Past, when: _Clock) -> str:
    thing, it, asked = a_thing(best.label, (), None, best.plural, "the"), _it(best), _state(question)
    until = best.last_seen if question.until_ns is None else question.until_ns
    known = [one for one in past.held if one.first_ns <= until]
    if not known:
        return f"I do not know whether {thing} {_was(best)} {asked} then; I saw {it} {when(best.last_seen)}."
    held = max(known, key=lambda one: (min(one.last_ns, until), one.first_ns))
    answer = f"{'Yes' if held.text == asked else 'No'}, {thing} {_was(best)} {held.text}"
    since = question.since_ns or 0
    seen = held.last_ns if held.last_ns <= until else held.first_ns
    if seen >= since:
        return f"{answer} when I saw {it} {when(seen)}."
    if held.last_ns > until:
        return f"{answer}: I saw {it} so {when(held.first_ns)} and again {when(held.last_ns)}."
    later = [one for one in past.held if one.first_ns > until]
    then = f", and {later[0].text} {when(later[0].first_ns)}" if later else ""
    return f"I did not see {thing} in that time; {_it_was(best)} {held.text} before it, {when(seen)}{then}."


def _say_contents(question: Question, matches: list[Match], past: Past) -> str:
    place = say_asked_place(question).strip()
    if past.when is When.THEN and place:
        return f"{place[:1].upper()}{place[1:]} I saw {say_things(matches)}."
    if past.when is When.THEN:
        return f"I saw {say_things(matches)}."
    return f"I saw nothing {place} in that time; before it I saw {say_things(matches)}."


def _asked(question: Question, match: Match) -> str:
    """ "where the chair was", "whether the door was open"."""
    thing, was = a_thing(match.label, (), match.count, match.plural, "the"), _was(match)
    if question.kind is Kind.STATE:
        return f"whether {thing} {was} {_state(question)}"
    return f"what colour {thing} {was}" if question.kind is Kind.COLOUR else f"where {_the(match)} {was}"


def _state(question: Question) -> str:
    attributes = question.thing.attributes if question.thing else frozenset()
    return " and ".join(sorted(attributes & STATES.keys()))


def _the(match: Match) -> str:
    return a_thing(match.label, match.attributes, match.count, match.plural, "the")


def _it(match: Match) -> str:
    return "them" if _is_they(match) else "it"


def _it_was(match: Match) -> str:
    return "they were" if _is_they(match) else "it was"


def _is_they(match: Match) -> bool:
    return is_several(match.label, match.plural) or wordnet.is_a(match.label, "person", most_senses=1)


def _was(match: Match) -> str:
    return "were" if is_several(match.label, match.plural) else "was"


def _at(match: Match, when: _Clock) -> str:
    """ "at 9:05 in the kitchen, near the window"."""
    return " ".join(filter(None, [when(match.last_seen), say_place(match)]))
