"""The things that stand as a question asks, now or at an earlier time, the best first."""

from __future__ import annotations

import math
from dataclasses import replace

from ser_ros.graph.memory.candidates import Candidate, Candidates, Fit
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.history import History, attributes_at
from ser_ros.graph.memory.question import ANYTHING, Description, Kind, Question
from ser_ros.graph.memory.relations import relations_of
from ser_ros.graph.memory.rows import attributes_of, select
from ser_ros.graph.memory.scoring import attribute_score, room_score
from ser_ros.graph.memory.speech import CLEAR
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import Likeness, Surroundings
from ser_ros.graph.memory.vocabulary import STATES, STRUCTURE

# Candidates that pass on to the costlier look at their relations, but for those that are to be counted.
_MOST_RELATED = 300
_ALL = 2**31
# "What do you see?" is about what was seen last.
_MOST_RECENT = 50
# Things that are looked up in their history for one question.
_MOST_PAST = 40
# Fits so close to the best that any of them may be the one that is meant.
AS_GOOD = 0.15


class Lookup:
    """Finds candidates for what is asked.

    Attributes:
        config: the settings.
    """

    def __init__(self, store: Store, config: MemoryConfig, candidates: Candidates):
        self.config, self._store, self._candidates = config, store, candidates

    def find(self, question: Question) -> tuple[list[Candidate], list[int]]:
        """The best candidates, and the rows of all that clearly are what was asked for."""
        if question.thing is None:
            return self._contents(question)
        if question.kind is Kind.STATE:
            return self._state(question, question.thing)
        if question.anchor is not None:
            return self._beside(question, question.thing)
        if question.until_ns is not None and question.kind is not Kind.COUNT:
            return self._find_then(question, question.thing, question.until_ns)
        fits = self._candidates.described(
            question.thing, question, room=question.room, least=question.min_score, most=_MOST_RELATED
        )
        clear = [fit.number for fit in fits if fit.score >= CLEAR]
        return self._candidates.read(fits[: question.max_matches]), clear

    def in_state(self, question: Question, thing: Description) -> list[int]:
        """Rows of all that clearly fit and were in the asked state at the time of the question."""
        lasting, states = _parted(thing)
        fits = self._candidates.described(lasting, question, room=question.room, least=CLEAR, most=_ALL)
        held = attributes_at(self._store.db, [fit.number for fit in fits], question.until_ns or 0)
        return [fit.number for fit in fits if states <= set(held[fit.number].split("|"))]

    def former(self, question: Question) -> tuple[Candidate | None, list[Candidate]]:
        """Where what is asked for stood before, or else another thing like it; and where it is now."""
        now, _ = self.find(question)
        best = next((one for one in now if one.score >= CLEAR), None)
        if best is None:
            return None, now
        history = History(self._store, self.config)
        moved = history.moved_at(best.row) - 1
        if best.row["first_seen"] <= moved:
            return self._past(best, moved), now
        others, _ = self.find(replace(question, until_ns=moved))
        unseen_since = [one for one in others if one.score >= CLEAR and one.after is None]
        return next(iter(unseen_since), None), now

    def first(self, candidate: Candidate) -> Candidate:
        """A candidate as it was when it was seen first."""
        return self._past(candidate, candidate.row["first_seen"])

    def _past(self, candidate: Candidate, until_ns: int) -> Candidate:
        past = History(self._store, self.config).until(candidate.row, until_ns)
        return replace(
            candidate,
            row=past.row,
            observation=past.observation if candidate.observation is None else candidate.observation,
            relation=candidate.relation or past.relation,
            after=past.after,
            stayed=past.stayed,
            then=True,
        )

    def _find_then(
        self, question: Question, thing: Description, until_ns: int
    ) -> tuple[list[Candidate], list[int]]:
        """What fits as it was known then: its state and its room may have been others."""
        lasting, states = _parted(thing)
        rooms = list(filter(None, (thing.room, question.room)))
        least = question.min_score
        fits = self._candidates.described(replace(lasting, room=""), question, least=least, most=_MOST_PAST)
        known = {one.row["id"]: one for one in self._candidates.read(fits)}
        if rooms:
            here = self._candidates.described(
                lasting, question, room=question.room, least=least, most=_MOST_PAST
            )
            for one in self._candidates.read(here):
                fit = math.prod(room_score(room, one.row["room"]) for room in rooms)
                known.setdefault(one.row["id"], replace(one, score=one.score / fit))
        found = []
        for candidate in known.values():
            past = self._past(candidate, until_ns)
            score = past.score * attribute_score(states, attributes_of(past.row))
            score *= math.prod(room_score(room, past.row["room"]) for room in rooms)
            if score >= question.min_score:
                found.append(replace(past, score=score))
        found.sort(key=lambda one: Fit.of(one.row["id"], one.score, one.row["last_seen"]))
        clear = [one.row["id"] for one in found if one.score >= CLEAR]
        return found[: question.max_matches], clear

    def _beside(self, question: Question, thing: Description) -> tuple[list[Candidate], list[int]]:
        """What fits and stands to the anchor as asked."""
        around = self._around(question)
        labels = None if thing.label == ANYTHING else list(self._candidates.name_scores(thing))
        related = around.standing(question.location, labels)
        fits = self._candidates.described(
            thing, question, room=question.room, least=question.min_score, most=_ALL, among=list(related)
        )
        found = [
            (Fit.of(fit.number, fit.score * related[fit.number].score, -fit.unseen), related[fit.number])
            for fit in fits
        ]
        clear = [fit.number for fit, _ in found if fit.score >= CLEAR]
        return self._best(found, around, question), clear

    def _state(self, question: Question, thing: Description) -> tuple[list[Candidate], list[int]]:
        """What fits but for its state: first where the state is known, and of these what was seen last."""
        lasting, asked = _parted(thing)
        states = {STATES[text] for text in asked}
        fits = self._candidates.described(
            lasting, question, room=question.room, least=question.min_score, most=_MOST_RELATED
        )
        found = self._as_then(self._candidates.read(fits), question)
        best = found[0].score if found else 0.0

        def rank(one: Candidate) -> tuple[bool, bool, int]:
            known = {STATES.get(text) for text in attributes_of(one.row)}
            return one.score < best - AS_GOOD, not states & known, -one.row["last_seen"]

        found.sort(key=rank)
        if found and states and not states & {STATES.get(text) for text in attributes_of(found[0].row)}:
            found = [*self._parts_in_state(found[0], states, question), *found]
        clear = [one.row["id"] for one in found if one.score >= CLEAR]
        best_found = found[: question.max_matches]
        if question.until_ns is not None:
            best_found = [self._past(one, question.until_ns) for one in best_found]
        return best_found, clear

    def _as_then(self, found: list[Candidate], question: Question) -> list[Candidate]:
        """The same with the attributes they had at the time of the question."""
        if question.until_ns is None:
            return found
        held = attributes_at(self._store.db, [one.row["id"] for one in found], question.until_ns)
        return [replace(one, row={**dict(one.row), "attributes": held[one.row["id"]]}) for one in found]

    def _parts_in_state(self, whole: Candidate, states: set[str], question: Question) -> list[Candidate]:
        """The parts of a thing whose state is known: the door of a refrigerator that is asked to be open."""
        number = whole.row["id"]
        related = relations_of(self._store.db, [number])
        parts = [one.object for one in related if one.subject == number and one.predicate == "have"]
        known = self._candidates.read([Fit.of(part, whole.score, 0) for part in parts])
        known = self._as_then(known, question)
        return [part for part in known if states <= {STATES.get(text) for text in attributes_of(part.row)}]

    def _contents(self, question: Question) -> tuple[list[Candidate], list[int]]:
        """What stands so to the anchor, with the rows of all of it; or is in the room, or was seen last."""
        if question.anchor is None and question.room:
            return self._in_room(question), []
        if question.anchor is None:
            there = "gone = 0" if question.since_ns is None and question.until_ns is None else "1"
            rows = select(self._store, there, (), question, most=_MOST_RECENT)
            things = [Candidate(row, row["trust"]) for row in rows if row["head"] not in STRUCTURE]
            return self._seen_then(things, question)[: question.max_matches], []
        around = self._around(question)
        found = []
        for row, likeness in around.inhabitants(question):
            score = likeness.score * row["trust"] * room_score(question.room, row["room"])
            found.append((Fit.of(row["id"], score, row["last_seen"]), likeness))
        fitting = [fit.number for fit, _ in found if fit.score >= question.min_score]
        return self._best(found, around, question), fitting

    def _in_room(self, question: Question) -> list[Candidate]:
        """What is in a room; of an earlier time what was seen there before or at it."""
        most = question.max_matches
        if question.until_ns is None:
            return self._candidates.in_room(question.room, question, most)
        found = self._candidates.in_room(question.room, question, max(most, _MOST_PAST))
        then = self._seen_then(found, question)
        return [one for one in then if one.row["room"] == question.room][:most]

    def _seen_then(self, found: list[Candidate], question: Question) -> list[Candidate]:
        """Those that are known to have been seen in the time of the question, as they were known then."""
        if question.until_ns is None:
            return found
        then = [self._past(one, question.until_ns) for one in found]
        return [one for one in then if one.row["last_seen"] >= (question.since_ns or 0)]

    def _best(
        self, found: list[tuple[Fit, Likeness]], around: Surroundings, question: Question
    ) -> list[Candidate]:
        """The best of what stands to the anchor as asked, read with the words for how it does."""
        enough = [pair for pair in found if pair[0].score >= question.min_score]
        best = sorted(enough, key=lambda pair: pair[0])[: question.max_matches]
        read = [
            (
                replace(candidate, observation=likeness.observation, relation=around.words(likeness)),
                likeness.by_place,
            )
            for candidate, (_, likeness) in zip(
                self._candidates.read([fit for fit, _ in best]), best, strict=True
            )
        ]
        if question.until_ns is None:
            return [one for one, _ in read]
        then = [(self._past(one, question.until_ns), by_place) for one, by_place in read]
        # Its place in view is that of now: where it was elsewhere before, nobody knows where it was then.
        return [one for one, by_place in then if not by_place or one.after is None or one.stayed]

    def _around(self, question: Question) -> Surroundings:
        """What is around the things that the anchor of the question may be."""
        assert question.anchor is not None
        fits = self._candidates.described(question.anchor, Question(question.text), most=_MOST_RELATED)
        most = max((fit.score for fit in fits), default=0.0)
        anchors = {fit.number: fit.score / most for fit in fits if fit.score >= 0.5 * most > 0.0}
        return Surroundings(
            self._store, anchors, question.anchor.attributes, self.config.near_radius, question
        )


def _parted(thing: Description) -> tuple[Description, frozenset[str]]:
    """The description without its states, and these."""
    states = thing.attributes & STATES.keys()
    return replace(thing, attributes=thing.attributes - states), states
