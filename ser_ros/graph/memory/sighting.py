"""One thing of one caption, made ready to be compared with what is known."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ser_ros.graph.memory.identity import Name
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.vocabulary import ORDINALS, SIDES, properties
from ser_ros.graph.triples import SceneObject, SceneTriples


@dataclass(frozen=True)
class Sighting:
    """One thing of one caption.

    Attributes:
        attributes: in their normal spelling.
        plural: it is several things ("two chairs", "books").
        worn: what a person wears: (label, attributes) of each garment.
        view_point: where it is taken to be, metres; None without a pose.
    """

    thing: SceneObject
    name: Name
    attributes: frozenset[str]
    plural: bool
    worn: tuple[tuple[str, frozenset[str]], ...]
    view_point: tuple[float, float] | None
    stamp_ns: int


def sighting_of(thing: SceneObject, observation: Observation, distance: float) -> Sighting:
    """The sighting of a thing that is taken to be `distance` metres in front of the robot."""
    thing = _without_pick(thing)
    pose, point = observation.pose, None
    if pose is not None:
        point = pose.x + distance * math.cos(pose.yaw), pose.y + distance * math.sin(pose.yaw)
    return Sighting(
        thing,
        Name(thing.label, thing.head),
        properties(thing),
        (thing.count or 1) > 1 or (thing.count is None and _is_plural(thing)),
        _worn(thing, observation.triples),
        point,
        observation.stamp_ns,
    )


def _without_pick(thing: SceneObject) -> SceneObject:
    """The "left door" of one picture is a door."""
    first, _, rest = thing.label.partition(" ")
    return replace(thing, label=rest) if rest and first in SIDES | ORDINALS else thing


def first_mentions(triples: SceneTriples, sightings: list[Sighting]) -> dict[int, int]:
    """{thing: first mention}: "a chair ... the chair" in one caption is one chair."""
    first: dict[int, int] = {}
    for sighting in sightings:
        thing = sighting.thing
        begin = min([thing.span.start, *(attribute.span.start for attribute in thing.attributes)])
        definite = triples.caption[:begin].lower().rstrip().endswith(("the", "this", "that"))
        earlier = [
            other.thing.id
            for other in sightings
            if other.thing.id < thing.id
            and other.name.label == sighting.name.label
            and sighting.attributes <= other.attributes
        ]
        first[thing.id] = first[earlier[-1]] if definite and earlier else thing.id
    return first


def _worn(thing: SceneObject, triples: SceneTriples) -> tuple[tuple[str, frozenset[str]], ...]:
    garments = {
        one.object for one in triples.relations if one.subject == thing.id and one.predicate == "wear"
    }
    return tuple((other.label, properties(other)) for other in triples.objects if other.id in garments)


def _is_plural(thing: SceneObject) -> bool:
    # "books" against "book"; words such as "glasses" are their own lemma.
    return thing.name.lower() != thing.label and thing.name.lower().endswith("s")
