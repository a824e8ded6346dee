import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from ser_ros.runtime.keyframe_gate import GRID, KeyframeGate, change, thumbnail

RNG = np.random.default_rng(0)
ROOM = np.repeat(np.repeat(RNG.integers(30, 220, (24, 32, 3)), 20, axis=0), 20, axis=1).astype(np.uint8)
THRESHOLD = 0.06


def noisy(picture: np.ndarray, sigma: float = 6.0) -> np.ndarray:
    return np.clip(picture + RNG.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def with_box(picture: np.ndarray, side: int = 90) -> np.ndarray:
    out = picture.copy()
    out[200 : 200 + side, 300 : 300 + side] = (250, 20, 20)
    return out


def test_camera_noise_is_no_change_and_a_new_object_is():
    base = thumbnail(noisy(ROOM))
    assert change(base, thumbnail(noisy(ROOM))) < THRESHOLD / 2
    assert change(base, thumbnail(noisy(with_box(ROOM)))) > THRESHOLD * 2


def test_exposure_is_no_change():
    lighter = np.clip(ROOM.astype(int) + 15, 0, 255).astype(np.uint8)
    assert change(thumbnail(ROOM), thumbnail(lighter)) < THRESHOLD / 2


def test_colour_counts_at_equal_brightness():
    red = ROOM.copy()
    red[200:290, 300:390] = red[200:290, 300:390][..., ::-1]
    assert change(thumbnail(ROOM), thumbnail(red)) > THRESHOLD


def test_slow_change_adds_up():
    gate = KeyframeGate()
    side, passed = 0, []
    for step in range(40):
        side = step * 4
        passed.append(gate.is_keyframe("a", with_box(ROOM, side), step, THRESHOLD, 0.0))
    assert passed[0]
    assert 2 <= sum(passed) < 20


def test_a_still_scene_is_captioned_again_after_the_longest_interval():
    gate = KeyframeGate()
    seen = [gate.is_keyframe("a", noisy(ROOM), t, THRESHOLD, 10.0) for t in range(25)]
    assert [t for t, keyframe in enumerate(seen) if keyframe] == [0, 10, 20]


def test_cameras_are_apart_and_forgotten_one_by_one():
    gate = KeyframeGate()
    assert gate.is_keyframe("a", ROOM, 0, THRESHOLD, 0)
    assert gate.is_keyframe("b", ROOM, 0, THRESHOLD, 0)
    assert not gate.is_keyframe("a", ROOM, 1, THRESHOLD, 0)
    gate.forget("a")
    assert gate.is_keyframe("a", ROOM, 2, THRESHOLD, 0)
    assert not gate.is_keyframe("b", ROOM, 2, THRESHOLD, 0)
    gate.reset()
    assert gate.is_keyframe("b", ROOM, 3, THRESHOLD, 0)


def test_threshold_zero_is_off_and_time_that_runs_back_passes():
    gate = KeyframeGate()
    assert all(gate.is_keyframe("a", ROOM, t, 0.0, 0.0) for t in range(3))
    assert gate.is_keyframe("a", ROOM, 100, THRESHOLD, 0.0)
    assert gate.is_keyframe("a", ROOM, 50, THRESHOLD, 0.0)


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (3, 2), (480, 640), (2160, 3840)])
def test_any_size(size):
    assert thumbnail(np.full((*size, 3), 77, np.uint8)).shape == (GRID, GRID, 3)


@given(arrays(np.uint8, (GRID, GRID, 3)), arrays(np.uint8, (GRID, GRID, 3)))
def test_change_is_symmetric_and_bounded(before, after):
    a, b = before.astype(np.float32), after.astype(np.float32)
    assert change(a, a) == 0
    assert 0 <= change(a, b) <= 2
    assert change(a, b) == pytest.approx(change(b, a), abs=1e-4)
