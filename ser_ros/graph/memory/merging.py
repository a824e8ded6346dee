"""Memories of several robots become one: `ser_ros memory merge A.db B.db --out both.db`.

The result depends on what the memories hold, not on their order, and merging one of them again
changes nothing: every part is joined by a maximum, by robot (`tally`, `attribute`, `relation`, `visit`),
and what is one thing is decided between memories, never within one. A state-based CRDT, but for what
was forgotten: it comes back from a memory that still has it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.evidence import drop_uncited, trim_evidence
from ser_ros.graph.memory.grid import cell, settle_grid
from ser_ros.graph.memory.grouping import Groups, joined, neighbours
from ser_ros.graph.memory.homes import nearest_home
from ser_ros.graph.memory.identity import Name, NameRule, Verdict, judge, look_of
from ser_ros.graph.memory.places import settle_room
from ser_ros.graph.memory.snapshot import Row, Snapshot, Transform, read_snapshot
from ser_ros.graph.memory.states import settle_attributes, trim_history
from ser_ros.graph.memory.store import Store, put_in_place

MERGED = "merged"
_COLUMNS = "label head plural count sector camera x y z qx qy qz qw view_x view_y"


def merge(
    inputs: Sequence[tuple[Path, Transform | None]], output: Path, config: MemoryConfig, robot: str = MERGED
) -> None:
    """Merge memory files into a new one.

    Args:
        inputs: file and the transform from its frame into the one of the result, which is
            `config.frame_id` or, where that is empty, the one that those without a transform share;
            None where it is the same.
        output: must not exist.
        robot: name of the robot that goes on writing the result.
    Raises:
        UserError: a file is missing or no memory, frames differ without a transform, output exists.
    """
    if output.exists():
        raise UserError(f"{output} exists; give another path for the merged memory")
    if not config.frame_id:
        config = replace(config, frame_id=_common_frame(inputs))
    snapshots = [_read(path, transform, config) for path, transform in inputs]
    draft = output.with_name(f".{output.name}.part")
    for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
        leftover.unlink(missing_ok=True)
    store = Store(draft, robot=robot)
    try:
        with store.transaction():
            settle_grid(store, config)
            _Writer(store, config, snapshots).write()
    finally:
        store.close()
    put_in_place(draft, output)


def _common_frame(inputs: Sequence[tuple[Path, Transform | None]]) -> str:
    frames = set()
    for path, transform in inputs:
        store = Store(path, read_only=True)
        if transform is None:
            frames.add(store.meta("frame_id"))
        store.close()
    named = sorted(frames - {""})
    if len(named) > 1:
        raise UserError(f"the memories are in the frames {', '.join(named)}; give --frame and --transform")
    return named[0] if named else "map"


def _read(path: Path, transform: Transform | None, config: MemoryConfig) -> Snapshot:
    store = Store(path, read_only=True)
    try:
        frame = store.meta("frame_id") or config.frame_id
        if transform is None and frame != config.frame_id:
            raise UserError(
                f"the memory {path} is in the frame {frame!r}, not {config.frame_id!r};"
                f" give --transform {path}=X,Y,Z,YAW"
            )
        with store.reading():
            return read_snapshot(store, transform or Transform())
    finally:
        store.close()


class _Writer:
    """Groups the entries of the snapshots and writes each group as one row."""

    def __init__(self, store: Store, config: MemoryConfig, snapshots: Sequence[Snapshot]):
        self._store, self._db, self._config, self._snapshots = store, store.db, config, snapshots
        self._places = Groups([snapshot.places for snapshot in snapshots])
        self._objects = Groups([snapshot.objects for snapshot in snapshots])
        self._links: dict[tuple[str, str], float] = {}
        self._rows: dict[str, int] = {}

    def write(self) -> None:
        self._places.join_likest(self._place_pairs())
        same, possibly = self._object_pairs()
        self._objects.join_likest(same)
        for score, *uids in possibly:
            if not self._objects.share_memory(*uids):
                self._link(score, *uids)
        places = self._write_places()
        observations = self._write_observations(places)
        self._write_images()
        self._write_objects(places, observations)
        self._write_relations(observations)
        for row in self._rows.values():
            drop_uncited(self._db, trim_evidence(self._db, row, self._config.evidence_per_object))
        drop_uncited(self._db, list(observations.values()))
        for snapshot in self._snapshots:
            for (first, second), score in snapshot.links.items():
                self._link(score, first, second)
        for (first, second), score in sorted(self._links.items()):
            a, b = sorted((self._rows[first], self._rows[second]))
            self._db.execute("INSERT INTO possibly_same VALUES (?, ?, ?)", (a, b, score))

    def _place_pairs(self) -> list[tuple[float, str, str]]:
        radius = self._config.place_radius
        return [
            (-distance, a["uid"], b["uid"])
            for a, b, distance in neighbours(self._places.members(), "", radius)
            if abs(a["z"] - b["z"]) <= max(radius, 1.0) and not self._places.share_memory(a["uid"], b["uid"])
        ]

    def _object_pairs(self) -> tuple[list[tuple[float, str, str]], list[tuple[float, str, str]]]:
        names = NameRule(self._config)
        pairs: dict[Verdict, list[tuple[float, str, str]]] = {Verdict.SAME: [], Verdict.POSSIBLY: []}
        members = self._objects.members()
        every = [Name(entry["label"], entry["head"]) for group in members.values() for entry in group]
        for name in sorted(set(every), key=lambda name: (name.label, name.head)):
            names.learn(name)
        radius = self._config.merge_radius
        for a, b, distance in neighbours(members, "view_", radius):
            likeness = names.related(Name(a["label"], a["head"])).get(b["label"])
            if likeness is None or self._objects.share_memory(a["uid"], b["uid"]):
                continue
            known = look_of(a["label"], _attributes(a)), look_of(b["label"], _attributes(b))
            likeness = judge(likeness, known, (bool(a["plural"]), bool(b["plural"])), distance, radius)
            if likeness.verdict:
                pairs[likeness.verdict].append((likeness.score, *sorted((a["uid"], b["uid"]))))
        return pairs[Verdict.SAME], pairs[Verdict.POSSIBLY]

    def _link(self, score: float, first: str, second: str) -> None:
        one, other = sorted((self._objects.find(first), self._objects.find(second)))
        if one != other:
            self._links[one, other] = max(score, self._links.get((one, other), 0.0))

    def _write_places(self) -> dict[str, int]:
        rows: dict[str, int] = {}
        aliases, size = self._places.aliases(), self._config.place_radius
        for uid, group in self._places.members().items():
            named = min(group, key=lambda place: (place["uid"], place["x"], place["y"], place["z"]))
            row = self._insert(
                "place", uid=uid, x=named["x"], y=named["y"], z=named["z"],
                cell_x=cell(named["x"], size), cell_y=cell(named["y"], size),
            )  # fmt: skip
            rows[uid] = row
            for alias in aliases[uid]:
                self._insert("place_alias", uid=alias, place=row)
            for (sector, camera, robot), numbers in joined(group, "visits").items():
                visits, images, first, last = numbers
                self._insert(
                    "visit", place=row, sector=sector, camera=camera, origin=self._store.origin_id(robot),
                    visits=visits, images=images, first_seen=first, last_seen=last,
                )  # fmt: skip
            for (room, robot), (count, last) in joined(group, "votes").items():
                origin = self._store.origin_id(robot)
                self._insert("room_vote", place=row, room=room, origin=origin, count=count, last_seen=last)
            settle_room(self._store, row)
        return rows

    def _write_observations(self, places: dict[str, int]) -> dict[str, int]:
        rows: dict[str, int] = {}
        union = {uid: one for snapshot in self._snapshots for uid, one in snapshot.observations.items()}
        for uid, one in sorted(union.items()):
            columns = [
                "uid",
                "stamp",
                "camera",
                "caption",
                "confidence",
                "x",
                "y",
                "z",
                "qx",
                "qy",
                "qz",
                "qw",
            ]
            rows[uid] = self._insert(
                "observation",
                origin=self._store.origin_id(one["robot"]),
                place=places[self._places.find(one["place"])] if one["place"] else None,
                **{name: one[name] for name in columns},
            )
        return rows

    def _write_images(self) -> None:
        images = sorted(set().union(*(snapshot.images for snapshot in self._snapshots)))
        origins = {robot: self._store.origin_id(robot) for robot in sorted({robot for *_, robot in images})}
        self._db.executemany(
            "INSERT INTO image VALUES (?, ?, ?)",
            [(stamp, camera, origins[robot]) for stamp, camera, robot in images],
        )

    def _write_objects(self, places: dict[str, int], observations: dict[str, int]) -> None:
        aliases, size = self._objects.aliases(), self._config.merge_radius
        for uid, group in self._objects.members().items():
            newest = max(group, key=lambda one: (one["last_seen"], one["times_seen"], one["uid"]))
            tallies = joined(group, "tallies")
            last = max(numbers[1] for numbers in tallies.values())
            gone = max(one["gone"] for one in group)
            point = newest["view_x"], newest["view_y"]
            row = self._insert(
                "object", uid=uid,
                first_seen=min(numbers[2] for numbers in tallies.values()), last_seen=last,
                times_seen=sum(numbers[0] for numbers in tallies.values()),
                confidence_sum=math.fsum(numbers[3] for numbers in tallies.values()),
                place=places[self._places.find(newest["place"])] if newest["place"] else None,
                cell_x=None if None in point else cell(point[0], size),
                cell_y=None if None in point else cell(point[1], size),
                home=None if None in point else nearest_home(self._db, *point, self._config.place_radius),
                gone=gone if gone > last else 0, told=max(one["told"] for one in group),
                **{name: newest[name] for name in _COLUMNS.split()},
            )  # fmt: skip
            self._rows[uid] = row
            for alias in aliases[uid]:
                self._insert("object_alias", uid=alias, object=row)
            for robot, numbers in tallies.items():
                names = "times_seen last_seen first_seen confidence_sum visits_seen visits_missed visit_last"
                self._insert(
                    "tally", object=row, origin=self._store.origin_id(robot),
                    **dict(zip(names.split(), numbers, strict=True)),
                )  # fmt: skip
            self._write_history(row, group)
            for observation, (start, end, confidence) in joined(group, "evidence").items():
                self._insert(
                    "evidence", object=row, observation=observations[observation],
                    start=start, end=end, confidence=confidence,
                )  # fmt: skip

    def _write_history(self, row: int, group: list[Row]) -> None:
        states = set()
        for (robot, text, state, first), (count, last, confidence) in joined(group, "history").items():
            states.add(state)
            self._insert(
                "attribute", object=row, origin=self._store.origin_id(robot), text=text, state=state,
                first_seen=first, last_seen=last, count=count, confidence_sum=confidence, told=1,
            )  # fmt: skip
        for state in sorted(states - {""}):
            trim_history(self._db, row, state, self._config.history_per_state)
        settle_attributes(self._db, row)

    def _write_relations(self, observations: dict[str, int]) -> None:
        joined: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
        for snapshot in self._snapshots:
            for (subject, predicate, target, robot), row in snapshot.relations.items():
                key = (self._objects.find(subject), predicate, self._objects.find(target), robot)
                joined[key].append(row)
        for (subject, predicate, target, robot), rows in sorted(joined.items()):
            if subject == target:
                continue
            newest = max(rows, key=lambda one: (one["count"], one["last_seen"], one["observation"] or ""))
            names = ["location", "count", "first_seen", "last_seen", "confidence_sum", "start", "end"]
            self._insert(
                "relation", subject=self._rows[subject], predicate=predicate, object=self._rows[target],
                origin=self._store.origin_id(robot), observation=observations.get(newest["observation"]),
                **{name: newest[name] for name in names},
            )  # fmt: skip

    def _insert(self, table: str, **columns: Any) -> int:
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        cursor = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
        return int(cursor.lastrowid or 0)


def _attributes(entry: Row) -> frozenset[str]:
    return frozenset(filter(None, entry["attributes"].split("|")))
