"""What time it is by the stamps of the scenes, also where a bag is played without /clock."""

from __future__ import annotations

STEP_BACK = 1_000_000_000  # ns; a camera whose stamps go back farther is in another time, not out of order
SILENT = 5.0  # seconds; who sent nothing for so long does not set the time any more
APART = 10_000_000_000  # ns; cameras whose stamps differ by more do not share a clock
HOLD = 10.0  # seconds for which cameras of two clocks are told of


class SceneClock:
    """The time of the camera whose stamps are the newest, and back with it where it goes back.

    One wrong stamp, as of a driver that has not found its clock yet, must not hold the time in the future.

    Attributes:
        stamp: of the scene that set the time, ns; 0 before the first one.
        came: when that was, seconds of a steady clock.
    """

    def __init__(self) -> None:
        self.stamp, self.came = 0, 0.0
        self._camera = ""
        self._apart, self._noticed = "", -HOLD

    def note(self, camera: str, stamp: int, now: float) -> int:
        """Take in a scene's stamp, in ns, at `now`, in seconds of a steady clock.

        Returns:
            by how many ns the time went back with it.
        """
        behind = self.stamp - stamp
        if behind <= 0:
            pass
        elif behind <= STEP_BACK:
            return 0
        elif camera != self._camera and now - self.came < SILENT:
            if behind > APART:
                self._noticed = now
                self._apart = (
                    f"stamps of camera {camera!r} are {behind / 1e9:.0f} s older than those of camera "
                    f"{self._camera!r}, so its news is late or never told; set their clocks"
                )
            return 0
        self.stamp, self.came, self._camera = stamp, now, camera
        return max(0, behind)

    def now_ns(self, now: float) -> int:
        """The time of the scenes at `now`; 0 before the first one."""
        return self.stamp + int((now - self.came) * 1e9) if self.stamp else 0

    def trouble(self, now: float) -> str:
        """Says which cameras do not share a clock; "" where all do."""
        return self._apart if now - self._noticed < HOLD else ""
