"""What a node says about itself, without a node around it where that is enough."""

from __future__ import annotations

import pytest

from ser_ros.node.diagnostics import ERROR, OK, WARN, Diagnostics, Latencies, Rate, Report, resident_megabytes
from ser_ros.runtime.device_memory import is_out_of_memory
from tests.node.robot import values


@pytest.fixture
def diagnostics(robot):
    return Diagnostics(robot.node)


def test_a_report_keeps_the_worst():
    report = Report()
    report.worsen(WARN, "slow")
    report.worsen(OK, "fine")
    assert (report.level, report.message) == (WARN, "slow")
    report.worsen(ERROR, "broken")
    report.worsen(WARN, "slow again")
    assert (report.level, report.message) == (ERROR, "broken")


def test_statuses_with_sections_errors_and_faults(diagnostics):
    diagnostics.add("camera a", lambda report: report.values.update({"topic": "/a", "rate": 2.0}))
    diagnostics.add("broken", lambda report: 1 / 0)
    own, broken, camera = diagnostics.collect()
    assert (own.name, own.level) == ("robot", OK)
    assert (camera.name, values(camera)) == ("robot: camera a", {"topic": "/a", "rate": "2.0"})
    assert broken.level == ERROR
    assert "ZeroDivisionError" in broken.message
    diagnostics.error("the lens is dirty")
    own = diagnostics.collect()[0]
    assert (own.level, own.message) == (ERROR, "the lens is dirty")
    assert values(own)["errors"] == "1"
    diagnostics.fault = "no model"
    assert diagnostics.collect()[0].message == "no model"
    diagnostics.remove("broken")
    assert len(diagnostics.collect()) == 2


def test_errors_about_one_thing_are_logged_once(diagnostics, robot):
    logged = []
    robot.node.get_logger = lambda: type("Logger", (), {"error": staticmethod(logged.append)})
    for number in range(100):
        diagnostics.error(f"image {number} is broken", topic="camera")
        diagnostics.error("no memory")
    assert logged == ["image 0 is broken", "no memory"]
    assert values(diagnostics.collect()[0])["errors"] == "200"


def test_latencies():
    latencies = Latencies(size=100)
    latencies.add_all([("tower", 0.001 * ms) for ms in range(1, 1001)])  # the last 100 count
    report = Report()
    latencies.fill(report)
    assert report.values == {"tower p50 / p95 (ms)": "951.0 / 996.0"}


def test_rate_by_any_clock():
    rate = Rate(window=5.0)
    for tick in range(50):
        rate.add(100 + tick / 10)
    assert rate.per_second(105.0) == pytest.approx(10, rel=0.05)
    assert rate.per_second(107.0) < 10
    assert rate.per_second(200.0) == 0
    rate.add(3.0)  # the clock jumped back
    assert rate.per_second(3.0) <= 0.2


def test_memory():
    assert 10 < resident_megabytes() < 100_000


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (MemoryError(), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("Failed to allocate memory for requested buffer of size 1024"), True),
        (RuntimeError("std::bad_alloc"), True),
        (type("OutOfMemoryError", (RuntimeError,), {})("full"), True),
        (ValueError("shapes do not match"), False),
    ],
)
def test_full_memory_is_told_from_other_errors(error, full):
    assert is_out_of_memory(error) is full
