"""What changed in a time: things first seen, moved or not found again, states that became others."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping

from ser_ros.graph.memory.answer import Match
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.rows import COLUMNS, TABLE, attributes_of, match_of
from ser_ros.graph.memory.scoring import look_score
from ser_ros.graph.memory.speech import CLEAR
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import describe_relation
from ser_ros.graph.memory.vocabulary import STRUCTURE, SUPPORTS

_FOREVER = 2**62
_MOST = 150
# A state that was another one before.
_STATES = f"""SELECT {COLUMNS}, a.first_seen AS changed, a.text AS change FROM attribute AS a
    JOIN object ON object.id = a.object LEFT JOIN place ON place.id = object.place
    LEFT JOIN place AS home ON home.id = object.home
    WHERE a.state <> '' AND a.first_seen BETWEEN ? AND ? AND EXISTS (SELECT 1 FROM attribute AS b
    WHERE b.object = a.object AND b.state = a.state AND b.text <> a.text AND b.first_seen < a.first_seen)"""
# `gone <> 0` lets SQLite use the index of the few that are gone.
_GONE = f"""SELECT {COLUMNS}, gone AS changed, 'gone' AS change FROM {TABLE}
    WHERE gone <> 0 AND gone BETWEEN ? AND ?"""
_NEW = f"""SELECT {COLUMNS}, object.first_seen AS changed, 'new' AS change FROM {TABLE}
    WHERE object.first_seen BETWEEN ? AND ?"""
# Another support than the one before it; or new, and like a thing that is gone.
_SUPPORTS = f"({', '.join(map(repr, sorted(SUPPORTS)))})"
_MOVED = f"""WITH put AS (SELECT subject, max(first_seen) AS changed FROM relation
    WHERE location IN {_SUPPORTS} GROUP BY subject HAVING min(last_seen) < max(first_seen))
    SELECT {COLUMNS}, r.first_seen AS changed, 'moved' AS change FROM put
    CROSS JOIN relation AS r ON r.subject = put.subject JOIN object ON object.id = r.subject
    LEFT JOIN place ON place.id = object.place LEFT JOIN place AS home ON home.id = object.home
    WHERE put.changed >= ?1 AND r.location IN {_SUPPORTS} AND r.first_seen BETWEEN ?1 AND ?2 AND EXISTS (
    SELECT 1 FROM relation AS b WHERE b.subject = r.subject AND b.location IN {_SUPPORTS}
    AND b.last_seen < r.first_seen AND b.object <> r.object)"""
_ELSEWHERE = f"""WITH lost AS (SELECT label, attributes, min(last_seen) AS seen
    FROM object INDEXED BY object_gone WHERE gone <> 0 GROUP BY label, attributes)
    SELECT {COLUMNS}, object.first_seen AS changed, 'moved' AS change FROM {TABLE}
    JOIN lost ON lost.label = object.label AND lost.attributes = object.attributes
    WHERE object.first_seen BETWEEN ?1 AND ?2 AND lost.seen < object.first_seen"""
_KINDS = {
    "": (_STATES, _MOVED, _GONE, _NEW),
    "gone": (_GONE,),
    "new": (_NEW,),
    "moved": (_MOVED, _ELSEWHERE, _GONE),
}


def changes(store: Store, question: Question, names: Mapping[str, float] | None) -> list[Match]:
    """Changes in the question's time, newest first; `Match.change` says which: "new", "moved", "open".

    Args:
        names: labels that the asked thing goes by, and how well; None for anything but walls and floors.
    """
    since, until = question.since_ns or 0, question.until_ns if question.until_ns is not None else _FOREVER
    among = "object.head NOT IN" if names is None else "object.label IN"
    limits = f"{among} (SELECT value FROM json_each(?))"
    values: list[int | str] = [since, until, json.dumps(sorted(STRUCTURE if names is None else names))]
    if question.room:
        limits += " AND coalesce(home.room, place.room) = ?"
        values.append(question.room)
    found: dict[int, sqlite3.Row] = {}  # of a thing that is new and changed, the change is told
    for kind in _KINDS[question.change]:
        for row in store.db.execute(f"{kind} AND {limits} ORDER BY changed DESC LIMIT ?", (*values, _MOST)):
            if names is None or _fits(row, question, names):
                found.setdefault(row["id"], row)
    newest = sorted(found.values(), key=lambda row: (-row["changed"], row["uid"]))[: question.max_matches]
    return [
        match_of(
            store,
            row,
            1.0,
            relation=describe_relation(store, row) if row["change"] in ("moved", "gone") else "",
            change=row["change"],
            changed_ns=row["changed"],
        )
        for row in newest
    ]


def _fits(row: sqlite3.Row, question: Question, names: Mapping[str, float]) -> bool:
    look = 1.0 if question.thing is None else look_score(question.thing, row["label"], attributes_of(row))
    return names[row["label"]] * look >= max(question.min_score, CLEAR)
