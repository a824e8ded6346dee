"""What stands near, on, in another thing: by what captions said, else by the places in view."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

import numpy as np

from ser_ros.graph.memory.grid import cell
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.relations import Relation, relations_of
from ser_ros.graph.memory.rows import attributes_of, select
from ser_ros.graph.memory.speech import a_thing
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import BESIDE, INVERSE, LOCATION_WORDS, STRUCTURE

# Fit of a relation that captions stated so, stated the other way round, stated once and no more; of a
# place in view nearby; of nothing known.
_STATED, _INVERSE, _HISTORY, _NEARBY, _UNKNOWN = 1.0, 0.9, 0.5, 0.7, 0.25
# Things looked at around one anchor, the ones seen last.
_MOST_AROUND = 200


@dataclass(frozen=True)
class Likeness:
    """How well a thing stands to the anchor, the caption that says so, and the words for it."""

    score: float
    observation: int | None = None
    words: str = ""


class Surroundings:
    """The things around some anchors.

    Args:
        anchors: (row, how well it fits what was asked, in [0, 1]).
        looks: attributes that were asked of the anchor, to name it by.
        near_radius: metres between places in view that count as near.
    """

    def __init__(
        self,
        store: Store,
        anchors: list[tuple[sqlite3.Row, float]],
        looks: frozenset[str],
        near_radius: float,
    ):
        self._store, self._looks, self._radius = store, looks, near_radius
        self._anchors = {row["id"]: (row, score) for row, score in anchors}
        self._relations = relations_of(store.db, self._anchors)
        placed = [(row, score) for row, score in anchors if row["view_x"] is not None]
        # x, y, score and row of each anchor with a place in view, [anchors]
        self._placed = (
            np.array([row["view_x"] for row, _ in placed]),
            np.array([row["view_y"] for row, _ in placed]),
            np.array([score for _, score in placed]),
            np.array([row["id"] for row, _ in placed], np.int64),
        )

    def stand(self, location: str, rows: list[sqlite3.Row]) -> list[Likeness]:
        """How each object stands to the best anchor for it."""
        stated = self._stated(location)
        nearby = self._nearby(location, rows)
        return [
            max(stated.get(row["id"], _NOTHING), near, key=lambda one: one.score)
            for row, near in zip(rows, nearby, strict=True)
        ]

    def inhabitants(self, question: Question) -> list[tuple[sqlite3.Row, Likeness]]:
        """Objects that stand so to an anchor, with how well they do."""
        stated = self._stated(question.location)
        found = {row["id"]: (row, stated[row["id"]]) for row in self._rows(list(stated), question)}
        if question.location == "near":
            for anchor, _ in list(self._anchors.values())[:20]:
                around = [row for row in self._around(anchor, question) if row["id"] not in self._anchors]
                for row, likeness in zip(around, self._nearby("near", around), strict=True):
                    if likeness.score > found.get(row["id"], (row, _NOTHING))[1].score:
                        found[row["id"]] = (row, likeness)
        return [pair for pair in found.values() if pair[0]["head"] not in STRUCTURE]

    def _stated(self, location: str) -> dict[int, Likeness]:
        stated: dict[int, Likeness] = {}
        for relation in self._relations:
            for thing, anchor, forward in (
                (relation.subject, relation.object, True),
                (relation.object, relation.subject, False),
            ):
                if anchor not in self._anchors or thing == anchor:
                    continue
                fit = _fit(location, relation, forward) * self._anchors[anchor][1]
                if fit > stated.get(thing, _NOTHING).score:
                    stated[thing] = Likeness(fit, relation.observation, self._phrase(location, anchor))
        return stated

    def _nearby(self, location: str, rows: list[sqlite3.Row]) -> list[Likeness]:
        """How each object stands to the anchors by their places in view."""
        x, y, scores, numbers = self._placed
        if location not in BESIDE | {"in"} or not numbers.size or not rows:
            return [_NOTHING] * len(rows)
        points = np.array([(row["view_x"], row["view_y"]) for row in rows], np.float64)  # NaN for None
        distances = np.hypot(points[:, :1] - x, points[:, 1:] - y)  # [rows, anchors]
        others = numbers != np.array([row["id"] for row in rows])[:, None]
        fits = np.where((distances <= self._radius) & others, scores, 0.0)
        fits *= _NEARBY if location == "near" else _UNKNOWN * 1.4
        return [
            Likeness(float(fit[best]), None, self._phrase("near", int(numbers[best])))
            if fit[best] > _UNKNOWN
            else _NOTHING
            for fit, best in zip(fits, fits.argmax(axis=1), strict=True)
        ]

    def _around(self, anchor: sqlite3.Row, question: Question) -> list[sqlite3.Row]:
        if anchor["view_x"] is None:
            return []
        x, y, radius = anchor["view_x"], anchor["view_y"], self._radius
        size = float(self._store.meta("object_grid"))
        where = """object.cell_x BETWEEN ? AND ? AND object.cell_y BETWEEN ? AND ?
            AND (view_x - ?) * (view_x - ?) + (view_y - ?) * (view_y - ?) <= ?"""
        cells = [cell(value + side, size) for value in (x, y) for side in (-radius, radius)]
        return select(self._store, where, (*cells, x, x, y, y, radius * radius), question, _MOST_AROUND)

    def _rows(self, numbers: list[int], question: Question) -> list[sqlite3.Row]:
        where = "object.id IN (SELECT value FROM json_each(?))"
        return select(self._store, where, (json.dumps(numbers),), question)

    def _phrase(self, location: str, anchor: int) -> str:
        row, place = self._anchors[anchor][0], LOCATION_WORDS.get(location, location)
        if not self._looks:
            return f"{place} the {row['label']}"
        return f"{place} {a_thing(row['label'], self._looks & attributes_of(row), article='the')}"


_NOTHING = Likeness(_UNKNOWN)


def _fit(location: str, relation: Relation, forward: bool) -> float:
    """How well "subject predicate object" answers "thing `location` anchor"."""
    states = relation.location if forward else INVERSE.get(relation.location, "")
    if location == "in" and forward and "wear" in relation.predicate:
        states = "in"  # "the person in the yellow shirt"
    if not states:
        return 0.0
    truth = (_STATED if forward else _INVERSE) if relation.current else _HISTORY
    if states == location:
        return truth
    # What is on a table is near it; what is under "on" one hangs on the words of one caption.
    return 0.9 * truth if location == "near" and states in BESIDE else 0.0


def describe_relation(store: Store, row: sqlite3.Row) -> str:
    """Where an object is, in words, by the newest caption that says so: "on the table"; "" without one.

    "The mirror to the left of the mirror" helps nobody: things of the same name are passed over.
    """
    for relation in relations_of(store.db, [row["id"]]):
        if relation.subject == row["id"] and relation.current and relation.location not in ("", "has"):
            label = store.db.execute(
                "SELECT label FROM object WHERE id = ? AND label <> ?", (relation.object, row["label"])
            ).fetchone()
            if label is not None:
                return f"{LOCATION_WORDS.get(relation.location, relation.location)} the {label[0]}"
    return ""
