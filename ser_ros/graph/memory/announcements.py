"""What to tell a person who cannot see: new, changed, gone; short, soon, and nothing twice.

With four seconds between sentences, what appears in the first second after one waits more than three
seconds for the next. So news waits `announce_gather` for more: a robot that turns into a room finds many
things at once, and the fewer sentences, the fewer such seconds. A sentence names all that is pending;
one that would take longer to speak than the time to the next leaves out colours and materials.

What is part of something else ("a person in a yellow shirt") and walls and floors are no news.
"""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from dataclasses import dataclass

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.identity import Name, is_person
from ser_ros.graph.memory.naming import a_thing, join
from ser_ros.graph.memory.rows import COLUMNS, TABLE, attributes_of
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import STATES, STRUCTURE

# Column `told` of an object: not yet, as being there, as gone.
UNTOLD, TOLD_THERE, TOLD_GONE = 0, 1, 2
# Told before all others, besides persons: what one can fall over, fall down, or bump into.
HAZARDS = frozenset((
    "stair", "staircase", "step", "sign", "cable", "cord", "hole", "ramp",
    "dog", "cat", "car", "bicycle", "fire", "smoke", "knife", "glass", "ladder", "suitcase", "bag", "box",
))  # fmt: skip
# Images in a row that must show a change: a caption that takes one door for another is no news.
CHANGE_CONFIRMATIONS = 2
# 240 words a minute, as screen readers are often set; articles take next to no time.
WORDS_PER_SECOND = 4.0
_MOST = 200


@dataclass(frozen=True)
class News:
    """One thing to tell.

    Attributes:
        kind: "new", "changed" or "gone".
        words: the whole of it: "a red chair", "the door is now open".
        since: stamp it became known at.
        urgent: told before others.
        row: the object, for a new thing.
        note, values: the statement that notes that it was told.
    """

    kind: str
    words: str
    since: int
    urgent: bool
    row: sqlite3.Row
    note: str
    values: tuple[object, ...]


class Announcer:
    """Draws sentences from what the store notes as not yet told."""

    def __init__(self, store: Store, config: MemoryConfig):
        self.config, self._store = config, store
        self._last_ns: int | None = None
        self._spoken: dict[str, list[tuple[int, sqlite3.Row]]] = {}  # words: when, of what

    def restart(self) -> None:
        """Forget what was said, as after another memory was loaded."""
        self._last_ns = None
        self._spoken.clear()

    def announce(self, now_ns: int) -> str | None:
        """The next sentence; None when there is no news, it gathers, or the last sentence was just now.

        Args:
            now_ns: the robot's clock; a jump back starts the wait anew.
        """
        interval = self.config.announce_interval * 1e9
        if self._last_ns is not None and 0 <= now_ns - self._last_ns < interval:
            return None
        self._forget_spoken(now_ns)
        tell: list[News] = []
        known: list[News] = []
        with self._store.reading():
            pending = self._pending(now_ns)
        for news in pending:
            if self._is_known(news) or (news.kind != "new" and news.words in {one.words for one in tell}):
                known.append(news)
            elif len(tell) < self.config.announce_objects:
                tell.append(news)
        gather = self.config.announce_gather * 1e9
        if all(0 <= now_ns - news.since < gather for news in tell):
            tell = []
        if tell or known:
            with self._store.transaction() as db:
                for news in (*tell, *known):
                    db.execute(news.note, news.values)
                    if news.kind == "new":  # its states were told with it
                        db.execute("UPDATE attribute SET told = 1 WHERE object = ?", (news.row["id"],))
        if not tell:
            return None
        self._last_ns = now_ns
        another = {news.row["id"] for news in tell if news.kind == "new" and news.words in self._spoken}
        for news in tell:
            self._spoken.setdefault(news.words, []).append((now_ns, news.row))
        return _sentence(tell, another, self.config.announce_interval)

    def _forget_spoken(self, now_ns: int) -> None:
        repeat = int(self.config.announce_repeat_after * 1e9)
        for words, told in list(self._spoken.items()):
            recent = [(at, row) for at, row in told if 0 <= now_ns - at < repeat]
            self._spoken[words] = recent
            if not recent:
                del self._spoken[words]

    def _is_known(self, news: News) -> bool:
        """Whether the listener was just told of it: the same words, and no sign of a second such thing."""
        told = self._spoken.get(news.words, [])
        if not told or news.kind != "new":
            return bool(told)
        # Where a thing is taken to be may be wrong by `view_distance`, each time it is seen.
        surely_apart = 2.0 * self.config.view_distance
        return not all(_distance(news.row, row) > surely_apart for _, row in told)

    def _pending(self, now_ns: int) -> list[News]:
        """All that is not yet told, the most important first, then what was seen last."""
        since = now_ns - int(self.config.announce_expires * 1e9)
        confirmed = self.config.announce_confirmations
        db, note = self._store.db, "UPDATE object SET told = ? WHERE id = ?"
        new = [
            News("new", _words(row), row["first_seen"], _hazard(row), row, note, (TOLD_THERE, row["id"]))
            for row in db.execute(
                f"""SELECT {COLUMNS} FROM {TABLE} WHERE told = 0 AND last_seen BETWEEN ? AND ? AND gone = 0
                AND times_seen >= ? AND NOT EXISTS (SELECT 1 FROM relation
                WHERE relation.object = object.id AND relation.location = 'has')
                ORDER BY last_seen DESC, object.id LIMIT ?""",
                (since, now_ns, confirmed, _MOST),
            )
            if row["head"] not in STRUCTURE
        ]
        changed = [
            News(
                "changed", f"the {row['label']} is now {row['text']}", row["changed"], True, row,
                "UPDATE attribute SET told = 1 WHERE object = ? AND text = ? AND first_seen = ?",
                (row["id"], row["text"], row["changed"]),
            )
            for row in db.execute(
                """SELECT object.id, label, a.text AS text, a.first_seen AS changed FROM attribute AS a
                JOIN object ON object.id = a.object WHERE a.told = 0 AND a.first_seen BETWEEN ? AND ?
                AND object.told = 1 AND a.count >= ? AND NOT EXISTS (SELECT 1 FROM attribute AS b
                WHERE b.object = a.object AND b.state = a.state AND b.last_seen > a.last_seen)
                ORDER BY a.first_seen LIMIT ?""",
                (since, now_ns, max(confirmed, CHANGE_CONFIRMATIONS), _MOST),
            )
        ]  # fmt: skip
        gone = [
            News(
                "gone", f"{_words(row, 'the')} {'are' if row['plural'] else 'is'} gone", row["gone"], True,
                row, note, (TOLD_GONE, row["id"]),
            )
            for row in db.execute(
                f"""SELECT {COLUMNS} FROM {TABLE} WHERE gone <> 0 AND gone BETWEEN ? AND ? AND told = 1
                LIMIT ?""",
                (since, now_ns, _MOST),
            )
        ]  # fmt: skip
        hazards = [news for news in new if news.urgent]
        return [*hazards, *changed, *gone, *(news for news in new if not news.urgent)]


