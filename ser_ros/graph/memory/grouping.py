"""Which entries of several memories are one: by their aliases first, then the likest pairs.

Two entries of one memory are never put together here: that memory has told them apart. So a memory
that holds another one already takes nothing new from it, and merging twice is merging once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ser_ros.graph.memory.grid import cell
from ser_ros.graph.memory.snapshot import Row


class Groups:
    """Entries of several memories in disjoint groups.

    Args:
        memories: for each memory uid -> entry, with its `aliases`.
    """

    def __init__(self, memories: Sequence[dict[str, Row]]):
        self._parent: dict[str, str] = {}
        self._members: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for entries in memories:
            for uid, entry in entries.items():
                for alias in entry["aliases"]:
                    self._union(uid, alias)
        for number, entries in enumerate(memories):
            for uid in sorted(entries):
                self._members[self.find(uid)].append((number, entries[uid]))

    def find(self, uid: str) -> str:
        """The smallest uid of the group: its name, whatever the order of the memories."""
        root = self._parent.setdefault(uid, uid)
        while root != self._parent[root]:
            root = self._parent[root]
        while self._parent[uid] != root:
            self._parent[uid], uid = root, self._parent[uid]
        return root

    def join_likest(self, pairs: Iterable[tuple[float, str, str]]) -> None:
        """Put the best pairs (score, uid, uid) together, each group with one entry of a memory."""
        for _, first, second in sorted(pairs, key=lambda pair: (-pair[0], *sorted(pair[1:]))):
            if not self.share_memory(first, second):
                one, other = self.find(first), self.find(second)
                members = self._members.pop(one) + self._members.pop(other)
                self._union(one, other)
                self._members[self.find(one)] = members

    def share_memory(self, first: str, second: str) -> bool:
        """Whether one memory has entries in the groups of both, or they are one group."""
        one, other = self._members[self.find(first)], self._members[self.find(second)]
        return one is other or bool({number for number, _ in one} & {number for number, _ in other})

    def aliases(self) -> dict[str, list[str]]:
        """Group -> all uids in it."""
        groups: dict[str, list[str]] = defaultdict(list)
        for uid in sorted(self._parent):
            groups[self.find(uid)].append(uid)
        return groups

    def members(self) -> dict[str, list[Row]]:
        """Group -> its entries."""
        return {root: [entry for _, entry in self._members[root]] for root in sorted(self._members)}

    def _union(self, first: str, second: str) -> None:
        one, other = sorted((self.find(first), self.find(second)))
        self._parent[other] = one


def joined(group: list[Row], part: str) -> dict[Any, tuple[Any, ...]]:
    """The parts of all members; of two under one key the greater one, which holds the other."""
    joined: dict[Any, tuple[Any, ...]] = {}
    for member in group:
        for key, numbers in member[part].items():
            joined[key] = max(numbers, joined.get(key, numbers))
    return dict(sorted(joined.items()))


def neighbours(groups: dict[str, list[Row]], column: str, radius: float) -> list[tuple[Row, Row, float]]:
    """Pairs of entries whose positions are within the radius, with their distance in metres."""
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for group in groups.values():
        for entry in group:
            if entry[f"{column}x"] is not None:
                cells[cell(entry[f"{column}x"], radius), cell(entry[f"{column}y"], radius)].append(entry)
    pairs = []
    for (x, y), entries in cells.items():
        for entry in entries:
            for near in ((x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
                for other in cells.get(near, ()):
                    distance = math.hypot(
                        entry[f"{column}x"] - other[f"{column}x"], entry[f"{column}y"] - other[f"{column}y"]
                    )
                    if entry["uid"] < other["uid"] and distance <= radius:
                        pairs.append((entry, other, distance))
    return pairs
