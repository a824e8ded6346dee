"""Splitting bulk work over machines: `--shard 2/8` does every eighth item, beginning with the second."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ser_ros.errors import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """Part `index` (from 1) of `count`; all parts together are everything, each item once."""

    index: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """ "2/8" -> Shard(2, 8).

        Raises:
            UserError: not of that form, or 0/8, or 9/8.
        """
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise UserError(f"--shard {text}: write I/N with I from 1 to N, such as 2/8")
        return cls(int(match[1]), int(match[2]))

    def take(self, items: Sequence[T], group: Callable[[T], Hashable] | None = None) -> list[T]:
        """The items of this part; items of one `group` (such as a picture) stay together."""
        if group is None:
            return list(items[self.index - 1 :: self.count])
        groups = list(dict.fromkeys(map(group, items)))
        mine = set(groups[self.index - 1 :: self.count])
        return [item for item in items if group(item) in mine]

    def path(self, path: Path) -> Path:
        """The file of this part: out.jsonl -> out.2-of-8.jsonl; unchanged for the only part."""
        if self.count == 1:
            return path
        return path.with_name(f"{path.stem}.{self.index}-of-{self.count}{path.suffix}")
