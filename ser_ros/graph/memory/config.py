"""Every setting of the memory with its default; `config/memory.yaml` repeats them for people."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from ser_ros.errors import UserError
from ser_ros.graph.memory.spoken_time import zone


def setting(
    default: Any,
    help: str,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    changeable: bool = False,
) -> Any:
    """A dataclass field that knows what it means, which values it takes and whether it may change later."""
    meta = {"help": help, "unit": unit, "low": low, "high": high, "changeable": changeable}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class MemoryConfig:
    """How the memory decides what is the same thing, how long it remembers, when it speaks."""

    robot: str = setting("", "name of this robot in a merged memory; empty draws a random one per store")
    frame_id: str = setting(
        "", "frame of all poses, empty is that of the first one; a pose in another frame counts as unknown"
    )

    place_radius: float = setting(1.0, "keyframe poses this close are one place", 0.1, 50.0, "m")
    view_distance: float = setting(
        2.0, "a thing is taken to be this far in front of the robot that sees it", 0.0, 50.0, "m"
    )
    merge_radius: float = setting(
        2.5, "things of one name whose places in view are farther apart are different", 0.1, 100.0, "m"
    )
    merge_without_pose: float = setting(
        600.0, "without a pose, things of one name seen within this time are one", 0.0, 1e7, "s"
    )
    same_cosine: float = setting(
        0.85, "names this close in the embedding are the same thing (extra [embed])", 0.0, 1.0
    )
    possible_cosine: float = setting(0.70, "names this close are linked as possibly the same", 0.0, 1.0)
    min_confidence: float = setting(
        0.0, "objects below this confidence are not remembered", 0.0, 1.0, changeable=True
    )

    evidence_per_object: int = setting(
        4, "captions kept for an object: the first and the newest", 1, 100, changeable=True
    )
    history_per_state: int = setting(16, "changes kept for a state, as of a door", 2, 1000, changeable=True)
    gone_probability: float = setting(
        0.05,
        "an object is gone when its absence from repeated visits is less likely",
        1e-6,
        1.0,
        changeable=True,
    )
    forget_after: float = setting(
        30.0,
        "objects not seen for so long are forgotten (seen once: a tenth); 0 keeps them",
        0.0,
        3650.0,
        "days",
        changeable=True,
    )
    max_objects: int = setting(
        50_000, "beyond this number those seen longest ago are forgotten", 10, 10_000_000, changeable=True
    )
    max_megabytes: int = setting(
        200, "beyond this size of the file, likewise", 1, 1_000_000, "MB", changeable=True
    )

    near_radius: float = setting(
        1.5, "'near' when no caption says so: places in view this close", 0.1, 50.0, "m", changeable=True
    )
    timezone: str = setting(
        "", "zone of spoken times as in 'Europe/Berlin'; empty is the machine's", changeable=True
    )

    announce_interval: float = setting(
        4.0, "least time between two sentences", 0.5, 3600.0, "s", changeable=True
    )
    announce_gather: float = setting(
        2.2, "news waits so long for more to be told with it", 0.0, 60.0, "s", changeable=True
    )
    announce_objects: int = setting(
        12, "most things named in one sentence; the rest waits for the next", 1, 50, changeable=True
    )
    announce_repeat_after: float = setting(
        120.0,
        "a thing of the same words is not announced again before, but as another one far from the first",
        0.0,
        1e6,
        "s",
        changeable=True,
    )
    announce_expires: float = setting(
        30.0, "what was not seen for so long is no news", 1.0, 3600.0, "s", changeable=True
    )
    announce_confirmations: int = setting(
        1, "images that must show a thing before it is announced", 1, 20, changeable=True
    )

    def __post_init__(self) -> None:
        zone(self.timezone)
        for entry in fields(self):
            value, low, high = getattr(self, entry.name), entry.metadata["low"], entry.metadata["high"]
            if low is not None and not low <= value <= high:
                unit = entry.metadata["unit"]
                raise UserError(
                    f"memory setting {entry.name} is {value}; it takes {low} to {high} {unit}".strip()
                )
