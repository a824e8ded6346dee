import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.runtime.camera_slots import CameraSlots, RateLimit


def test_newest_wins_and_the_dropped_are_counted():
    slots = CameraSlots(["front"])
    for image in range(5):
        slots.put("front", image)
    (taken,) = slots.take(1)
    assert (taken.image, taken.dropped) == (4, 4)
    slots.put("front", 5)
    assert slots.take(1)[0].dropped == 0


def test_cameras_take_turns():
    slots = CameraSlots("abc")
    order = []
    for _ in range(6):
        for camera in "cba":
            slots.put(camera, camera)
        order.append(slots.take(1)[0].camera)
    assert order == list("abcabc")


def test_a_silent_camera_does_not_hold_up_the_others():
    slots = CameraSlots("abc")
    for _ in range(3):
        slots.put("b", 0)
        assert [frame.camera for frame in slots.take(3)] == ["b"]


def test_a_batch_has_each_camera_once():
    slots = CameraSlots("abcd")
    for camera in "abcdabcd":
        slots.put(camera, 0)
    assert [frame.camera for frame in slots.take(3)] == ["a", "b", "c"]
    slots.put("a", 1)
    assert [frame.camera for frame in slots.take(4)] == ["d", "a"]


def test_take_waits_for_put_and_returns_at_wake_and_timeout():
    slots = CameraSlots("a")
    assert slots.take(1, timeout=0.01) == []
    threading.Timer(0.05, slots.put, ("a", 1)).start()
    assert slots.take(1, timeout=5)[0].image == 1
    threading.Timer(0.05, slots.wake).start()
    assert slots.take(1) == []
    slots.wake()  # before the take
    assert slots.take(1) == []


def test_an_image_that_is_not_due_waits_and_is_replaced():
    slots = CameraSlots("a")
    slots.put("a", 1)
    assert slots.take(1, pause=lambda camera: 9.0, timeout=0.01) == []
    slots.put("a", 2)
    begin = time.monotonic()
    (taken,) = slots.take(1, pause=lambda camera: begin + 0.06 - time.monotonic(), timeout=5)
    assert (taken.image, taken.dropped) == (2, 1)


def test_newest_stays_after_it_was_taken_until_cleared():
    slots = CameraSlots("a")
    assert slots.newest("a") is None
    slots.put("a", 7)
    slots.take(1)
    assert slots.newest("a") == 7
    slots.clear()
    assert slots.newest("a") is None
    assert slots.take(1, timeout=0) == []


@given(camera=st.floats(0.5, 60), limit=st.floats(0.2, 30))
def test_rate_limit_gives_the_lower_of_both_rates(camera, limit):
    rate = RateLimit()
    passed, seconds = 0, 100
    for frame in range(int(camera * seconds)):
        now = 1000 + frame / camera
        if not rate.pause("a", now, limit):
            rate.mark("a", now, limit)
            passed += 1
    assert passed <= limit * seconds + 2
    assert passed >= 0.98 * min(camera, limit) * seconds - 2


def test_no_limit_and_reset():
    rate = RateLimit()
    rate.mark("a", 5.0, 0.0)
    assert rate.pause("a", 5.0, 0.0) == 0
    rate.mark("a", 5.0, 0.1)
    assert rate.pause("a", 6.0, 0.1) == pytest.approx(9.0)
    assert rate.pause("b", 6.0, 0.1) == 0
    rate.reset()
    assert rate.pause("a", 1.0, 0.1) == 0


def test_a_clock_that_was_set_back_holds_nothing_up():
    rate = RateLimit()
    rate.mark("a", 5000.0, 2.0)
    assert rate.pause("a", 100.0, 2.0) == 0  # not 4900.5
    rate.mark("a", 100.0, 2.0)
    assert rate.pause("a", 100.1, 2.0) == pytest.approx(0.4)


def test_a_changed_limit_counts_from_the_last_event_at_once():
    rate = RateLimit()
    rate.mark("a", 5.0, 0.01)  # by this limit the next would be due after 100 s
    assert rate.pause("a", 6.0, 0.0) == 0
    assert rate.pause("a", 6.0, 0.5) == pytest.approx(1.0)
