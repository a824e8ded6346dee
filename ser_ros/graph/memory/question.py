"""What can be asked of the memory, as `understanding` reads it from words and `search` looks it up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

# Label of what is asked for by its look alone: "anything red".
ANYTHING = "object"


class Kind(str, Enum):
    """What a question wants."""

    FIND = "find"  # where is it, when was it seen
    CONTENTS = "contents"  # what is on, in, near it
    COUNT = "count"  # how many
    STATE = "state"  # is it open
    COLOUR = "colour"  # what colour is it
    CHANGES = "changes"  # what is new, gone, different
    ROOMS = "rooms"  # which rooms there are


@dataclass(frozen=True)
class Description:
    """A thing as a person names it: label "chair", attributes {"red"}; the room may be part of the name."""

    label: str
    head: str
    attributes: frozenset[str] = frozenset()
    room: str = ""

    def __str__(self) -> str:
        return " ".join([*sorted(self.attributes), *([self.room] if self.room else []), self.label])


@dataclass(frozen=True)
class Area:
    """A circle in the frame of the memory, metres."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Question:
    """A question that can be looked up.

    Attributes:
        text: the words that were asked.
        kind: what the answer tells.
        thing: what is asked for; None for any thing.
        location: how `thing` stands to `anchor`: "on", "near", ..., "of" what that wears; "" without.
        anchor: the other thing; None where only the room counts.
        change: only what is "new" or "gone", for questions about changes; "" is any change.
        first: it asks when the thing was seen first, not last.
        room: only in this room; "" anywhere.
        since_ns, until_ns: only what was seen in this time; None is no limit.
        area: only what was seen by a robot that stood within it.
        max_matches: at least 1.
        min_score: matches below are left out.
    """

    text: str
    kind: Kind = Kind.FIND
    thing: Description | None = None
    location: str = ""
    anchor: Description | None = None
    change: str = ""
    first: bool = False
    room: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    area: Area | None = None
    max_matches: int = 5
    min_score: float = 0.3

    @property
    def understood(self) -> str:
        """What the question was taken to mean, for the person who asked it."""
        if self.kind is Kind.ROOMS:
            return self.kind.value
        words = [self.kind.value, *([self.change] if self.change else []), str(self.thing or "anything")]
        if self.location:
            words.append(self.location)
        if self.anchor:
            words.append(str(self.anchor))
        if self.room:
            words.append(f"in the {self.room}")
        return " ".join(words)
