"""Every kind of thing in the home: its name, builder, colours, and where it belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ser_ros.data.sim.palette import CLOTH, RGB, VIVID, WOOD
from ser_ros.data.sim.parts import Parts
from ser_ros.data.sim.things import appliances, furniture, living, seating, smalls, walls

Builder = Callable[[Parts, RGB, np.random.Generator], None]
_METALS = ("white", "gray", "black", "red")
_FUR = ("black", "orange", "gray", "white", "brown")


@dataclass(frozen=True)
class Kind:
    """One kind of thing.

    Attributes:
        key: unique name; "door_open" and "door_closed" are two kinds with one noun.
        noun: what a person calls it.
        build: puts it together.
        colours: names of the colours it comes in.
        place: "wall" (stands with its back to a wall), "floor", "top" (on a surface), "hang"
            (on the wall) or "rug".
        state: a word like "open" or "sitting", or None.
        salience: how much a person would want to mention it, 1 is usual.
        plural: of the noun.
    """

    key: str
    noun: str
    build: Builder
    colours: tuple[str, ...]
    place: str
    state: str | None = None
    salience: float = 1.0
    plural: str = ""

    def novel_colours(self) -> tuple[str, ...]:
        """Colours that only `test_novel` shows: one in six where there are at least five."""
        if len(self.colours) < 5:
            return ()

        def rank(colour: str) -> str:
            return hashlib.sha256(f"{self.key}/{colour}".encode()).hexdigest()

        return tuple(sorted(self.colours, key=rank)[: max(1, len(self.colours) // 6)])


_SEAT = (*CLOTH, "orange")
_TOY = (*VIVID, "white", "black")
_ENTRIES: tuple[tuple, ...] = (
    ("chair", seating.chair, ("red", "blue", "green", "yellow", "white", "black", "brown"), "floor"),
    ("office chair", seating.office_chair, ("black", "blue", "red", "green", "gray"), "floor"),
    ("stool", seating.stool, ("red", "blue", "yellow", "white", "brown", "black"), "floor"),
    ("sofa", seating.sofa, _SEAT, "wall"),
    ("armchair", seating.armchair, _SEAT, "wall"),
    ("bed", seating.bed, ("red", "blue", "green", "purple", "pink", "yellow", "gray"), "wall"),
    ("table", furniture.table, WOOD, "floor"),
    ("coffee table", furniture.coffee_table, WOOD, "floor"),
    ("desk", furniture.desk, WOOD, "wall"),
    ("nightstand", furniture.nightstand, WOOD, "wall"),
    ("dresser", furniture.dresser, WOOD, "wall"),
    ("bookshelf", furniture.bookshelf, WOOD, "wall"),
    ("wardrobe", furniture.wardrobe, WOOD, "wall"),
    ("shelf", furniture.shelf, WOOD, "hang"),
    ("counter", furniture.counter, ("white", "gray", "blue", "green", "brown"), "wall"),
    ("basket", furniture.basket, ("brown", "white", "pink", "blue", "gray"), "floor"),
    ("box", furniture.box, ("brown", "white", "blue", "red", "green"), "floor"),
    ("ladder", furniture.ladder, ("yellow", "red", "blue", "gray", "green"), "floor"),
    ("stairs", furniture.stairs, ("brown", "gray", "white"), "wall"),
    ("refrigerator", appliances.refrigerator, _METALS, "wall"),
    ("stove", appliances.stove, ("white", "gray", "black"), "wall"),
    ("washing machine", appliances.washing_machine, ("white", "gray"), "wall"),
    ("microwave", appliances.microwave, _METALS, "top"),
    ("toaster", appliances.toaster, ("red", "white", "gray", "green", "black"), "top"),
    ("kettle", appliances.kettle, ("red", "white", "blue", "black", "green"), "top"),
    ("television", appliances.television, ("black",), "wall"),
    ("monitor", appliances.monitor, ("black", "white"), "top"),
    ("laptop", appliances.laptop, ("gray", "black", "white"), "top"),
    ("piano", appliances.piano, ("black", "brown", "white"), "wall"),
    ("floor lamp", appliances.floor_lamp, ("yellow", "white", "red", "green", "blue", "orange"), "floor"),
    ("lamp", appliances.lamp, ("yellow", "white", "red", "green", "blue", "orange", "pink"), "top"),
    ("toilet", appliances.toilet, ("white",), "wall"),
    ("sink", appliances.sink, ("white",), "wall"),
    ("bathtub", appliances.bathtub, ("white", "pink", "blue"), "wall"),
    ("radiator", appliances.radiator, ("white",), "wall"),
    ("mug", smalls.mug, _TOY, "top"),
    ("bottle", smalls.bottle, ("green", "blue", "brown", "red", "yellow", "purple"), "top"),
    ("bowl", smalls.bowl, ("white", "blue", "red", "green", "yellow"), "top"),
    ("vase", smalls.vase, ("white", "blue", "green", "red", "purple", "black"), "top"),
    ("book", smalls.book, _TOY, "top"),
    ("teddy bear", smalls.teddy_bear, ("brown", "white", "pink", "yellow", "gray"), "top"),
    ("pot", smalls.pot, ("red", "gray", "black", "blue", "orange"), "top"),
    ("pillow", smalls.pillow, (*VIVID, "white"), "seat"),
    ("plant", smalls.plant, ("brown", "white", "blue", "red", "black", "orange"), "floor"),
    ("trash bin", smalls.bin, ("gray", "green", "blue", "red", "white", "black"), "floor"),
    ("ball", smalls.ball, VIVID, "floor"),
    ("suitcase", smalls.suitcase, (*VIVID, "black", "gray"), "floor"),
    ("backpack", smalls.backpack, (*VIVID, "black"), "floor"),
    ("fire extinguisher", smalls.extinguisher, ("red",), "floor"),
    ("wet floor sign", smalls.wet_floor_sign, ("yellow",), "floor"),
    ("traffic cone", smalls.cone, ("orange",), "floor"),
    ("bicycle", smalls.bicycle, (*VIVID, "black", "white"), "floor"),
    ("guitar", smalls.guitar, ("brown", "red", "blue", "black", "orange"), "floor"),
    ("toy car", smalls.toy_car, VIVID, "floor"),
    ("umbrella", smalls.umbrella, VIVID, "floor"),
    ("window", walls.window, ("white", "brown"), "hang"),
    ("curtains", walls.curtains, ("red", "blue", "green", "yellow", "purple", "white", "gray"), "wall"),
    ("picture", walls.picture, ("black", "brown", "white"), "hang"),
    ("mirror", walls.mirror, ("brown", "white", "black"), "hang"),
    ("clock", smalls.clock, ("black", "red", "blue", "white", "green"), "hang"),
    ("whiteboard", walls.whiteboard, ("white",), "hang"),
    ("towel", walls.towel, (*VIVID, "white"), "hang"),
    ("rug", walls.rug, ("red", "blue", "green", "purple", "gray", "brown", "orange"), "rug"),
    ("cat", living.cat, _FUR, "floor"),
    ("dog", living.dog, ("brown", "black", "white", "gray", "orange"), "floor"),
    ("shoes", smalls.shoes, ("red", "blue", "black", "green", "yellow", "pink"), "floor"),
    ("person", living.person_standing, (*VIVID, "white", "gray"), "floor", "standing"),
    ("person", living.person_sitting, (*VIVID, "white", "gray"), "seat", "sitting"),
    ("door", walls.door_closed, ("brown", "white", "blue", "green", "red"), "wall", "closed"),
    ("door", walls.door_open, ("brown", "white", "blue", "green", "red"), "wall", "open"),
)
_SALIENCE = {
    "person": 2.0, "cat": 1.8, "dog": 1.8, "wet floor sign": 1.6, "fire extinguisher": 1.4, "suitcase": 1.3,
    "bicycle": 1.4, "rug": 0.6, "radiator": 0.6, "window": 0.7, "counter": 0.8, "curtains": 0.7, "shelf": 0.8,
    "teddy bear": 1.4, "mug": 1.4, "bottle": 1.4, "vase": 1.3, "laptop": 1.3, "ball": 1.4,
}  # fmt: skip
_PLURALS = {
    "shelf": "shelves",
    "bookshelf": "bookshelves",
    "person": "people",
    "box": "boxes",
    "toy car": "toy cars",
}
PLURAL_ONLY = frozenset({"stairs", "curtains", "shoes"})


def _plural(noun: str) -> str:
    if noun in PLURAL_ONLY:
        return noun
    return _PLURALS.get(noun, noun + "s")


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by key."""
    table = {}
    for noun, build, colours, place, *state in _ENTRIES:
        word = state[0] if state else None
        key = f"{noun}_{word}" if word else noun
        key = key.replace(" ", "_")
        weight = _SALIENCE.get(noun, 1.0)
        table[key] = Kind(key, noun, build, tuple(colours), place, word, weight, _plural(noun))
    return table


def article(words: str) -> str:
    """ "a" or "an" for what follows."""
    return "an" if words[0] in "aeiou" else "a"
