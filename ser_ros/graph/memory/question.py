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
    """A thing as a person names it: label "chair", attributes {"red"}; the room may be part of the name.

    Attributes:
        pick: a word that picks one of several by what no memory of pictures knows: "left", "second", "other".
    """

    label: str
    head: str
    attributes: frozenset[str] = frozenset()
    room: str = ""
    pick: str = ""

    def __str__(self) -> str:
        return " ".join(
            [
                *filter(None, [self.pick]),
                *sorted(self.attributes),
                *([self.room] if self.room else []),
                self.label,
            ]
        )


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
        first: it asks when or where the thing was seen first, not last.
        former: it asks where the thing stood before it came where it is now.
        since_when: it asks how long the state holds, or when it last did.
        several: it asks for all such things, not for one.
        room: only in this room; "" anywhere.
        since_ns, until_ns: only what was seen in this time; None is no limit. With `until_ns` things are told
            as they were known then.
        moment: that time is one moment ("an hour ago"), not a stretch of it ("yesterday").
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
    former: bool = False
    since_when: bool = False
    several: bool = False
    room: str = ""
    since_ns: int | None = None
    until_ns: int | None = None
    moment: bool = False
    area: Area | None = None
    max_matches: int = 5
    min_score: float = 0.3

    @property
    def understood(self) -> str:
        """What the question was taken to mean, for the person who asked it."""
        if self.kind is Kind.ROOMS:
            return f"{self.kind.value} {self.room}".strip()
        asks = {
            "first": self.first,
            "former": self.former,
            "since when": self.since_when,
            "all": self.several,
        }
        words = [self.kind.value, *([self.change] if self.change else [])]
        words += [word for word, asked in asks.items() if asked]
        words.append(str(self.thing or "anything"))
        if self.location:
            words.append(self.location)
        if self.anchor:
            words.append(str(self.anchor))
        if self.room:
            words.append(f"in the {self.room}")
        return " ".join(words)
