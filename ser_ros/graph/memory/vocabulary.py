"""Closed word classes the memory reasons about: colours, states, sizes, sides, rooms, places in space.

Open classes (things and their synonyms) come from WordNet; see `ser_ros.graph.wordnet`.
"""

from __future__ import annotations

from functools import lru_cache

from ser_ros.graph.triples import SceneObject, SceneTriples

COLOURS = frozenset((
    "red", "orange", "yellow", "green", "blue", "purple", "violet", "pink", "brown", "black", "white", "grey",
    "beige", "tan", "cream", "gold", "golden", "silver", "turquoise", "teal", "cyan", "magenta", "maroon",
    "navy", "olive",
))  # fmt: skip
MATERIALS = frozenset((
    "wooden", "metal", "plastic", "glass", "leather", "stone", "brick", "concrete", "ceramic", "paper",
    "cardboard", "fabric", "cloth", "steel", "marble", "wicker", "rubber",
))  # fmt: skip
SIDES = frozenset(("left", "right"))
ORDINALS = frozenset((
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
))  # fmt: skip
# What picks one of several things as somebody sees them, or compares them.
PICKS = SIDES | ORDINALS | frozenset((
    "leftmost", "rightmost", "middle", "centre", "center", "next", "other", "another", "latter", "former",
    "bigger", "biggest", "larger", "largest", "smaller", "smallest", "taller", "tallest", "shorter",
    "shortest", "older", "oldest", "newer", "newest", "upper", "lower",
))  # fmt: skip
# What makes of a car or a dog only the figure of one.
FIGURES = frozenset(("toy", "stuffed", "plush", "fake"))
SIZES = {word: "large" for word in ("large", "huge", "giant", "tall", "long")} | {
    word: "small" for word in ("small", "tiny", "short", "low")
}

SPELLINGS = {
    "gray": "grey",
    "wood": "wooden",
    "metallic": "metal",
    "shut": "closed",
    "close": "closed",
    "opened": "open",
    "big": "large",
    "little": "small",
    "lit": "on",
    "lighted": "on",
    "unlit": "off",
    "seated": "sitting",
    "lying down": "lying",
    "laying": "lying",
    "asleep": "sleeping",
    "switched on": "on",
    "turned on": "on",
    "switched off": "off",
    "turned off": "off",
}

# What WordNet has as kinds of what they are short for.
SHORT_NAMES = {"fridge": "refrigerator", "motorbike": "motorcycle", "pc": "computer"}

# A thing is in one state of each group at a time; a new one is a change, not another thing.
STATES: dict[str, str] = {
    word: group
    for group, words in {
        "opening": ("open", "closed", "ajar", "half-open"),
        "power": ("on", "off"),
        "filling": ("empty", "full", "half-full"),
        "posture": (
            "standing",
            "sitting",
            "lying",
            "sleeping",
            "walking",
            "running",
            "kneeling",
            "crouching",
        ),
        "cleanliness": ("clean", "dirty"),
        "order": ("tidy", "messy", "made", "unmade"),
        "wholeness": ("broken", "repaired"),
        "wetness": ("wet", "dry"),
    }.items()
    for word in words
}

ROOMS = frozenset((
    "kitchen", "bathroom", "bedroom", "living room", "dining room", "office", "corridor", "hallway",
    "hall", "garage", "basement", "attic", "laundry room", "nursery", "pantry", "closet", "lobby",
    "classroom", "conference room", "meeting room", "waiting room", "storage room", "balcony",
    "terrace", "garden", "restroom", "toilet room", "study", "lounge", "playroom", "workshop", "lab",
    "laboratory", "kitchenette", "entrance hall", "stairwell", "elevator", "foyer", "home office",
    "warehouse", "library", "gym", "cafeteria", "family room", "guest room", "locker room",
    "hospital room", "hotel room", "shed", "patio", "porch",
))  # fmt: skip
ROOM_SYNONYMS = {
    "corridor": "hallway",
    "hall": "hallway",
    "lounge": "living room",
    "restroom": "bathroom",
    "laboratory": "lab",
    "home office": "office",
    "kitchenette": "kitchen",
}

# Longest first: "in front of" before "in".
_LOCATIONS: tuple[tuple[str, str], ...] = (
    ("on top of", "on"),
    ("in front of", "front"),
    ("to the left of", "left"),
    ("to the right of", "right"),
    ("on the left of", "left"),
    ("on the right of", "right"),
    ("on the side of", "near"),
    ("at the side of", "near"),
    ("in the middle of", "in"),
    ("left of", "left"),
    ("right of", "right"),
    ("next to", "near"),
    ("close to", "near"),
    ("adjacent to", "near"),
    ("inside of", "in"),
    ("underneath", "under"),
    ("beneath", "under"),
    ("below", "under"),
    ("under", "under"),
    ("above", "above"),
    ("over", "above"),
    ("behind", "behind"),
    ("beside", "near"),
    ("near", "near"),
    ("by", "near"),
    ("at", "near"),
    ("against", "near"),
    ("around", "near"),
    ("between", "near"),
    ("inside", "in"),
    ("within", "in"),
    ("into", "in"),
    ("in", "in"),
    ("onto", "on"),
    ("upon", "on"),
    ("atop", "on"),
    ("on", "on"),
    ("surround", "near"),
    ("with", "has"),
    ("have", "has"),
    ("hold", "has"),
    ("contain", "has"),
    ("carry", "has"),
    ("wear", "has"),
    ("cover", "above"),
)
INVERSE = {
    "on": "under",
    "under": "above",
    "above": "under",
    "in": "has",
    "of": "has",
    "has": "of",
    "near": "near",
    "left": "right",
    "right": "left",
    "behind": "front",
    "front": "behind",
}
LOCATION_WORDS = {
    "front": "in front of",
    "left": "to the left of",
    "right": "to the right of",
    "has": "with",
    "of": "with",
}
# A thing has one support or container at a time: a newer one makes the older one history.
SUPPORTS = frozenset(("on", "in", "under"))
BESIDE = frozenset(("near", "left", "right", "behind", "front", "on", "under", "above"))


