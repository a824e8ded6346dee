"""SceneTriples to `ser_ros/msg/SceneGraph` and back.

Every number is cast: rclpy sends a NumPy scalar or an int in a float field as 0.0 without a word.
Spans are code points in both forms, so they pass through unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span

if TYPE_CHECKING:
    from std_msgs.msg import Header

    from ser_ros.msg import SceneGraph


def to_message(triples: SceneTriples, header: Header, camera: str) -> SceneGraph:
    """The message of one image's scene.

    Args:
        triples: what the refined caption says.
        header: header of the image; it is shared, not copied.
        camera: name of the camera, as in the parameter `cameras`.
    """
    from ser_ros.msg import SceneGraph

    return SceneGraph(
        header=header,
        camera=camera,
        caption=_text(triples.caption),
        objects=[_object_message(thing) for thing in triples.objects],
        relations=[_relation_message(relation) for relation in triples.relations],
    )


def from_message(message: SceneGraph) -> SceneTriples:
    """What the message says; what has no word, and relations to no object of the message, are left out.

    Any node may publish scenes, so nothing is taken for granted that the message type does not promise.
    It has no field for `SceneObject.name`, which is read from the caption at the object's span.
    """
    caption = message.caption
    named = [thing for thing in message.objects if thing.label.strip()]
    ids = {int(thing.id): position for position, thing in enumerate(named)}
    objects = tuple(
        SceneObject(
            id=position,
            label=thing.label,
            head=thing.head,
            name=caption[thing.start : thing.end].lower() or thing.label,
            count=int(thing.count) if thing.count >= 0 else None,
            attributes=tuple(
                Attribute(text, Span(int(start), int(end)))
                for text, start, end in zip(
                    thing.attributes, thing.attribute_starts, thing.attribute_ends, strict=False
                )
                if text.strip()
            ),
            span=Span(int(thing.start), int(thing.end)),
            confidence=float(thing.confidence),
        )
        for position, thing in enumerate(named)
    )
    relations = tuple(
        SceneRelation(
            subject=ids[int(relation.subject)],
            predicate=relation.predicate,
            object=ids[int(relation.object)],
            span=Span(int(relation.start), int(relation.end)),
            confidence=float(relation.confidence),
        )
        for relation in message.relations
        if int(relation.subject) in ids and int(relation.object) in ids
    )
    return SceneTriples(caption=caption, objects=objects, relations=relations)


def _object_message(thing: SceneObject):
    from ser_ros.msg import SceneObject as Message

    return Message(
        id=int(thing.id),
        label=_text(thing.label),
        head=_text(thing.head),
        count=-1 if thing.count is None else min(int(thing.count), 2**31 - 1),
        attributes=[_text(attribute.text) for attribute in thing.attributes],
        attribute_starts=[int(attribute.span.start) for attribute in thing.attributes],
        attribute_ends=[int(attribute.span.end) for attribute in thing.attributes],
        start=int(thing.span.start),
        end=int(thing.span.end),
        confidence=float(thing.confidence),
    )


def _relation_message(relation: SceneRelation):
    from ser_ros.msg import SceneRelation as Message

    return Message(
        subject=int(relation.subject),
        predicate=_text(relation.predicate),
        object=int(relation.object),
        start=int(relation.span.start),
        end=int(relation.span.end),
        confidence=float(relation.confidence),
    )


def _text(text: str) -> str:
    # A NUL ends a DDS string early; U+FFFD keeps every span where it was.
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
