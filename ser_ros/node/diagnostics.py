"""What a node says about itself once a second on /diagnostics, and which errors it lives with.

An error that the node survives (a bad image, a full memory) is reported with one sentence: it is
logged, and the node's status stays at ERROR for `HOLD` seconds so that a monitor sees it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

OK, WARN, ERROR, STALE = (
    DiagnosticStatus.OK,
    DiagnosticStatus.WARN,
    DiagnosticStatus.ERROR,
    DiagnosticStatus.STALE,
)
HOLD = 10.0  # seconds an error stays in the status after it was reported
_REMEMBERED = 64  # different topics of errors whose last log time is kept


@dataclass
class Report:
    """One line of the diagnostics: worst level, its sentence, and values for people."""

    level: bytes = OK
    message: str = "ok"
    values: dict[str, Any] = field(default_factory=dict)

    def worsen(self, level: bytes, message: str) -> None:
        """Take over `level` and `message` if it is worse than what stands here."""
        if level > self.level:
            self.level, self.message = level, message


class Diagnostics:
    """Publishes /diagnostics at 1 Hz by wall time, also while simulated time stands still.

    Args:
        node: its fully qualified name starts the name of each status.
        hardware: what the status is about: the device the model runs on.

    Attributes:
        hardware: as above; may change when the model is loaded.
        fault: a sentence that keeps the node's status at ERROR until it is cleared; empty is none.
    """

    def __init__(self, node: Node, hardware: str = ""):
        self._node = node
        self._sections: dict[str, Callable[[Report], None]] = {}
        self._lock = threading.Lock()
        self._last_logged: dict[str, float] = {}
        self._last_error = ""
        self._last_error_time = -HOLD
        self._errors = 0
        self.hardware = hardware
        self.fault = ""
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self._timer = node.create_timer(1.0, self.publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def add(self, name: str, fill: Callable[[Report], None]) -> None:
        """`fill` writes the status called `name` each second; "" is the node's own."""
        self._sections[name] = fill

    def remove(self, name: str) -> None:
        """Leave out the status called `name` from now on."""
        self._sections.pop(name, None)

    def error(self, sentence: str, topic: str = "") -> None:
        """Report an error that the node survives; may be called from any thread.

        Args:
            sentence: what is wrong, for people.
            topic: what it is about; one sentence about it is logged in `HOLD` seconds. Empty: the sentence
                itself, for sentences without changing numbers.
        """
        now = time.monotonic()
        topic = topic or sentence
        with self._lock:
            self._errors += 1
            self._last_error, self._last_error_time = sentence, now
            log = now - self._last_logged.get(topic, -HOLD) >= HOLD
            if log:
                self._last_logged.pop(topic, None)
                self._last_logged[topic] = now
                if len(self._last_logged) > _REMEMBERED:
                    del self._last_logged[next(iter(self._last_logged))]
        if log:
            self._node.get_logger().error(sentence)

    def debug(self, text: str) -> None:
        """Log for a developer, shown with --log-level debug."""
        self._node.get_logger().debug(text)

    def collect(self) -> list[DiagnosticStatus]:
        """All statuses as they are now; the node's own is the first."""
        name = self._node.get_fully_qualified_name().lstrip("/")
        return [
            self._status(f"{name}: {section}" if section else name, section)
            for section in sorted({"", *self._sections})
        ]

    def publish(self) -> None:
        """Send one DiagnosticArray."""
        message = DiagnosticArray(status=self.collect())
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def _status(self, name: str, section: str) -> DiagnosticStatus:
        report = Report()
        fill = self._sections.get(section)
        if fill is not None:
            try:
                fill(report)
            except Exception as error:  # a status that cannot be read must not end the node
                report.worsen(ERROR, f"diagnostics of {section or 'the node'} failed: {error!r}")
        if not section:
            self._add_errors(report)
        values = [KeyValue(key=key, value=_text(value)) for key, value in report.values.items()]
        return DiagnosticStatus(
            level=report.level, name=name, message=report.message, hardware_id=self.hardware, values=values
        )

    def _add_errors(self, report: Report) -> None:
        with self._lock:
            age = time.monotonic() - self._last_error_time
            if age < HOLD:
                report.worsen(ERROR, self._last_error)
            report.values["errors"] = self._errors
            report.values["last error"] = f"{self._last_error} ({age:.0f} s ago)" if self._errors else "none"
        if self.fault:
            report.level, report.message = ERROR, self.fault
        report.values["memory (MB)"] = resident_megabytes()


class Latencies:
    """Percentiles over the last `size` durations of each stage; thread-safe."""

    def __init__(self, size: int = 200):
        self._size = size
        self._lock = threading.Lock()
        self._seconds: dict[str, deque[float]] = {}

    def add(self, stage: str, seconds: float) -> None:
        """Note one duration of `stage`."""
        with self._lock:
            self._seconds.setdefault(stage, deque(maxlen=self._size)).append(seconds)

    def add_all(self, stages: Iterable[tuple[str, float]]) -> None:
        """Note one duration of each (stage, seconds)."""
        for stage, seconds in stages:
            self.add(stage, seconds)

    def fill(self, report: Report) -> None:
        """Write "STAGE p50 / p95 (ms)" for each stage."""
        with self._lock:
            stages = {stage: sorted(seconds) for stage, seconds in self._seconds.items()}
        for stage, ordered in stages.items():
            p50, p95 = (ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95))
            report.values[f"{stage} p50 / p95 (ms)"] = f"{1e3 * p50:.1f} / {1e3 * p95:.1f}"


class Rate:
    """Events a second over the last `window` seconds of any clock; thread-safe."""

    def __init__(self, window: float = 5.0):
        self._window = window
        self._lock = threading.Lock()
        self._times: deque[float] = deque(maxlen=4096)

    def add(self, now: float) -> None:
        """Note an event at `now` seconds; a clock that jumped back starts anew."""
        with self._lock:
            if self._times and now < self._times[-1]:
                self._times.clear()
            self._times.append(now)

    def per_second(self, now: float) -> float:
        """Events a second up to `now`."""
        with self._lock:
            while self._times and not 0.0 <= now - self._times[0] <= self._window:
                self._times.popleft()
            if len(self._times) < 2:
                return len(self._times) / self._window
            # the span between the events, or up to now when they ceased
            span = max(self._times[-1] - self._times[0], now - self._times[0] - self._window / 2)
            return (len(self._times) - 1) / span if span > 0 else 0.0


def resident_megabytes() -> int:
    """Memory of this process in MB (resident set); 0 where /proc does not exist."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def _text(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
