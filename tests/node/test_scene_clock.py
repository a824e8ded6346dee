"""The time by the stamps of the scenes: it goes on, goes back with its camera, and tells of two clocks."""

from __future__ import annotations

from ser_ros.node.scene_clock import SceneClock

SECOND = 1_000_000_000
YEARS = 10**18


def test_it_goes_on_between_scenes() -> None:
    clock = SceneClock()
    assert clock.now_ns(7.0) == 0
    assert clock.note("front", 100 * SECOND, 7.0) == 0
    assert clock.now_ns(7.5) == 100 * SECOND + SECOND // 2


def test_out_of_order_is_no_step_back() -> None:
    clock = SceneClock()
    clock.note("front", 100 * SECOND, 7.0)
    assert clock.note("front", 99 * SECOND + SECOND // 2, 7.1) == 0
    assert clock.now_ns(7.1) >= 100 * SECOND


def test_one_wrong_stamp_does_not_hold_the_time_in_the_future() -> None:
    clock = SceneClock()
    clock.note("front", YEARS, 7.0)
    assert clock.note("front", 100 * SECOND, 8.0) == YEARS - 100 * SECOND
    assert clock.now_ns(8.0) == 100 * SECOND
    assert not clock.trouble(8.0)


def test_a_silent_camera_does_not_hold_it_either() -> None:
    clock = SceneClock()
    clock.note("front", YEARS, 7.0)
    assert clock.note("rear", 100 * SECOND, 20.0) > 0
    assert clock.now_ns(20.0) == 100 * SECOND


def test_two_clocks_are_told_of_while_both_cameras_send() -> None:
    clock = SceneClock()
    clock.note("front", 4000 * SECOND, 7.0)
    assert clock.note("rear", 400 * SECOND, 7.5) == 0
    assert clock.now_ns(7.5) > 4000 * SECOND
    assert "camera 'rear' are 3600 s older than those of camera 'front'" in clock.trouble(8.0)
    assert clock.trouble(60.0) == ""
