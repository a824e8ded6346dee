"""Answers questions: looked up in the time they ask about, else in what was known before it, and told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from ser_ros.graph.memory.answer import Answer, Match
from ser_ros.graph.memory.candidates import Candidate, Candidates
from ser_ros.graph.memory.changes import changes
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.history import Holding, holdings
from ser_ros.graph.memory.identity import NameRule
from ser_ros.graph.memory.lookup import AS_GOOD, Lookup
from ser_ros.graph.memory.past_speech import (
    Past,
    When,
    say_first,
    say_former,
    say_past,
    say_since_when,
)
from ser_ros.graph.memory.question import Kind, Question
from ser_ros.graph.memory.rows import last_visit, match_of, rooms_seen, things_by_room
from ser_ros.graph.memory.speech import CLEAR, say, say_all, say_pick, say_rooms, say_several, say_visit
from ser_ros.graph.memory.spelling import spelt
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import describe_relation
from ser_ros.graph.memory.understanding import understand
from ser_ros.graph.memory.vocabulary import STATES
from ser_ros.graph.triples import SceneTriples

# What one of several that may be "the left" one scores: less than any goal needs.
_PICKED = 0.5


class Search:
    """Answers questions from a store; works on a store that another process writes."""

    def __init__(self, store: Store, config: MemoryConfig, names: NameRule):
        self._store = store
        self._candidates = Candidates(store, names)
        self._lookup = Lookup(store, config, self._candidates)

    @property
    def config(self) -> MemoryConfig:
        """The settings."""
        return self._lookup.config

    @config.setter
    def config(self, config: MemoryConfig) -> None:
        self._lookup.config = config

    def answer(self, question: Question | str, now_ns: int) -> Answer:
        """The answer to a question; see `Memory.query`."""
        if isinstance(question, str):
            question = self.understand(question, now_ns)
        if question.kind is Kind.ROOMS:
            return _answer(question, [], self._say_rooms(question, now_ns))
        question = spelt(question, self._candidates.labels())
        if question.kind is Kind.CHANGES:
            names = None if question.thing is None else self._candidates.name_scores(question.thing)
            matches = changes(self._store, question, names)
            return _answer(question, matches, say(question, matches, (0, False), now_ns, self._zone))
        if question.kind is Kind.COUNT:
            return _doubted(self._count(question, now_ns), now_ns, self._zone)
        answer = self._former(question, now_ns) if question.former else self._tell(question, now_ns)
        return _doubted(answer, now_ns, self._zone)

    def forget(self) -> None:
        """Drop what is known of the store, as after another one was loaded into it."""
        self._candidates.forget()

    def understand(self, text: str, now_ns: int) -> Question:
        """Read a question; see `Memory.understand`."""
        return understand(text, now_ns, self._zone, _parser())

    @property
    def _zone(self) -> str:
        return self.config.timezone

    def _say_rooms(self, question: Question, now_ns: int) -> str:
        if question.room:
            return say_visit(question, last_visit(self._store, question), now_ns, self._zone)
        return say_rooms(question, rooms_seen(self._store, question))

    def _tell(self, question: Question, now_ns: int) -> Answer:
        """What was seen in the time asked about; else what was known before it, else what after it."""
        then, (candidates, clear) = When.THEN, self._lookup.find(question)
        for when, other in _other_times(question):
            if _is_clear(candidates, question):
                break
            found, clearly = self._lookup.find(other)
            if _is_clear(found, question):
                then, candidates, clear = when, found, clearly
        if question.first and _is_clear(candidates, question):
            oldest = min(_alike(candidates), key=lambda one: one.row["first_seen"])
            first = self._match(self._lookup.first(oldest))
            return _answer(question, [first], say_first(first, now_ns, self._zone))
        matches = [self._match(candidate) for candidate in candidates]
        counted = len(clear), False
        if not _is_clear(candidates, question) or (then is When.THEN and question.until_ns is None):
            if question.since_when and _is_clear(candidates, question):
                speech = say_since_when(
                    question, matches[0], self._held(question, matches[0]), now_ns, self._zone
                )
                return _answer(question, matches, speech)
            return _answer(question, matches, self._say_now(question, matches, counted, now_ns))
        best = candidates[0]
        if then is When.AFTER:
            matches = sorted(matches[: len(_alike(candidates))], key=lambda match: match.first_seen)
        past = Past(then, best.after, best.stayed, self._held(question, matches[0]))
        speech = say_past(question, matches, past, counted, now_ns, self._zone)
        return _answer(question, [] if then is When.AFTER else matches, speech)

    def _say_now(
        self, question: Question, matches: list[Match], counted: tuple[int, bool], now_ns: int
    ) -> str:
        if question.several and question.kind is Kind.FIND:
            alike = [one for one in matches if one.score >= max(CLEAR, matches[0].score - AS_GOOD)]
            if len(alike) > 1:
                return say_several(alike, counted, now_ns, self._zone)
        return say(question, matches, counted, now_ns, self._zone)

    def _former(self, question: Question, now_ns: int) -> Answer:
        """Where something stood before it came where it is."""
        former, now = self._lookup.former(question)
        present = [self._match(candidate) for candidate in now]
        if not _is_clear(now, question):
            return _answer(question, present, say(question, present, (0, False), now_ns, self._zone))
        before = None if former is None else self._match(former)
        speech = say_former(present[0], before, now_ns, self._zone)
        return _answer(question, [] if before is None else [before], speech)

    def _count(self, question: Question, now_ns: int) -> Answer:
        """How many there are, were at a moment, or were seen in a time."""
        asked = replace(question, since_ns=None) if question.moment else question
        candidates, clear = self._lookup.find(asked)
        matches = [self._match(candidate) for candidate in candidates]
        thing = question.thing
        if thing is None and question.anchor is None:
            by_room, vague = things_by_room(self._store, asked)
            return _answer(question, matches, say_all(question, by_room, vague))
        if thing is None or question.anchor is not None:
            counted = self._candidates.count(clear, asked)
        elif asked.until_ns is not None and thing.attributes & STATES.keys():
            counted = self._candidates.count(self._lookup.in_state(asked, thing), asked)
        else:
            counted = self._candidates.count_described(thing, asked, room=question.room, least=CLEAR)
        return _answer(question, matches, say(question, matches, counted, now_ns, self._zone))

    def _held(self, question: Question, match: Match) -> list[Holding]:
        """The history of the state that is asked for."""
        asked = question.thing.attributes if question.thing else ()
        states = {STATES[text] for text in asked if text in STATES}
        return holdings(self._store.db, match.id, min(states)) if states else []

    def _match(self, candidate: Candidate) -> Match:
        relation = candidate.relation
        if not relation and not candidate.then:
            relation = describe_relation(self._store, candidate.row)
        return match_of(
            self._store, candidate.row, candidate.score, observation=candidate.observation, relation=relation
        )


def _answer(question: Question, matches: list[Match], speech: str) -> Answer:
    return Answer(tuple(matches), speech, question.understood, question)


def _doubted(answer: Answer, now_ns: int, timezone: str) -> Answer:
    """With the doubt which of several is "the left" one; none of them scores as if it were."""
    question, matches = answer.question, answer.matches
    picked = next((one for one in (question.thing, question.anchor) if one is not None and one.pick), None)
    if picked is None or not matches:
        return answer
    speech = answer.speech
    if picked is question.thing and question.kind is not Kind.COUNT and question.until_ns is None:
        clear = [match for match in matches if match.score >= CLEAR]
        speech = say_several(clear, (len(clear), False), now_ns, timezone) if clear else speech
    matches = tuple(replace(match, score=_PICKED * match.score) for match in matches)
    return replace(answer, matches=matches, speech=f"{say_pick(picked)} {speech}")


def _other_times(question: Question) -> Iterator[tuple[When, Question]]:
    """The question for what is known of the time before the one asked about, and after it."""
    if question.since_ns is not None:
        yield When.BEFORE, replace(question, since_ns=None)
    if question.until_ns is not None and question.thing is not None:
        yield When.AFTER, replace(question, since_ns=None, until_ns=None)


def _alike(candidates: list[Candidate]) -> list[Candidate]:
    """Those that fit about as well as the best, which is the first."""
    return [one for one in candidates if one.score >= candidates[0].score - AS_GOOD]


def _is_clear(candidates: list[Candidate], question: Question) -> bool:
    """Whether any is what was asked for; of what stands somewhere all are."""
    return bool(candidates) and (question.thing is None or candidates[0].score >= CLEAR)


def _parser() -> Callable[[str], SceneTriples]:
    from ser_ros.graph.parser import parse

    return parse
