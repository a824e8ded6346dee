"""One observation into the store: each thing found again or made, with its states and its evidence."""

from __future__ import annotations

import math
import sqlite3

from ser_ros.graph.memory.absence import note_absences
from ser_ros.graph.memory.candidates import known_names
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.evidence import drop_uncited, keep_evidence
from ser_ros.graph.memory.grid import cell, cells_around, settle_grid
from ser_ros.graph.memory.homes import nearest_home
from ser_ros.graph.memory.identity import Likeness, NameRule, Verdict, judge, look_of
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.places import Places, View, short_hash, usable
from ser_ros.graph.memory.relations import record_relations
from ser_ros.graph.memory.sighting import Sighting, first_mentions, sighting_of
from ser_ros.graph.memory.states import record_attributes
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import conflict, depicted, is_thing
from ser_ros.graph.pose import Pose

# The place of a thing is the mean of this many of its newest places in view: it may be moved.
VIEW_MEMORY = 10
MOST_LINKS = 4
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")


class Recorder:
    """Writes observations; one per open store."""

    def __init__(self, store: Store, config: MemoryConfig, names: NameRule):
        self.config, self._store, self._names = config, store, names
        self.places = Places(store, config)
        self.adopt()

    def adopt(self) -> None:
        """Begin with what the store holds: sort it into our grid and know its names."""
        self.places.forget_current()
        with self._store.transaction():
            settle_grid(self._store, self.config)
            self._learn_names()

    def _version(self) -> int:
        """A number that differs once another connection has changed the file."""
        return self._store.db.execute("PRAGMA data_version").fetchone()[0]

    def _learn_names(self) -> None:
        self._learnt = self._version()
        for name in known_names(self._store):
            self._names.learn(name)

    def record(self, observation: Observation) -> bool:
        """Write one observation; call inside a transaction.

        Returns:
            False when this very image is known already.
        """
        if self._version() != self._learnt:
            self._learn_names()
        db, origin = self._store.db, self._store.origin
        pose = self._usable(observation.pose)
        observation = Observation(
            observation.stamp_ns, observation.camera, observation.triples, pose, observation.confidence
        )
        image = (observation.stamp_ns, observation.camera, origin)
        if not db.execute("INSERT OR IGNORE INTO image VALUES (?, ?, ?)", image).rowcount:
            return False
        uid = short_hash(self._store.meta("robot"), observation.stamp_ns, observation.camera)
        if db.execute("SELECT 1 FROM observation WHERE uid = ?", (uid,)).fetchone():
            return False
        view = self.places.enter(observation, origin)
        row = db.execute(
            """INSERT INTO observation (uid, origin, stamp, camera, caption, confidence, place,
            x, y, z, qx, qy, qz, qw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                uid, origin, observation.stamp_ns, observation.camera, observation.triples.caption,
                observation.confidence, view.place, *_numbers(observation),
            ),
        ).lastrowid or 0  # fmt: skip
        objects = self._record_objects(observation, view, origin, row)
        record_relations(db, observation, origin, row, objects)
        drop_uncited(db, [row])
        if view.left is not None:
            note_absences(db, view.left, origin, observation.stamp_ns, self.config.gone_probability)
        return True

    def _usable(self, pose: Pose | None) -> Pose | None:
        """The pose if it is finite and in the frame of the memory, which the first one gives."""
        frame = self._store.meta("frame_id")
        pose = usable(pose, frame or (pose.frame_id if pose else ""))
        if pose is not None and not frame:
            self._store.set_meta("frame_id", pose.frame_id)
        return pose

    def _record_objects(self, observation: Observation, view: View, origin: int, row: int) -> dict[int, int]:
        """Write the things of one caption; returns {id in the triples: row of the object}."""
        pictured = depicted(observation.triples)
        sightings = [
            sighting_of(thing, observation, self.config.view_distance)
            for thing in observation.triples.objects
            if thing.confidence >= self.config.min_confidence and is_thing(thing) and thing.id not in pictured
        ]
        first_named = first_mentions(observation.triples, sightings)
        distinct = [sighting for sighting in sightings if first_named[sighting.thing.id] == sighting.thing.id]
        known, links = self._assign(distinct)
        rows: dict[int, int] = {}
        for sighting in distinct:
            found = known.get(sighting.thing.id)
            object_row = self._insert(sighting, observation, view, row) if found is None else found
            rows[sighting.thing.id] = object_row
            if found is not None:
                self._update(sighting, observation, view, object_row)
            self._tally(sighting, observation, view, object_row, origin)
            record_attributes(self._store.db, object_row, origin, sighting, self.config.history_per_state)
            keep_evidence(self._store.db, object_row, row, sighting.thing, self.config.evidence_per_object)
            if found is None:
                self._link(object_row, links[sighting.thing.id])
        return {thing: rows[first] for thing, first in first_named.items()}

    def _assign(self, sightings: list[Sighting]) -> tuple[dict[int, int], dict[int, list[tuple[float, int]]]]:
        """Best pairs of sightings and known objects, each used once; and what may be the same."""
        pairs: list[tuple[float, int, int, int]] = []
        links: dict[int, list[tuple[float, int]]] = {}
        for sighting in sightings:
            links[sighting.thing.id] = []
            for likeness, last_seen, row in self._candidates(sighting):
                if likeness.verdict is Verdict.SAME:
                    pairs.append((likeness.score, last_seen, sighting.thing.id, row))
                else:
                    links[sighting.thing.id].append((likeness.score, row))
        known: dict[int, int] = {}
        taken: set[int] = set()
        for _, _, thing, row in sorted(pairs, key=lambda pair: (-pair[0], -pair[1], pair[2:])):
            if thing not in known and row not in taken:
                known[thing] = row
                taken.add(row)
        return known, links

    def _candidates(self, sighting: Sighting) -> list[tuple[Likeness, int, int]]:
        """(likeness, last seen, row) of the objects that the sighting may be."""
        found = []
        for label, name in self._names.related(sighting.name).items():
            for known in self._nearby(label, sighting):
                attributes = frozenset(filter(None, known["attributes"].split("|")))
                likeness = judge(
                    name,
                    (look_of(sighting.name.label, sighting.attributes), look_of(label, attributes)),
                    (sighting.plural, bool(known["plural"])),
                    _distance(sighting, known),
                    self.config.merge_radius,
                )
                if likeness.verdict and not self._wears_other(known["id"], sighting):
                    found.append((likeness, known["last_seen"], known["id"]))
        return found

    def _wears_other(self, row: int, sighting: Sighting) -> bool:
        """Whether a known person wears a garment of the same name in another colour: two persons."""
        for label, attributes in sighting.worn:
            known = [
                frozenset(filter(None, texts.split("|")))
                for (texts,) in self._store.db.execute(
                    """SELECT attributes FROM relation JOIN object ON object.id = relation.object
                    WHERE subject = ? AND predicate = 'wear' AND label = ?""",
                    (row, label),
                )
            ]
            if known and all(conflict(attributes, other) == "colour" for other in known):
                return True
        return False

    def _nearby(self, label: str, sighting: Sighting) -> list[sqlite3.Row]:
        columns = "SELECT id, attributes, plural, last_seen, view_x, view_y FROM object"
        since = sighting.stamp_ns - int(self.config.merge_without_pose * 1e9)
        if sighting.view_point is None:
            return self._store.db.execute(
                f"{columns} WHERE label = ? AND last_seen >= ? ORDER BY last_seen DESC LIMIT 50",
                (label, since),
            ).fetchall()
        near, cells = cells_around(*sighting.view_point, self.config.merge_radius, self.config.merge_radius)
        rows = self._store.db.execute(
            f"{columns} WHERE label = ? AND {near} ORDER BY last_seen DESC LIMIT 50", (label, *cells)
        ).fetchall()
        rows += self._store.db.execute(
            f"{columns} WHERE label = ? AND cell_x IS NULL AND last_seen >= ?"
            " ORDER BY last_seen DESC LIMIT 5",
            (label, since),
        ).fetchall()
        return rows

    def _insert(self, sighting: Sighting, observation: Observation, view: View, row: int) -> int:
        thing, stamp = sighting.thing, observation.stamp_ns
        uid = short_hash(self._store.meta("robot"), stamp, observation.camera, thing.id, thing.label)
        column, line = self._cells(sighting.view_point)
        cursor = self._store.db.execute(
            """INSERT INTO object (uid, label, head, plural, count, first_seen, last_seen, times_seen,
            confidence_sum, place, sector, camera, x, y, z, qx, qy, qz, qw, view_x, view_y, cell_x, cell_y,
            home)
            VALUES (?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            (
                uid, thing.label, thing.head, sighting.plural, thing.count, stamp, stamp,
                thing.confidence * observation.confidence, view.place, view.sector, observation.camera,
                *_numbers(observation), *(sighting.view_point or (None, None)), column, line,
                self._home(sighting.view_point),
            ),
        )  # fmt: skip
        object_row = int(cursor.lastrowid or 0)
        self._store.db.execute("INSERT OR REPLACE INTO object_alias VALUES (?, ?)", (uid, object_row))
        return object_row

    def _update(self, sighting: Sighting, observation: Observation, view: View, row: int) -> None:
        db, thing, stamp = self._store.db, sighting.thing, observation.stamp_ns
        known = db.execute(
            "SELECT label, head, count, last_seen, times_seen, view_x, view_y FROM object WHERE id = ?",
            (row,),
        ).fetchone()
        newest: dict[str, object] = {}
        if stamp >= known["last_seen"]:
            newest["camera"] = observation.camera
            if thing.count is not None:
                newest["count"] = thing.count
            if len(thing.label) > len(known["label"]) and thing.head == known["head"]:
                newest["label"] = thing.label
            newest |= self._moved(sighting, observation, view, known)
        # One statement and no column that stays as it is: each index that holds one is written again.
        db.execute(
            f"""UPDATE object SET times_seen = times_seen + 1, confidence_sum = confidence_sum + ?,
            first_seen = min(first_seen, ?), last_seen = max(last_seen, ?),
            told = CASE WHEN told = 2 THEN 0 ELSE told END, gone = 0
            {"".join(f", {name} = ?" for name in newest)} WHERE id = ?""",
            (thing.confidence * observation.confidence, stamp, stamp, *newest.values(), row),
        )

    def _moved(
        self, sighting: Sighting, observation: Observation, view: View, known: sqlite3.Row
    ) -> dict[str, object]:
        """Columns that tell where a known object was seen last and where it is taken to be."""
        point = sighting.view_point
        if point is None:
            return {}
        if known["view_x"] is not None:
            weight = 1.0 / min(known["times_seen"] + 1, VIEW_MEMORY)
            point = (
                known["view_x"] + weight * (point[0] - known["view_x"]),
                known["view_y"] + weight * (point[1] - known["view_y"]),
            )
        pose = dict(zip(_POSE, _numbers(observation), strict=True))
        column, line = self._cells(point)
        return {
            "place": view.place, "sector": view.sector, **pose, "view_x": point[0], "view_y": point[1],
            "cell_x": column, "cell_y": line, "home": self._home(point),
        }  # fmt: skip

    def _tally(self, sighting: Sighting, observation: Observation, view: View, row: int, origin: int) -> None:
        stamp, confidence = observation.stamp_ns, sighting.thing.confidence * observation.confidence
        self._store.db.execute(
            """INSERT INTO tally VALUES (?, ?, 1, ?, ?, ?, 1, 0, ?) ON CONFLICT DO UPDATE SET
            times_seen = times_seen + 1, first_seen = min(first_seen, excluded.first_seen),
            last_seen = max(last_seen, excluded.last_seen),
            confidence_sum = confidence_sum + excluded.confidence_sum,
            visits_seen = visits_seen + (visit_last <> excluded.visit_last),
            visits_missed = visits_missed + max(0, excluded.visit_last - visit_last - 1),
            visit_last = excluded.visit_last""",
            (row, origin, stamp, stamp, confidence, view.visits),
        )

    def _link(self, row: int, links: list[tuple[float, int]]) -> None:
        for score, other in sorted(links, key=lambda link: (-link[0], link[1]))[:MOST_LINKS]:
            if other != row:
                self._store.db.execute(
                    "INSERT OR IGNORE INTO possibly_same VALUES (?, ?, ?)",
                    (min(row, other), max(row, other), score),
                )

    def _home(self, point: tuple[float, float] | None) -> int | None:
        if point is None:
            return None
        return nearest_home(self._store.db, *point, self.config.place_radius)

    def _cells(self, point: tuple[float, float] | None) -> tuple[int | None, int | None]:
        if point is None:
            return None, None
        return cell(point[0], self.config.merge_radius), cell(point[1], self.config.merge_radius)


def _distance(sighting: Sighting, known: sqlite3.Row) -> float:
    if sighting.view_point is None or known["view_x"] is None:
        return math.nan
    return math.hypot(sighting.view_point[0] - known["view_x"], sighting.view_point[1] - known["view_y"])


def _numbers(observation: Observation) -> tuple[float | None, ...]:
    pose = observation.pose
    return (
        (None,) * len(_POSE) if pose is None else (pose.x, pose.y, pose.z, pose.qx, pose.qy, pose.qz, pose.qw)
    )
