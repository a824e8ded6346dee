"""What stands near, on, in another thing: by what captions said, else by the places in view."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ser_ros.graph.memory.grid import SQUARED_DISTANCE, cells_around
from ser_ros.graph.memory.naming import a_thing
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.relations import Relation, relations_of
from ser_ros.graph.memory.rows import RANKED, select
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import BESIDE, INVERSE, LOCATION_WORDS, STRUCTURE

# Fit of a relation that captions stated so, stated the other way round, stated once and no more; of a
# place in view nearby; of nothing known.
_STATED, _INVERSE, _HISTORY, _NEARBY, _UNKNOWN = 1.0, 0.9, 0.45, 0.7, 0.25
# Anchors whose neighbourhood is looked at, the best; things looked at in it, the ones seen last.
_MOST_CENTRES, _MOST_AROUND = 20, 200


class Likeness(NamedTuple):
    """How well a thing stands to an anchor.

    Attributes:
        observation: the caption that says so; None where the places in view do.
        anchor: row of the anchor; None where nothing is known.
        location: how it stands to it.
        by_place: no caption says so, only the places in view.
    """

    score: float
    observation: int | None = None
    anchor: int | None = None
    location: str = ""
    by_place: bool = False


class Surroundings:
    """The things around some anchors.

    Args:
        anchors: {row: how well it fits what was asked, in [0, 1]}, the best first.
        looks: attributes that were asked of the anchor, to name it by.
        near_radius: metres between places in view that count as near.
        question: limits the time; relations hold as they were known at its end.
    """

    def __init__(
        self,
        store: Store,
        anchors: dict[int, float],
        looks: frozenset[str],
        near_radius: float,
        question: Question,
    ):
        self._store, self._anchors, self._looks, self._radius = store, anchors, looks, near_radius
        since = question.since_ns or 0
        self._relations = [
            relation
            for relation in relations_of(store.db, anchors, question.until_ns)
            if relation.last_seen >= since
        ]
        self._points = self._places_in_view(list(anchors))
        placed = [number for number in anchors if number in self._points]
        # x, y, score and row of each anchor with a place in view, [anchors]
        self._placed = (
            np.array([self._points[number][0] for number in placed]),
            np.array([self._points[number][1] for number in placed]),
            np.array([anchors[number] for number in placed]),
            np.array(placed, np.int64),
        )

    def standing(self, location: str, labels: Sequence[str] | None) -> dict[int, Likeness]:
        """How well objects stand so to an anchor: all said to; of some labels (None is any) those near it."""
        found = self._stated(location)
        for number, likeness in self._nearby(location, self._in_cells_around(labels)).items():
            if likeness.score > found.get(number, _NOTHING).score:
                found[number] = likeness
        return found

    def inhabitants(self, question: Question) -> list[tuple[sqlite3.Row, Likeness]]:
        """Objects (columns `RANKED`) that stand so to an anchor, with how well they do."""
        stated = self._stated(question.location)
        if question.since_ns is None:
            stated = {number: likeness for number, likeness in stated.items() if likeness.anchor is not None}
        found = {row["id"]: (row, stated[row["id"]]) for row in self._rows(list(stated), question)}
        if question.location == "near":
            around = {row["id"]: row for row in self._around(question) if row["id"] not in self._anchors}
            points = {number: (row["view_x"], row["view_y"]) for number, row in around.items()}
            for number, likeness in self._nearby("near", points).items():
                if likeness.score > found.get(number, (None, _NOTHING))[1].score:
                    found[number] = (around[number], likeness)
        return [pair for pair in found.values() if pair[0]["head"] not in STRUCTURE]

    def words(self, likeness: Likeness) -> str:
        """How a thing stands to the anchor, as in "near the red sofa"; "" where nothing is known."""
        if likeness.anchor is None:
            return ""
        label, texts = self._store.db.execute(
            "SELECT label, attributes FROM object WHERE id = ?", (likeness.anchor,)
        ).fetchone()
        place = LOCATION_WORDS.get(likeness.location, likeness.location)
        if not self._looks:
            return f"{place} the {label}"
        return f"{place} {a_thing(label, self._looks & set(texts.split('|')), article='the')}"

    def _stated(self, location: str) -> dict[int, Likeness]:
        stated: dict[int, Likeness] = {}
        for relation in self._relations:
            for thing, anchor, forward in (
                (relation.subject, relation.object, True),
                (relation.object, relation.subject, False),
            ):
                if anchor not in self._anchors or thing == anchor:
                    continue
                fit = _fit(location, relation, forward) * self._anchors[anchor]
                if fit <= stated.get(thing, _NOTHING).score:
                    continue
                stated[thing] = Likeness(fit)  # what was so tells nothing of where it is now
                if relation.current:
                    stated[thing] = Likeness(fit, relation.observation, anchor, location)
        return stated

    def _nearby(self, location: str, points: dict[int, tuple[float, float]]) -> dict[int, Likeness]:
        """How objects stand to the anchors by their places in view, where that tells anything."""
        x, y, scores, numbers = self._placed
        if location not in BESIDE | {"in"} or not numbers.size or not points:
            return {}
        things, places = np.array(list(points), np.int64), np.array(list(points.values()))
        squared = (places[:, :1] - x) ** 2 + (places[:, 1:] - y) ** 2  # [things, anchors]
        fits = np.where((squared <= self._radius**2) & (numbers != things[:, None]), scores, 0.0)
        fits *= _NEARBY if location == "near" else _UNKNOWN * 1.4
        best = fits.argmax(axis=1)
        return {
            thing: Likeness(score, None, anchor, "near", by_place=True)
            for thing, score, anchor in zip(
                points, fits[np.arange(len(best)), best].tolist(), numbers[best].tolist(), strict=True
            )
            if score > _UNKNOWN
        }

    def _around(self, question: Question) -> list[sqlite3.Row]:
        """What is taken to be near the best anchors."""
        size, rows = float(self._store.meta("object_grid")), []
        for number in list(self._anchors)[:_MOST_CENTRES]:
            if number in self._points:
                x, y = self._points[number]
                near, cells = cells_around(x, y, self._radius, size, "object.")
                rows += select(
                    self._store, f"{near} AND {SQUARED_DISTANCE} <= ?", (*cells, x, x, y, y, self._radius**2),
                    question, most=_MOST_AROUND, columns=RANKED,
                )  # fmt: skip
        return rows

    def _in_cells_around(self, labels: Sequence[str] | None) -> dict[int, tuple[float, float]]:
        """Places in view of the objects with such labels in cells that are within the radius of an anchor."""
        size = float(self._store.meta("object_grid"))
        x, y, _, _ = self._placed
        if not x.size:
            return {}
        steps = np.arange(-math.ceil(self._radius / size), math.ceil(self._radius / size) + 1)
        column, line = np.floor(x / size).astype(int), np.floor(y / size).astype(int)
        cells = {
            (int(one), int(other))
            for step in steps
            for jump in steps
            for one, other in zip(column + step, line + jump, strict=True)
        }
        # One index alone tells which objects these are: thousands of others are not read.
        if labels is None:
            rows = self._store.db.execute(
                """SELECT object.id FROM json_each(?) AS cell CROSS JOIN object
                ON cell_x = json_extract(cell.value, '$[0]') AND cell_y = json_extract(cell.value, '$[1]')""",
                (json.dumps(sorted(cells)),),
            )
            return self._places_in_view([number for (number,) in rows])
        rows = self._store.db.execute(
            """SELECT cell_x, cell_y, id FROM object WHERE label IN (SELECT value FROM json_each(?))
            AND cell_x BETWEEN ? AND ?""",
            (json.dumps(labels), min(cells)[0], max(cells)[0]),
        )
        return self._places_in_view([number for column, line, number in rows if (column, line) in cells])

    def _rows(self, numbers: list[int], question: Question) -> list[sqlite3.Row]:
        where = "object.id IN (SELECT value FROM json_each(?))"
        return select(self._store, where, (json.dumps(numbers),), question, columns=RANKED)

    def _places_in_view(self, numbers: list[int]) -> dict[int, tuple[float, float]]:
        """Where objects are taken to be, metres; of those that were seen from a known pose."""
        rows = self._store.db.execute(
            """SELECT id, view_x, view_y FROM object
            WHERE id IN (SELECT value FROM json_each(?)) AND view_x IS NOT NULL""",
            (json.dumps(numbers),),
        )
        return {number: (x, y) for number, x, y in rows}


_NOTHING = Likeness(_UNKNOWN)


def _fit(location: str, relation: Relation, forward: bool) -> float:
    """How well "subject predicate object" answers "thing `location` anchor"."""
    states = relation.location if forward else INVERSE.get(relation.location, "")
    if location == "in" and forward and "wear" in relation.predicate:
        states = "in"  # "the person in the yellow shirt"
    if not states:
        return 0.0
    truth = (_STATED if forward else _INVERSE) if relation.current else _HISTORY
    if states == location or (states, location) == ("of", "in"):  # milk that a bottle has is in it
        return truth
    # What is on a table is near it; what is under "on" one hangs on the words of one caption.
    return 0.9 * truth if location == "near" and states in BESIDE else 0.0


def describe_relation(store: Store, row: Mapping[str, Any] | sqlite3.Row, until_ns: int | None = None) -> str:
    """Where an object is, or was by `until_ns`, by the newest caption that says so: "on the table"; else "".

    "The mirror to the left of the mirror" helps nobody: things of the same name are passed over.
    """
    for relation in relations_of(store.db, [row["id"]], until_ns):
        if relation.subject == row["id"] and relation.current and relation.location not in ("", "has"):
            label = store.db.execute(
                "SELECT label FROM object WHERE id = ? AND label <> ?", (relation.object, row["label"])
            ).fetchone()
            if label is not None:
                return f"{LOCATION_WORDS.get(relation.location, relation.location)} the {label[0]}"
    return ""
