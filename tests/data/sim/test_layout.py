from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.data.sim import layout
from ser_ros.data.sim.catalogue import kinds
from ser_ros.data.sim.palette import COLOURS
from ser_ros.data.sim.parts import Parts, rotation
from ser_ros.data.sim.rooms import ROOM_TYPES


def test_there_are_more_than_forty_nouns_and_every_room_uses_known_kinds():
    assert len({kind.noun for kind in kinds().values()}) >= 40
    for room in ROOM_TYPES.values():
        for key in (*room.wall, *room.centre, *room.companions, *room.floor, *room.hang, *room.top):
            assert not key or key in kinds()


@pytest.mark.parametrize("key", sorted(kinds()))
def test_every_kind_stands_on_the_floor_and_has_a_sensible_size(key):
    kind = kinds()[key]
    parts = Parts()
    kind.build(parts, (0.5, 0.5, 0.5), np.random.default_rng(0))
    size = parts.corners().max(axis=0) - parts.corners().min(axis=0)
    assert 0.05 < size.max() < 2.6
    if kind.place in ("floor", "top", "rug"):
        assert parts.corners()[:, 2].min() > -0.12
    assert set(kind.colours) <= set(COLOURS)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(ROOM_TYPES)))
def test_a_room_is_the_same_for_the_same_seed_and_nothing_leaves_it(seed, name):
    one, two = (layout.furnish(np.random.default_rng(seed), name) for _ in range(2))
    assert [(t.kind.key, t.colour, *t.position, t.yaw) for t in one.things] == [
        (t.kind.key, t.colour, *t.position, t.yaw) for t in two.things
    ]
    for thing in one.things:
        if thing.relation == "on floor":
            x0, y0, x1, y1 = thing.rect()
            assert x0 > -one.size[0] / 2 - 0.01
            assert x1 < one.size[0] / 2 + 0.01
            assert y0 > -one.size[1] / 2 - 0.01
            assert y1 < one.size[1] / 2 + 0.01


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(sorted(ROOM_TYPES)))
def test_combinations_of_test_novel_are_never_in_other_rooms(seed, name):
    room = layout.furnish(np.random.default_rng(seed), name)
    assert not [t for t in room.things if t.colour in t.kind.novel_colours()]


def test_test_novel_rooms_have_unseen_combinations():
    rooms = [layout.furnish(np.random.default_rng(i), "living room", novel=True) for i in range(4)]
    assert [t for r in rooms for t in r.things if t.colour in t.kind.novel_colours()]


def test_a_thing_bears_what_stands_on_it():
    room = layout.furnish(np.random.default_rng(3), "kitchen")
    borne = [t for t in room.things if t.relation == "on" and t.host is not None]
    assert borne
    for thing in borne:
        host = room.things[thing.host]
        assert thing.heights()[0] > host.heights()[0]
        x0, y0, x1, y1 = host.rect()
        assert x0 <= thing.position[0] <= x1
        assert y0 <= thing.position[1] <= y1


def test_rotation_is_about_fixed_axes():
    np.testing.assert_allclose(rotation((90, 0, 0)) @ [0, 0, 1], [0, -1, 0], atol=1e-12)
    np.testing.assert_allclose(rotation((0, 0, 90)) @ [1, 0, 0], [0, 1, 0], atol=1e-12)
