"""The objects that fit a description best, found without reading all that might.

Things that look alike, of one label and one set of attributes, fit equally well but for their trust, by
which the index `object_look` sorts them. Looks are read from the best fit downwards until no other can
reach what was found: of ten thousand chairs a few hundred are read, and the one red chair always is.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ser_ros.graph.memory.history import Glimpse
from ser_ros.graph.memory.identity import Name, NameRule
from ser_ros.graph.memory.question import ANYTHING, Description, Question
from ser_ros.graph.memory.rows import limits_of, select, still_there
from ser_ros.graph.memory.scoring import NO_ROOM, OTHER_ROOM, look_score, name_score
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import STRUCTURE

# Names that are looked at for one description: the best. Where anything may be meant, all.
_MOST_LABELS = 64
# An index alone gives the labels: one step for each, not one for each object.
_LABELS = """WITH RECURSIVE name (label) AS (
    SELECT min(label) FROM object
    UNION ALL SELECT (SELECT min(object.label) FROM object WHERE object.label > name.label)
    FROM name WHERE label IS NOT NULL)
SELECT label, (SELECT head FROM object WHERE object.label = name.label
    ORDER BY object.attributes, trust, last_seen LIMIT 1) FROM name WHERE label IS NOT NULL"""


# The objects of one look, and the places that know their rooms.
_OF_LOOK = """object ON object.label = json_extract(look.value, '$[0]')
    AND object.attributes = json_extract(look.value, '$[1]')"""
_ROOMS = """LEFT JOIN place ON place.id = object.place LEFT JOIN place AS home ON home.id = object.home"""


@dataclass(frozen=True)
class Candidate:
    """A remembered object that may be the answer.

    Attributes:
        row: columns `rows.COLUMNS`, as they are or were at the time of the question.
        observation: the caption that supports it; None is the newest that does.
        then: it is told as it was known at an earlier time.
        after, stayed: for that, see `history.Past`.
    """

    row: Mapping[str, Any] | sqlite3.Row
    score: float
    observation: int | None = None
    relation: str = ""
    then: bool = False
    after: Glimpse | None = None
    stayed: bool = False


class Fit(NamedTuple):
    """How well an object fits, before it is read; the best sorts first.

    Attributes:
        rank: minus the score in hundredths; of those that fit as well the one seen last is first.
        unseen: minus the stamp of the newest image that showed it.
        number: row of the object.
    """

    rank: int
    unseen: int
    number: int
    score: float

    @classmethod
    def of(cls, number: int, score: float, last_seen: int) -> Fit:
        """The fit of an object with its score."""
        return cls(-_hundredths(score), -last_seen, number, score)


class Candidates:
    """Looks up objects of a store by name, look and room."""

    def __init__(self, store: Store, names: NameRule):
        self._store, self._names = store, names
        self._labels: list[Name] = []
        self._labels_at: tuple[int, ...] | None = None

    def forget(self) -> None:
        """Drop what is known of the store, as after another one was loaded into it."""
        self._labels_at = None

    def labels(self) -> list[Name]:
        """The names of the things in the store."""
        db = self._store.db
        version = (id(db), db.execute("PRAGMA data_version").fetchone()[0], db.total_changes)
        if version != self._labels_at:
            self._labels = known_names(self._store)
            self._labels_at = version
        return self._labels

    def name_scores(self, thing: Description) -> dict[str, float]:
        """How well each known label names the thing, those that do."""
        scores = {name.label: name_score(thing, name, self._names) for name in self.labels()}
        return {label: score for label, score in scores.items() if score > 0.0}

    def described(
        self,
        thing: Description,
        question: Question,
        *,
        room: str = "",
        least: float = 0.0,
        most: int = 300,
        among: Sequence[int] | None = None,
    ) -> list[Fit]:
        """The `most` objects that fit a description best, best first.

        Args:
            question: limits time and area.
            room: where one is asked for, besides that of the thing.
            least: what fits worse is left out.
            among: rows of the objects that may be meant; None is all.
        """
        rooms = list(filter(None, (thing.room, room)))
        looks = self._looks(thing)
        if among is not None:
            fits = self._among(among, looks, question, rooms)
            return [fit for fit in fits if fit.score >= least][:most]
        found: list[Fit] = []
        for score in sorted(looks, reverse=True):
            if score < least or (len(found) == most and found[-1].rank < -_hundredths(score)):
                break
            found = sorted([*found, *self._alike(looks[score], score, question, rooms, most)])[:most]
        return [fit for fit in found if fit.score >= least]

    def in_room(self, room: str, question: Question, most: int) -> list[Candidate]:
        """What is in a room, the most trusted first; no walls and floors."""
        limits, values = limits_of(question)
        marks = ",".join("?" * len(STRUCTURE))
        # Each half reads one index: object_home and object_homeless.
        things = f"""SELECT id, gone, trust, last_seen FROM object
            WHERE {{}} IN (SELECT id FROM place WHERE room = ?) AND head NOT IN ({marks}) {limits}"""
        some = (room, *sorted(STRUCTURE), *values)
        rows = self._store.db.execute(
            f"""SELECT id, trust, last_seen FROM ({things.format("home")}
            UNION ALL {things.format("home IS NULL AND place")})
            ORDER BY gone <> 0, trust DESC, last_seen DESC, id LIMIT ?""",
            (*some, *some, most),
        )
        return self.read([Fit.of(*row) for row in rows])

    def read(self, fits: Sequence[Fit]) -> list[Candidate]:
        """The same objects with all that is known of them."""
        numbers = json.dumps([fit.number for fit in fits])
        where = "object.id IN (SELECT value FROM json_each(?))"
        rows = {row["id"]: row for row in select(self._store, where, (numbers,), Question(""))}
        return [Candidate(rows[fit.number], fit.score) for fit in fits]

    def count(self, numbers: Sequence[int], question: Question) -> tuple[int, bool]:
        """How many things those of some objects are that are not gone, and whether there may be more.

        Args:
            question: its time is that at which they are not gone.
        """
        objects = "object WHERE id IN (SELECT value FROM json_each(?))"
        return self._count(objects, (json.dumps(numbers),), question)

    def count_described(
        self, thing: Description, question: Question, *, room: str, least: float
    ) -> tuple[int, bool]:
        """The same of all objects that fit a description, however many; arguments as for `described`."""
        looks = self._looks(thing)
        alike = [(label, texts, score) for score in looks if score >= least for label, texts in looks[score]]
        rooms = list(filter(None, (thing.room, room)))
        room_fit, join = _room_fit(rooms)
        limits, values = limits_of(question)
        objects = f"""json_each(?) AS look CROSS JOIN {_OF_LOOK} {join}
            WHERE json_extract(look.value, '$[2]') * trust * {room_fit} >= ? {limits}"""
        return self._count(objects, (json.dumps(alike), *rooms, least, *values), question)

    def _count(self, objects: str, values: Sequence[Any], question: Question) -> tuple[int, bool]:
        there, time = still_there(question)
        things, vague = self._store.db.execute(
            f"""SELECT total(coalesce(object.count, 1 + plural)), total(plural AND object.count IS NULL)
            FROM {objects} AND {there}""",
            (*values, *time),
        ).fetchone()
        return int(things), bool(vague)

    def _looks(self, thing: Description) -> dict[float, list[tuple[str, str]]]:
        """Known pairs of label and attributes by how well they fit the description."""
        scores = sorted(self.name_scores(thing).items(), key=lambda pair: (-pair[1], pair[0]))
        names = dict(scores if thing.label == ANYTHING else scores[:_MOST_LABELS])
        looks: dict[float, list[tuple[str, str]]] = defaultdict(list)
        for label, texts in self._store.db.execute(
            """SELECT label, attributes FROM object WHERE label IN (SELECT value FROM json_each(?))
            GROUP BY label, attributes""",
            (json.dumps(list(names)),),
        ):
            look = look_score(thing, label, frozenset(filter(None, texts.split("|"))))
            looks[names[label] * look].append((label, texts))
        return looks

    def _alike(
        self, looks: list[tuple[str, str]], score: float, question: Question, rooms: list[str], most: int
    ) -> list[Fit]:
        """The best objects of some looks that fit as well as each other."""
        limits, values = limits_of(question)
        room_fit, join = _room_fit(rooms)
        rows = self._store.db.execute(
            f"""SELECT object.id, last_seen, ? * trust * {room_fit} AS fit FROM json_each(?) AS look
            CROSS JOIN {_OF_LOOK} {join} WHERE 1 {limits}
            ORDER BY round(100.0 * fit) DESC, last_seen DESC, object.id LIMIT ?""",
            (score, *rooms, json.dumps(looks), *values, most),
        )
        return [Fit.of(number, fit, last_seen) for number, last_seen, fit in rows]

    def _among(
        self,
        numbers: Sequence[int],
        looks: Mapping[float, list[tuple[str, str]]],
        question: Question,
        rooms: list[str],
    ) -> list[Fit]:
        """Those of some objects that have one of the looks, best first."""
        scores = {look: score for score, alike in looks.items() for look in alike}
        limits, values = limits_of(question)
        room_fit, join = _room_fit(rooms)
        rows = self._store.db.execute(
            f"""SELECT object.id, label, attributes, last_seen, trust * {room_fit} FROM object {join}
            WHERE object.id IN (SELECT value FROM json_each(?)) {limits}""",
            (*rooms, json.dumps(list(numbers)), *values),
        )
        return sorted(
            Fit.of(number, scores[label, texts] * fit, last_seen)
            for number, label, texts, last_seen, fit in rows
            if (label, texts) in scores
        )


def known_names(store: Store) -> list[Name]:
    """The names of the things in a store, by label."""
    return [Name(label, head) for label, head in store.db.execute(_LABELS)]


def _room_fit(rooms: Sequence[str]) -> tuple[str, str]:
    """How well an object's room fits those asked for, one value each, and the tables that this needs."""
    if not rooms:
        return "1.0", ""
    room = f"""CASE coalesce(home.room, place.room, '')
        WHEN ? THEN 1.0 WHEN '' THEN {NO_ROOM} ELSE {OTHER_ROOM} END"""
    return " * ".join([room] * len(rooms)), _ROOMS


def _hundredths(score: float) -> int:
    return round(100.0 * score)
