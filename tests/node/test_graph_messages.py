"""SceneTriples and the SceneGraph message say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rclpy")
pytest.importorskip("ser_ros.msg", reason="interfaces are not built")

from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from ser_ros.graph.memory import Memory, Observation
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span
from ser_ros.msg import SceneGraph
from ser_ros.msg import SceneObject as ObjectMessage
from ser_ros.msg import SceneRelation as RelationMessage
from ser_ros.node.graph_messages import from_message, to_message

WORDS = ["chair", "Tisch", "äpfel", "red", "🪑", "on"]
CONFIDENCES = st.floats(0, 1, width=32)


@st.composite
def triples(draw: st.DrawFn) -> SceneTriples:
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
    caption = " ".join(words)
    starts = [sum(len(word) + 1 for word in words[:i]) for i in range(len(words))]
    spans = [Span(start, start + len(word)) for start, word in zip(starts, words, strict=True)]
    objects = tuple(
        SceneObject(
            id=i,
            label=words[i],
            head=words[i],
            name=words[i].lower(),
            count=draw(st.none() | st.integers(0, 1000)),
            attributes=tuple(
                Attribute(words[j], spans[j])
                for j in draw(st.lists(st.integers(0, len(words) - 1), max_size=3))
            ),
            span=spans[i],
            confidence=draw(CONFIDENCES),
        )
        for i in range(draw(st.integers(0, len(words))))
    )
    ids = st.integers(0, max(len(objects) - 1, 0))
    relations = tuple(
        SceneRelation(draw(ids), "on", draw(ids), draw(st.sampled_from(spans)), draw(CONFIDENCES))
        for _ in range(draw(st.integers(0, 3)) if objects else 0)
    )
    return SceneTriples(caption, objects, relations)


@given(triples())
def test_round_trip_over_the_wire_is_exact(said: SceneTriples) -> None:
    message = to_message(said, Header(frame_id="camera"), "front")
    wire = serialize_message(message)
    assert from_message(deserialize_message(wire, SceneGraph)) == said


def test_header_and_camera_are_those_of_the_image() -> None:
    header = Header(frame_id="camera_optical")
    header.stamp.sec, header.stamp.nanosec = 12, 34
    message = to_message(SceneTriples("a cat"), header, "front")
    assert (message.header, message.camera, message.caption) == (header, "front", "a cat")


def test_a_nul_does_not_cut_the_caption() -> None:
    message = to_message(SceneTriples("a\0cat"), Header(), "")
    assert deserialize_message(serialize_message(message), SceneGraph).caption == "a\ufffdcat"


def test_a_relation_to_no_object_is_left_out() -> None:
    thing = SceneObject(0, "cat", "cat", "cat", None, (), Span(2, 5))
    message = to_message(SceneTriples("a cat", (thing,)), Header(), "")
    message.relations = [RelationMessage(subject=0, predicate="on", object=9)]
    assert from_message(message).relations == ()


def test_what_has_no_word_is_left_out() -> None:
    cat = ObjectMessage(id=1, label="cat", attributes=["", "black"])
    cat.attribute_starts = cat.attribute_ends = [0, 0]
    message = SceneGraph(objects=[ObjectMessage(id=0, label=" "), cat])
    message.relations = [
        RelationMessage(subject=1, predicate="near", object=0),
        RelationMessage(subject=1, predicate="near", object=1),
    ]
    said = from_message(message)
    assert [thing.label for thing in said.objects] == ["cat"]
    assert [attribute.text for attribute in said.objects[0].attributes] == ["black"]
    assert [(one.subject, one.object) for one in said.relations] == [(0, 0)]


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
TEXTS |= st.sampled_from([*WORDS, "", " ", "kitchen", "left", "look at"])
COUNTS = st.sampled_from([0, 1, 5, 2**32 - 1])
REALS = st.sampled_from([0.0, 0.5, 1.0, -3.0, 7.0, float("nan"), float("inf")])


@st.composite
def foreign_objects(draw: st.DrawFn) -> ObjectMessage:
    attributes = draw(st.lists(TEXTS, max_size=3))
    return ObjectMessage(
        id=draw(COUNTS),
        label=draw(TEXTS),
        head=draw(TEXTS),
        count=draw(st.integers(-(2**31), 2**31 - 1)),
        attributes=attributes,
        attribute_starts=draw(st.lists(COUNTS, max_size=3)),
        attribute_ends=draw(st.lists(COUNTS, max_size=3)),
        start=draw(COUNTS),
        end=draw(COUNTS),
        confidence=draw(REALS),
    )


@given(
    st.lists(foreign_objects(), max_size=3),
    st.lists(st.builds(RelationMessage, subject=COUNTS, predicate=TEXTS, object=COUNTS), max_size=3),
    TEXTS,
)
def test_the_memory_bears_whatever_a_foreign_node_publishes(objects, relations, caption) -> None:
    message = SceneGraph(caption=caption, objects=objects, relations=relations)
    with Memory.open() as memory:
        assert memory.observe(Observation(1, "front", from_message(message))) == 1
        assert memory.query("what do you see").speech
        memory.announce(1)
        memory.to_networkx()
