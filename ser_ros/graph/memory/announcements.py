"""What to tell a person who cannot see: new, changed, gone; short, and nothing twice.

The newest comes first, because it is what stands before the robot now. What is part of something else
("a person in a yellow shirt") and walls and floors are no news.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.rows import COLUMNS, TABLE, attributes_of
from ser_ros.graph.memory.speech import a_thing, join
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import STRUCTURE

# Column `told` of an object: not yet, as being there, as gone.
UNTOLD, TOLD_THERE, TOLD_GONE = 0, 1, 2
# Told before all others: what one can fall over, fall down, or bump into.
HAZARDS = frozenset((
    "stair", "staircase", "step", "sign", "cable", "cord", "hole", "ramp", "person", "man", "woman", "child",
    "dog", "cat", "car", "bicycle", "fire", "smoke", "knife", "glass", "ladder", "suitcase", "bag", "box",
))  # fmt: skip
_MOST = 200


@dataclass(frozen=True)
class News:
    """One thing to tell: its words, and the statement that notes that it was told."""

    words: str
    kind: str  # "new", "changed" or "gone"
    note: str
    values: tuple[object, ...]


class Announcer:
    """Draws sentences from what the store notes as not yet told."""

    def __init__(self, store: Store, config: MemoryConfig):
        self.config, self._store = config, store
        self._last_ns: int | None = None
        self._spoken: dict[str, int] = {}  # words: when

    def restart(self) -> None:
        """Forget what was said, as after another memory was loaded."""
        self._last_ns = None
        self._spoken.clear()

    def announce(self, now_ns: int) -> str | None:
        """The next sentence; None when there is no news or the last sentence was just now.

        Args:
            now_ns: the robot's clock; a jump back starts the wait anew.
        """
        if self._last_ns is not None and 0 <= now_ns - self._last_ns < self.config.announce_interval * 1e9:
            return None
        pending = self._pending(now_ns)
        repeat = int(self.config.announce_repeat_after * 1e9)
        self._spoken = {words: at for words, at in self._spoken.items() if 0 <= now_ns - at < repeat}
        tell: list[News] = []
        silent: list[News] = []
        for news in pending:
            if news.words in self._spoken or news.words in {told.words for told in tell}:
                silent.append(news)
            elif len(tell) < self.config.announce_objects:
                tell.append(news)
        if tell or silent:
            with self._store.transaction() as db:
                for news in (*tell, *silent):
                    db.execute(news.note, news.values)
                    if news.kind == "new":  # its states were told with it
                        db.execute("UPDATE attribute SET told = 1 WHERE object = ?", (news.values[1],))
        if not tell:
            return None
        self._last_ns = now_ns
        self._spoken |= {news.words: now_ns for news in tell}
        return _sentence(tell)

    def _pending(self, now_ns: int) -> list[News]:
        since, db = now_ns - int(self.config.announce_expires * 1e9), self._store.db
        new = db.execute(
            f"""SELECT {COLUMNS} FROM {TABLE} WHERE told = 0 AND last_seen BETWEEN ? AND ? AND gone = 0
            AND times_seen >= ? AND NOT EXISTS (SELECT 1 FROM relation
            WHERE relation.object = object.id AND relation.location = 'has')
            ORDER BY object.first_seen DESC, object.id LIMIT ?""",
            (since, now_ns, self.config.announce_confirmations, _MOST),
        ).fetchall()
        changed = db.execute(
            """SELECT object.id, label, a.text AS text, a.first_seen AS changed FROM attribute AS a
            JOIN object ON object.id = a.object WHERE a.told = 0 AND a.first_seen BETWEEN ? AND ?
            AND object.told = 1 AND a.count >= ? ORDER BY a.first_seen LIMIT ?""",
            (since, now_ns, self.config.announce_confirmations, _MOST),
        ).fetchall()
        gone = db.execute(
            f"SELECT {COLUMNS} FROM {TABLE} WHERE gone <> 0 AND gone BETWEEN ? AND ? AND told = 1 LIMIT ?",
            (since, now_ns, _MOST),
        ).fetchall()
        new = [row for row in new if row["head"] not in STRUCTURE]
        told = "UPDATE object SET told = ? WHERE id = ?"
        news = [
            News(_words(row), "new", told, (TOLD_THERE, row["id"])) for row in new if row["head"] in HAZARDS
        ]
        news += [
            News(
                f"the {row['label']} is now {row['text']}",
                "changed",
                "UPDATE attribute SET told = 1 WHERE object = ? AND text = ? AND first_seen = ?",
                (row["id"], row["text"], row["changed"]),
            )
            for row in changed
        ]
        news += [
            News(
                f"{_words(row, 'the')} {'are' if row['plural'] else 'is'} gone",
                "gone",
                told,
                (TOLD_GONE, row["id"]),
            )
            for row in gone
        ]
        return news + [
            News(_words(row), "new", told, (TOLD_THERE, row["id"]))
            for row in new
            if row["head"] not in HAZARDS
        ]


def _words(row: sqlite3.Row, article: str | None = None) -> str:
    return a_thing(row["label"], attributes_of(row), row["count"], bool(row["plural"]), article)


def _sentence(news: list[News]) -> str:
    new = [one.words for one in news if one.kind == "new"]
    parts = [f"I see {join(new)}"] if new else []
    parts += [one.words for one in news if one.kind != "new"]
    sentence = "; ".join(parts)
    return f"{sentence[:1].upper()}{sentence[1:]}."
