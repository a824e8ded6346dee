"""Looks up what a question asks for: candidates by name from the index, scored, the best with support."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import nsmallest

from ser_ros.graph.memory.answer import Answer, Match
from ser_ros.graph.memory.changes import changes
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.identity import Name, NameRule
from ser_ros.graph.memory.question import Description, Kind, Question, understand
from ser_ros.graph.memory.rows import attributes_of, match_of, select
from ser_ros.graph.memory.scoring import attribute_score, name_score, room_score
from ser_ros.graph.memory.speech import say
from ser_ros.graph.memory.spelling import spelt
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import Surroundings, describe_relation
from ser_ros.graph.memory.vocabulary import STRUCTURE
from ser_ros.graph.triples import SceneTriples

# Candidates that pass on to the costlier look at their relations.
_MOST_RELATED = 300
# "What do you see?" is about what was seen last.
_MOST_RECENT = 50
_GONE = 0.9


@dataclass(frozen=True)
class Candidate:
    """A remembered object that may be the answer."""

    row: sqlite3.Row
    score: float
    observation: int | None = None
    relation: str = ""


class Search:
    """Answers questions from a store; works on a store that another process writes."""

    def __init__(self, store: Store, config: MemoryConfig, names: NameRule):
        self.config, self._store, self._names = config, store, names
        self._labels: list[Name] = []
        self._labels_at: tuple[int, int] | None = None

    def answer(self, question: Question | str, now_ns: int) -> Answer:
        """The answer to a question; see `Memory.query`."""
        if isinstance(question, str):
            question = self.understand(question, now_ns)
        question = spelt(question, self._known_labels())
        if question.kind is Kind.CHANGES:
            matches = self._changes(question)
        else:
            candidates = self._contents(question) if question.thing is None else self._find(question)
            matches = [self._match(candidate) for candidate in candidates[: question.max_matches]]
        speech = say(question, matches, now_ns, self.config.timezone)
        return Answer(tuple(matches), speech, question.understood, question)

    def forget(self) -> None:
        """Drop what is known of the store, as after another one was loaded into it."""
        self._labels_at = None

    def understand(self, text: str, now_ns: int) -> Question:
        """Read a question; see `Memory.understand`."""
        return understand(text, now_ns, self.config.timezone, _parser())

    def _find(self, question: Question) -> list[Candidate]:
        assert question.thing is not None
        found = self._described(question.thing, question, question.room)
        if question.anchor is not None:
            found = self._related(found, question)
        limit = 0.0 if question.kind is Kind.STATE else question.min_score
        return [candidate for candidate in _best(found) if candidate.score >= limit]

    def _contents(self, question: Question) -> list[Candidate]:
        """Anything that stands so to the anchor, or is in the room."""
        if question.anchor is None:
            if question.room:
                rows = select(self._store, "coalesce(home.room, place.room) = ?", (question.room,), question)
                rows.sort(key=lambda row: (row["gone"], -_trust(row)))
            else:
                rows = select(self._store, "gone = 0", (), question, _MOST_RECENT)
            return [Candidate(row, _trust(row)) for row in rows if row["head"] not in STRUCTURE]
        around = Surroundings(self._store, self._anchors(question), self.config.near_radius)
        found = []
        for row, likeness in around.inhabitants(question):
            score = likeness.score * _trust(row) * room_score(question.room, row["room"])
            found.append(Candidate(row, score, likeness.observation, likeness.words))
        return [candidate for candidate in _best(found) if candidate.score >= question.min_score]

    def _related(self, found: list[Candidate], question: Question) -> list[Candidate]:
        around = Surroundings(self._store, self._anchors(question), self.config.near_radius)
        likenesses = around.stand(question.location, [candidate.row for candidate in found])
        return [
            replace(
                candidate,
                score=candidate.score * likeness.score,
                observation=likeness.observation,
                relation=likeness.words,
            )
            for candidate, likeness in zip(found, likenesses, strict=True)
        ]

    def _anchors(self, question: Question) -> list[tuple[sqlite3.Row, float]]:
        assert question.anchor is not None
        anywhere = Question(question.text)
        best = self._described(question.anchor, anywhere)
        most = max((candidate.score for candidate in best), default=0.0)
        return [
            (candidate.row, candidate.score / most)
            for candidate in best
            if candidate.score >= 0.5 * most > 0.0
        ]

    def _described(self, thing: Description, question: Question, room: str = "") -> list[Candidate]:
        """The objects that fit a description best, in the room where one is asked for."""
        rooms = [name for name in (thing.room, room) if name]
        found: list[tuple[float, int, int, float, sqlite3.Row]] = []
        looks: dict[str, float] = {}  # thousands of rows share few sets of attributes
        # Rare names must not be crowded out by thousands of one that fits as well.
        for label, score in sorted(self._fits(thing).items(), key=lambda pair: (-pair[1], pair[0]))[:64]:
            for row in select(self._store, "label = ?", (label,), question, brief=not rooms):
                texts = row["attributes"]
                if texts not in looks:
                    looks[texts] = attribute_score(thing.attributes, attributes_of(row))
                fit = score * looks[texts] * _trust(row)
                for name in rooms:
                    fit *= room_score(name, row["room"])
                found.append((-round(fit, 2), -row["last_seen"], row["id"], fit, row))
        best = nsmallest(_MOST_RELATED, found, key=lambda one: one[:3])
        rows = self._whole([row for *_, row in best], brief=not rooms)
        return [Candidate(row, fit) for (*_, fit, _), row in zip(best, rows, strict=True)]

    def _whole(self, found: list[sqlite3.Row], *, brief: bool) -> list[sqlite3.Row]:
        """The same objects with all columns."""
        if not brief:
            return found
        numbers = [row["id"] for row in found]
        marks = ",".join("?" * len(numbers))
        whole = {
            row["id"]: row for row in select(self._store, f"object.id IN ({marks})", numbers, Question(""))
        }
        return [whole[number] for number in numbers]

    def _fits(self, thing: Description) -> dict[str, float]:
        """How well each known label names the thing, those that do."""
        scores = {name.label: name_score(thing, name, self._names) for name in self._known_labels()}
        return {label: score for label, score in scores.items() if score > 0.0}

    def _known_labels(self) -> list[Name]:
        db = self._store.db
        version = (db.execute("PRAGMA data_version").fetchone()[0], db.total_changes)
        if version != self._labels_at:
            rows = db.execute("SELECT label, min(head) FROM object GROUP BY label")
            self._labels = [Name(label, head) for label, head in rows]
            self._labels_at = version
        return self._labels

    def _match(self, candidate: Candidate) -> Match:
        relation = candidate.relation or describe_relation(self._store, candidate.row["id"])
        return match_of(
            self._store, candidate.row, candidate.score, observation=candidate.observation, relation=relation
        )

    def _changes(self, question: Question) -> list[Match]:
        found = changes(self._store, question)
        if (thing := question.thing) is not None:
            fits = self._fits(thing)
            found = [
                match
                for match in found
                if fits.get(match.label, 0.0) * attribute_score(thing.attributes, frozenset(match.attributes))
                >= question.min_score
            ]
        return [match for match in found if not question.room or match.room == question.room][
            : question.max_matches
        ]


def _best(candidates: list[Candidate]) -> list[Candidate]:
    """Best first; of those that fit as well, within a hundredth, the one seen last."""
    return sorted(candidates, key=lambda one: (-round(one.score, 2), -one.row["last_seen"], one.row["id"]))


def _trust(row: sqlite3.Row) -> float:
    """How far an object is to be believed: that one of its captions is right, and that it is still there."""
    confidence = min(1.0, row["confidence_sum"] / row["times_seen"])
    right = 1.0 - (1.0 - confidence) ** row["times_seen"]
    return (0.7 + 0.3 * right) * (_GONE if row["gone"] else 1.0)


def _parser() -> Callable[[str], SceneTriples]:
    from ser_ros.graph.parser import parse

    return parse