def _hazard(row: sqlite3.Row) -> bool:
    kind = Name(row["label"], row["head"]).kind
    return kind in HAZARDS or is_person(kind)


def _distance(first: sqlite3.Row, second: sqlite3.Row) -> float:
    """Metres between two things' places in view; 0 where one has none."""
    if first["view_x"] is None or second["view_x"] is None:
        return 0.0
    return math.hypot(first["view_x"] - second["view_x"], first["view_y"] - second["view_y"])


def _words(row: sqlite3.Row, article: str | None = None) -> str:
    return a_thing(row["label"], attributes_of(row), row["count"], bool(row["plural"]), article)


def _sentence(news: list[News], another: set[int], seconds: float) -> str:
    """All the news in one sentence, in full where that can be spoken in so many seconds."""
    others = [one.words for one in news if one.kind != "new"]
    new = [one for one in news if one.kind == "new"]
    full = _joined(_named(new, another, brief=False), others)
    words = [word for word in full.split() if word not in ("a", "an", "the")]
    if len(words) <= WORDS_PER_SECOND * seconds:
        return full
    return _joined(_named(new, another, brief=True), others)


def _joined(new: list[str], others: list[str]) -> str:
    sentence = "; ".join([*([f"I see {join(new)}"] if new else []), *others])
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _named(new: list[News], another: set[int], *, brief: bool) -> list[str]:
    """The new things, equal ones counted together: "two stools", "another red chair"."""
    groups: dict[tuple[str, frozenset[str]], list[News]] = defaultdict(list)
    for one in new:
        attributes = attributes_of(one.row)
        if brief:
            attributes = frozenset(text for text in attributes if text in STATES)
        groups[one.row["label"], attributes].append(one)
    named = []
    for (label, attributes), things in groups.items():
        several = [one.row for one in things if one.row["plural"]]
        single = len(things) - len(several)
        # "A counter" and "two counters" in one sentence are two: the first is one of them.
        count = max(single, sum(row["count"] or 1 for row in several))
        total = None if any(row["count"] is None for row in several) else count
        many = bool(several) or single > 1
        if another.issuperset(one.row["id"] for one in things):
            named.append(_another(label, attributes, total, many))
        else:
            named.append(a_thing(label, attributes, total if many else None, many))
    return named


def _another(label: str, attributes: frozenset[str], count: int | None, many: bool) -> str:
    thing = a_thing(label, attributes, count, many)
    if not many:
        return f"another {thing.split(' ', 1)[1]}"
    return f"{thing} more" if count is None else thing.replace(" ", " more ", 1)
