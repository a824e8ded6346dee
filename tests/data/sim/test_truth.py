"""Relations and visibility from a hand-made world of three things."""

from __future__ import annotations

import numpy as np
import pytest

from ser_ros.data.sim.catalogue import kinds
from ser_ros.data.sim.layout import Thing
from ser_ros.data.sim.parts import Parts
from ser_ros.data.sim.render import Camera
from ser_ros.data.sim.truth import observe


def thing(key: str, colour: str, x: float, y: float, z: float = 0.0, **more) -> Thing:
    parts = Parts()
    kinds()[key].build(parts, (0.5, 0.5, 0.5), np.random.default_rng(0))
    return Thing(kinds()[key], colour, parts, np.array([x, y, z]), 0.0, **more)


def paint(things: list[Thing], camera: Camera, side: int = 64) -> np.ndarray:
    """Each thing as the box of its corners, far ones first."""
    picture = np.full((side, side), -1)
    for index in sorted(range(len(things)), key=lambda i: -camera.project(things[i].corners())[1].mean()):
        points, _ = camera.project(things[index].corners())
        (x0, y0), (x1, y1) = (
            np.clip(points.min(axis=0), 0, 1) * side,
            np.clip(points.max(axis=0), 0, 1) * side,
        )
        picture[int(y0) : int(y1), int(x0) : int(x1)] = index
    return picture


CAMERA = Camera((0.0, 0.0, 0.8), 0.0, -8.0)  # looks along +x; +y is on the left


def relations(things: list[Thing]) -> set[tuple[str, str, str]]:
    truth = observe(things, CAMERA, paint(things, CAMERA), "kitchen", "wood")
    return {
        (truth.objects[i].noun, p, truth.objects[j].noun if j >= 0 else "wall") for i, p, j in truth.relations
    }


def test_left_right_and_next_to():
    found = relations([thing("chair", "red", 2.0, 0.5), thing("ball", "blue", 2.0, -0.1)])
    assert ("chair", "to the left of", "ball") in found
    assert ("ball", "to the right of", "chair") in found
    assert ("chair", "next to", "ball") in found


def test_in_front_of_needs_a_shared_column():
    found = relations([thing("ball", "red", 1.4, 0.0), thing("chair", "blue", 2.6, 0.1)])
    assert ("ball", "in front of", "chair") in found
    assert ("chair", "behind", "ball") in found


def test_what_stands_on_a_table_is_on_it_and_in_no_other_relation_to_it():
    table = thing("table", "brown", 1.5, 0.0)
    found = relations(
        [table, thing("teddy_bear", "white", 1.3, 0.0, table.parts.surfaces[0].z, host=0, relation="on")]
    )
    assert {r for r in found if r[0] == "teddy bear"} == {("teddy bear", "on", "table")}


def test_a_brown_table_is_wooden_and_a_plant_has_the_colour_of_its_pot():
    truth = observe(
        things := [thing("table", "brown", 2.2, -0.6), thing("plant", "red", 2.0, 0.6)],
        CAMERA,
        paint(things, CAMERA),
        "office",
        "carpet",
    )
    by_noun = {o.noun: o for o in truth.objects}
    assert by_noun["table"].attributes == ["wooden"]
    assert by_noun["plant"].part == ("pot", "red")
    assert by_noun["plant"].size in ("small", "tall")


def test_things_alike_are_counted():
    things = [thing("stool", "red", 2.2, y) for y in (-0.6, 0.6)]
    truth = observe(things, CAMERA, paint(things, CAMERA), "kitchen", "tiles")
    assert [(o.noun, o.count) for o in truth.objects] == [("stool", 2)]


def test_what_is_hidden_or_tiny_is_not_named():
    things = [thing("wardrobe", "white", 1.6, 0.0), thing("ball", "red", 3.0, 0.0)]
    truth = observe(things, CAMERA, paint(things, CAMERA), "bedroom", "wood")
    assert [o.noun for o in truth.objects] == ["wardrobe"]
    assert "ball" not in [noun for noun, _ in truth.allowed]


@pytest.mark.parametrize("share", [0.0005, 0.2])
def test_a_glimpse_may_be_named_but_need_not(share):
    picture = np.full((100, 100), -1)
    picture.ravel()[: int(share * 10_000) or 1] = 0
    truth = observe([thing("mug", "red", 2.0, 0.0)], CAMERA, picture, "kitchen", "wood")
    assert bool(truth.allowed) == (share > 0.1)