# Where something stands in one picture is no property of it.
PICTURE_WORDS = frozenset((
    "visible", "seen", "left", "right", "middle", "center", "centre", "side", "close", "far", "near",
    "nearby", "by", "view", "next", "other", "same",
    "hangs", "stands", "sits", "lies", "leans", "rests",
)) | ORDINALS  # fmt: skip
# What only parts a room or a picture; parsers take it for a thing now and then.
NO_THINGS = frozenset((
    "room", "middle", "center", "centre", "rest", "side", "left", "right", "background", "foreground",
    "front", "back", "distance", "view", "area", "corner", "stand", "nothing",
))  # fmt: skip
PICTURES = frozenset((
    "picture", "painting", "photo", "photograph", "poster", "drawing", "portrait", "mural", "sketch",
))  # fmt: skip
_PICTURES_SHOW = frozenset(("have", "of", "show", "depict", "display", "portray", "feature"))
_SHOWN_BY = frozenset(("of", "in", "on"))
# Everywhere, so never news.
STRUCTURE = frozenset(("floor", "wall", "ceiling", "tile", "ground"))


@lru_cache(maxsize=4096)
def normal(attribute: str) -> str:
    """One spelling for attributes that mean the same: "gray" -> "grey", "shut" -> "closed"."""
    text = " ".join(attribute.lower().split())
    return SPELLINGS.get(text, text)


@lru_cache(maxsize=4096)
def location(predicate: str) -> str | None:
    """The place in space that a predicate states: "sit on" -> "on", "be next to" -> "near", "eat" -> None."""
    if " side" in predicate:  # "on the right side of" a thing is not on it
        return next((side for side in ("left", "right") if side in predicate), "near")
    words = f" {' '.join(predicate.lower().replace('_', ' ').split())} "
    return next((place for words_of, place in _LOCATIONS if f" {words_of} " in words), None)


def location_phrases() -> list[str]:
    """The prepositions that state a place in space, longest first."""
    verbs = {"have", "hold", "contain", "carry", "wear", "cover", "surround"}
    return [phrase for phrase, _ in _LOCATIONS if phrase not in verbs]


def room_name(label: str) -> str | None:
    """The room a noun names ("hallway" -> "corridor"); None for a thing."""
    return ROOM_SYNONYMS.get(label, label) if label in ROOMS else None


def room_of(thing: SceneObject) -> str | None:
    """The room that a caption's noun names, "" for a room without a name; None for a thing.

    A parser may read "living room" as one noun or as a room that is "living".
    """
    for words in (thing.label, *(f"{attribute.text} {thing.label}" for attribute in thing.attributes)):
        if (name := room_name(words.lower())) is not None:
            return name
    return "" if thing.head == "room" else None


def is_thing(thing: SceneObject) -> bool:
    """Whether a caption's noun names something that can be remembered: no room, no part of the picture."""
    bare = thing.label in NO_THINGS and not (thing.label == "stand" and thing.attributes)
    return not bare and room_of(thing) is None


def depicted(triples: SceneTriples) -> frozenset[int]:
    """Ids of what only a picture shows: the dog in "a painting of a dog" stands nowhere."""
    pictures = {thing.id for thing in triples.objects if thing.head in PICTURES}
    shown = set()
    for relation in triples.relations:
        if relation.subject in pictures and relation.predicate in _PICTURES_SHOW:
            shown.add(relation.object)
        elif relation.object in pictures and relation.predicate in _SHOWN_BY:
            shown.add(relation.subject)
    return frozenset(shown - pictures)


def properties(thing: SceneObject) -> frozenset[str]:
    """The attributes that belong to the thing, in normal spelling.

    "The door is on the left" tells of the picture, not of the door. Of a door that one caption says to be
    open and closed nobody knows which.
    """
    texts = {normal(attribute.text) for attribute in thing.attributes}
    states = [STATES[text] for text in texts if text in STATES]
    return frozenset(
        text
        for text in texts
        if text.split()[-1] not in PICTURE_WORDS and states.count(STATES.get(text, "")) <= 1
    )


def conflict(first: frozenset[str], second: frozenset[str]) -> str | None:
    """Why two sets of normal attributes cannot belong to one thing; None when they can.

    States never conflict (a door opens); two colours do when neither thing shows the other's colour.
    "look" is the doubt whether a "wooden desk" and a "white desk" are one, "figure" whether a "toy car" and a
    "car" are.
    """
    for kind, words in (("colour", COLOURS), ("material", MATERIALS), ("side", SIDES)):
        left, right = first & words, second & words
        if left and right and not left & right:
            return kind
    looks = COLOURS | MATERIALS
    if first & looks and second & looks and not first & second & looks:
        return "look"
    sizes = (
        {SIZES[word] for word in first if word in SIZES},
        {SIZES[word] for word in second if word in SIZES},
    )
    if sizes[0] and sizes[1] and not sizes[0] & sizes[1]:
        return "size"
    return "figure" if bool(first & FIGURES) != bool(second & FIGURES) else None
