"""What belongs into which room, and what its floor and walls look like."""

from __future__ import annotations

from dataclasses import dataclass

_EVERYWHERE = ("plant", "trash_bin", "box", "ball", "suitcase", "backpack", "cat", "dog", "person_standing")


@dataclass(frozen=True)
class RoomType:
    """One type of room.

    Attributes:
        name: as people say it.
        wall: keys of things that stand along the walls; the first is nearly always there.
        centre: keys of what may stand in the middle.
        companions: keys of what stands around the thing in the middle.
        floor: keys of small things on the floor.
        hang: keys of what hangs on the walls.
        top: keys of what stands on surfaces.
        floors: floor finishes: "wood", "tiles" or "carpet".
    """

    name: str
    wall: tuple[str, ...]
    centre: tuple[str, ...]
    companions: tuple[str, ...]
    floor: tuple[str, ...]
    hang: tuple[str, ...]
    top: tuple[str, ...]
    floors: tuple[str, ...]


ROOM_TYPES: dict[str, RoomType] = {
    room.name: room
    for room in (
        RoomType(
            "kitchen",
            ("counter", "refrigerator", "stove", "counter", "door_open", "door_closed", "washing_machine"),
            ("table", "table", ""),
            ("chair", "chair", "stool"),
            (*_EVERYWHERE, "basket", "wet_floor_sign", "stool", "fire_extinguisher"),
            ("window", "clock", "shelf", "picture"),
            ("mug", "bottle", "bowl", "kettle", "toaster", "microwave", "pot", "vase"),
            ("tiles", "wood"),
        ),
        RoomType(
            "living room",
            (
                "sofa",
                "armchair",
                "television",
                "bookshelf",
                "piano",
                "door_open",
                "door_closed",
                "curtains",
                "radiator",
            ),
            ("coffee_table", "coffee_table", ""),
            ("stool", "armchair"),
            (*_EVERYWHERE, "floor_lamp", "guitar", "toy_car", "basket", "shoes", "umbrella"),
            ("picture", "window", "clock", "shelf", "mirror"),
            ("mug", "book", "vase", "laptop", "bowl", "bottle", "teddy_bear", "lamp"),
            ("wood", "carpet"),
        ),
        RoomType(
            "bedroom",
            (
                "bed",
                "nightstand",
                "wardrobe",
                "dresser",
                "door_closed",
                "door_open",
                "curtains",
                "radiator",
                "desk",
            ),
            ("",),
            ("chair",),
            (*_EVERYWHERE, "floor_lamp", "shoes", "basket", "guitar", "toy_car", "chair"),
            ("picture", "window", "mirror", "clock", "shelf"),
            ("lamp", "book", "teddy_bear", "mug", "vase", "laptop"),
            ("wood", "carpet"),
        ),
        RoomType(
            "hallway",
            ("door_closed", "door_open", "stairs", "dresser", "wardrobe", "radiator", "door_open"),
            ("",),
            ("stool",),
            (
                *_EVERYWHERE,
                "shoes",
                "umbrella",
                "bicycle",
                "wet_floor_sign",
                "fire_extinguisher",
                "ladder",
                "traffic_cone",
            ),
            ("mirror", "picture", "clock", "picture"),
            ("vase", "lamp", "book", "teddy_bear"),
            ("wood", "tiles"),
        ),
        RoomType(
            "office",
            ("desk", "desk", "bookshelf", "door_closed", "door_open", "radiator", "armchair"),
            ("table", ""),
            ("office_chair", "chair"),
            (
                *_EVERYWHERE,
                "office_chair",
                "fire_extinguisher",
                "wet_floor_sign",
                "ladder",
                "traffic_cone",
                "bicycle",
            ),
            ("whiteboard", "window", "clock", "picture", "shelf"),
            ("laptop", "monitor", "mug", "book", "lamp", "bottle"),
            ("carpet", "wood"),
        ),
        RoomType(
            "bathroom",
            ("bathtub", "toilet", "sink", "washing_machine", "door_closed", "door_open", "radiator"),
            ("",),
            ("stool",),
            (
                "basket",
                "trash_bin",
                "wet_floor_sign",
                "stool",
                "cat",
                "plant",
                "person_standing",
                "shoes",
                "ball",
            ),
            ("mirror", "towel", "window", "towel"),
            ("bottle", "mug", "vase"),
            ("tiles",),
        ),
    )
}
FLOOR_COLOURS = {
    "wood": ((0.62, 0.44, 0.26), (0.45, 0.30, 0.18), (0.74, 0.60, 0.42)),
    "tiles": ((0.80, 0.79, 0.76), (0.62, 0.66, 0.70), (0.70, 0.58, 0.46)),
    "carpet": ((0.55, 0.53, 0.50), (0.42, 0.45, 0.52), (0.66, 0.58, 0.48)),
}
WALL_COLOURS = (
    (0.90, 0.88, 0.83), (0.82, 0.87, 0.90), (0.88, 0.84, 0.72), (0.80, 0.86, 0.78),
    (0.90, 0.80, 0.76), (0.74, 0.78, 0.84),
)  # fmt: skip
