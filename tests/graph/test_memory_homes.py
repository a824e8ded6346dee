"""The room a thing is in: that of the nearest place that some caption named."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.homes import REACH
from tests.graph.memory_scenes import pose, seen

CAPTIONS = ("a red cup", "a lamp", "a kitchen with a dog", "an office with a box", "a kitchen", "an office")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(CAPTIONS), st.floats(-9, 9), st.floats(-9, 9), st.sampled_from([0.0, 90.0, 200.0])
        ),
        min_size=1,
        max_size=25,
    )
)
def test_the_home_of_a_thing_is_the_nearest_named_place(
    scenes: list[tuple[str, float, float, float]],
) -> None:
    with Memory.open() as memory:
        memory.observe(
            seen(caption, second, pose(x, y, degrees))
            for second, (caption, x, y, degrees) in enumerate(scenes)
        )
        named = list(map(tuple, memory.store.db.execute("SELECT x, y, id FROM place WHERE room <> ''")))
        for x, y, home in memory.store.db.execute("SELECT view_x, view_y, home FROM object"):
            distances = {number: math.hypot(px - x, py - y) for px, py, number in named}
            nearest = min(distances.values(), default=math.inf)
            if home is None:
                assert nearest > REACH - 1e-9
            else:
                assert distances[home] <= min(nearest, REACH) + 1e-9


def test_what_has_no_home_is_in_the_room_it_was_seen_from() -> None:
    config = MemoryConfig(view_distance=20.0, timezone="UTC")
    with Memory.open(config=config) as memory:
        memory.observe(seen("a kitchen with a red cup"))
        memory.observe(seen("an office with a lamp", 1, pose(60.0)))
        assert memory.store.db.execute("SELECT count(home) FROM object").fetchone()[0] == 0
        for room, thing in (("kitchen", "cup"), ("office", "lamp")):
            assert [match.label for match in memory.query(f"what is in the {room}").matches] == [thing]
