"""The newest image of each camera waits for one worker; older ones are dropped and counted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

POLL = 0.05  # seconds between looks at a clock that cannot be waited on (simulated time)


@dataclass(frozen=True)
class Waiting:
    """An image that waits for the worker.

    Attributes:
        camera: name of its camera.
        image: whatever was put in.
        arrived: `time.monotonic()` seconds when it was put in.
        dropped: images of this camera that a newer one replaced since the last one was taken.
    """

    camera: str
    image: Any
    arrived: float
    dropped: int


class CameraSlots:
    """One slot per camera, emptied in turn; all methods may be called from any thread.

    Args:
        cameras: their names, in the order of the first turn.
    """

    def __init__(self, cameras: Sequence[str]):
        self._turn = list(cameras)
        self._waiting: dict[str, Waiting] = {}
        self._newest: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._woken = False

    def put(self, camera: str, image: Any) -> None:
        """Make `image` the newest of `camera`."""
        with self._changed:
            replaced = self._waiting.get(camera)
            dropped = replaced.dropped + 1 if replaced is not None else 0
            self._waiting[camera] = Waiting(camera, image, time.monotonic(), dropped)
            self._newest[camera] = image
            self._changed.notify()

    def take(
        self, most: int, pause: Callable[[str], float] = lambda camera: 0.0, timeout: float | None = None
    ) -> list[Waiting]:
        """Wait for images and take up to `most` of different cameras, the camera served last comes last.

        Args:
            most: 1 or more.
            pause: seconds that a camera which has an image must still wait (rate limit).
            timeout: seconds; None waits until `wake` is called.

        Returns:
            Empty after the timeout or a `wake`.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while True:
                if self._woken:
                    self._woken = False
                    return []
                pauses = {camera: pause(camera) for camera in self._turn if camera in self._waiting}
                ready = [camera for camera, seconds in pauses.items() if seconds <= 0][:most]
                if ready:
                    for camera in ready:
                        self._turn.remove(camera)
                        self._turn.append(camera)
                    return [self._waiting.pop(camera) for camera in ready]
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return []
                limits = [seconds for seconds in (left, *pauses.values()) if seconds is not None]
                self._changed.wait(min(*limits, POLL) if pauses else left)

    def newest(self, camera: str) -> Any | None:
        """The last image of `camera`, taken or not; None before the first."""
        with self._changed:
            return self._newest.get(camera)

    def wake(self) -> None:
        """Let the current or the next `take` return at once with nothing."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def clear(self) -> None:
        """Forget all images (the clock jumped back)."""
        with self._changed:
            self._waiting.clear()
            self._newest.clear()


class RateLimit:
    """At most so many events a second of each key, without drifting below the limit.

    A 3 Hz camera under a limit of 2 Hz gives 2 Hz, not 1.5: the next time due follows from the
    last time due, not from the last event.
    """

    def __init__(self) -> None:
        self._due: dict[str, float] = {}  # when the last event was due

    def pause(self, key: str, now: float, rate: float) -> float:
        """Seconds from `now` (of any clock) until an event of `key` may happen; 0 is at once.

        Args:
            key: whose events.
            now: seconds.
            rate: most events a second, 0 is no limit; it may differ from call to call.
        """
        return max(0.0, self._next(key, now, rate) - now)

    def mark(self, key: str, now: float, rate: float) -> None:
        """An event happened at `now`, with the limit of `rate` events a second."""
        due = self._next(key, now, rate)
        self._due[key] = due if rate > 0 and 0 <= now - due < 1 / rate else now

    def _next(self, key: str, now: float, rate: float) -> float:
        last = self._due.get(key)
        # later than now: the clock was set back, and what was due in its old time is due at once
        return now if rate <= 0 or last is None or last > now else last + 1 / rate

    def reset(self) -> None:
        """Forget all times (the clock jumped)."""
        self._due.clear()
