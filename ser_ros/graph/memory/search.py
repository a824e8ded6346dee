"""Looks up what a question asks for: candidates by name from the index, scored, the best with support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ser_ros.graph.memory.answer import Answer, Match
from ser_ros.graph.memory.candidates import Candidate, Candidates, Fit
from ser_ros.graph.memory.changes import changes
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.identity import NameRule
from ser_ros.graph.memory.question import Kind, Question
from ser_ros.graph.memory.relations import relations_of
from ser_ros.graph.memory.rows import attributes_of, match_of, rooms_seen, select, things_by_room
from ser_ros.graph.memory.scoring import room_score
from ser_ros.graph.memory.speech import CLEAR, say, say_all, say_rooms
from ser_ros.graph.memory.spelling import spelt
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import Likeness, Surroundings, describe_relation
from ser_ros.graph.memory.understanding import understand
from ser_ros.graph.memory.vocabulary import STATES, STRUCTURE
from ser_ros.graph.triples import SceneTriples

# Candidates that pass on to the costlier look at their relations, but for those that are to be counted.
_MOST_RELATED = 300
_ALL = 2**31
# "What do you see?" is about what was seen last.
_MOST_RECENT = 50
# Fits so close to the best that any of them may be the door that is meant.
_AS_GOOD = 0.15


class Search:
    """Answers questions from a store; works on a store that another process writes."""

    def __init__(self, store: Store, config: MemoryConfig, names: NameRule):
        self.config, self._store = config, store
        self._candidates = Candidates(store, names)

    def answer(self, question: Question | str, now_ns: int) -> Answer:
        """The answer to a question; see `Memory.query`."""
        if isinstance(question, str):
            question = self.understand(question, now_ns)
        if question.kind is Kind.ROOMS:
            speech = say_rooms(question, rooms_seen(self._store, question))
            return Answer((), speech, question.understood, question)
        question = spelt(question, self._candidates.labels())
        clear: list[int] = []
        if question.kind is Kind.CHANGES:
            names = None if question.thing is None else self._candidates.name_scores(question.thing)
            matches = changes(self._store, question, names)
        else:
            candidates, clear = self._look_up(question)
            matches = [self._match(candidate) for candidate in candidates]
        if question.kind is Kind.COUNT and question.thing is None and question.anchor is None:
            speech = say_all(question, *things_by_room(self._store, question))
            return Answer(tuple(matches), speech, question.understood, question)
        counted = self._count(question, clear) if question.kind is Kind.COUNT else (len(clear), False)
        speech = say(question, matches, counted, now_ns, self.config.timezone)
        return Answer(tuple(matches), speech, question.understood, question)

    def _count(self, question: Question, clear: list[int]) -> tuple[int, bool]:
        """How many things answer, and whether there may be more; `clear` are those that stand as asked."""
        if question.thing is None or question.anchor is not None:
            return self._candidates.count(clear)
        return self._candidates.count_described(question.thing, question, room=question.room, least=CLEAR)

    def forget(self) -> None:
        """Drop what is known of the store, as after another one was loaded into it."""
        self._candidates.forget()

    def understand(self, text: str, now_ns: int) -> Question:
        """Read a question; see `Memory.understand`."""
        return understand(text, now_ns, self.config.timezone, _parser())

    def _look_up(self, question: Question) -> tuple[list[Candidate], list[int]]:
        if question.thing is None:
            return self._contents(question)
        return self._state(question) if question.kind is Kind.STATE else self._find(question)

    def _find(self, question: Question) -> tuple[list[Candidate], list[int]]:
        """The best candidates, and the rows of all that clearly are what was asked for."""
        assert question.thing is not None
        counts = question.kind is Kind.COUNT and question.anchor is not None
        fits = self._candidates.described(
            question.thing,
            question,
            room=question.room,
            least=question.min_score,
            most=_ALL if counts else _MOST_RELATED,
        )
        if question.anchor is None:
            clear = [fit.number for fit in fits if fit.score >= CLEAR]
            return self._candidates.read(fits[: question.max_matches]), clear
        around = self._around(question)
        likenesses = around.stand(question.location, [fit.number for fit in fits])
        found = [
            (Fit.of(fit.number, fit.score * likeness.score, -fit.unseen), likeness)
            for fit, likeness in zip(fits, likenesses, strict=True)
        ]
        clear = [fit.number for fit, _ in found if fit.score >= CLEAR]
        return self._best(found, around, question), clear

    def _state(self, question: Question) -> tuple[list[Candidate], list[int]]:
        """What fits but for its state: first where the state is known, and of these what was seen last."""
        assert question.thing is not None
        asked = question.thing.attributes
        states = {STATES[text] for text in asked & STATES.keys()}
        thing = replace(question.thing, attributes=asked - STATES.keys())
        fits = self._candidates.described(
            thing, question, room=question.room, least=question.min_score, most=_MOST_RELATED
        )
        found = self._candidates.read(fits)
        best = found[0].score if found else 0.0

        def rank(one: Candidate) -> tuple[bool, bool, int]:
            known = {STATES.get(text) for text in attributes_of(one.row)}
            return one.score < best - _AS_GOOD, not states & known, -one.row["last_seen"]

        found.sort(key=rank)
        if found and states and not states & {STATES.get(text) for text in attributes_of(found[0].row)}:
            found = [*self._parts_in_state(found[0], states), *found]
        clear = [one.row["id"] for one in found if one.score >= CLEAR]
        return found[: question.max_matches], clear

    def _parts_in_state(self, whole: Candidate, states: set[str]) -> list[Candidate]:
        """The parts of a thing whose state is known: the door of a refrigerator that is asked to be open."""
        related = relations_of(self._store.db, [whole.row["id"]])
        parts = [one.object for one in related if one.subject == whole.row["id"] and one.predicate == "have"]
        known = self._candidates.read([Fit.of(number, whole.score, 0) for number in parts])
        return [part for part in known if states <= {STATES.get(text) for text in attributes_of(part.row)}]

    def _contents(self, question: Question) -> tuple[list[Candidate], list[int]]:
        """What stands so to the anchor, with the rows of all of it; or is in the room, or was seen last."""
        if question.anchor is None and question.room:
            return self._candidates.in_room(question.room, question, question.max_matches), []
        if question.anchor is None:
            rows = select(self._store, "gone = 0", (), question, most=_MOST_RECENT)
            things = [Candidate(row, row["trust"]) for row in rows if row["head"] not in STRUCTURE]
            return things[: question.max_matches], []
        around = self._around(question)
        found = []
        for row, likeness in around.inhabitants(question):
            score = likeness.score * row["trust"] * room_score(question.room, row["room"])
            found.append((Fit.of(row["id"], score, row["last_seen"]), likeness))
        fitting = [fit.number for fit, _ in found if fit.score >= question.min_score]
        return self._best(found, around, question), fitting

    def _best(
        self, found: list[tuple[Fit, Likeness]], around: Surroundings, question: Question
    ) -> list[Candidate]:
        """The best of what stands to the anchor as asked, read with the words for how it does."""
        enough = [pair for pair in found if pair[0].score >= question.min_score]
        best = sorted(enough, key=lambda pair: pair[0])[: question.max_matches]
        return [
            replace(candidate, observation=likeness.observation, relation=around.words(likeness))
            for candidate, (_, likeness) in zip(
                self._candidates.read([fit for fit, _ in best]), best, strict=True
            )
        ]

    def _around(self, question: Question) -> Surroundings:
        """What is around the things that the anchor of the question may be."""
        assert question.anchor is not None
        fits = self._candidates.described(question.anchor, Question(question.text), most=_MOST_RELATED)
        most = max((fit.score for fit in fits), default=0.0)
        anchors = {fit.number: fit.score / most for fit in fits if fit.score >= 0.5 * most > 0.0}
        return Surroundings(self._store, anchors, question.anchor.attributes, self.config.near_radius)

    def _match(self, candidate: Candidate) -> Match:
        relation = candidate.relation or describe_relation(self._store, candidate.row)
        return match_of(
            self._store, candidate.row, candidate.score, observation=candidate.observation, relation=relation
        )


def _parser() -> Callable[[str], SceneTriples]:
    from ser_ros.graph.parser import parse

    return parse
