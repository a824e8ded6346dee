"""Many things that look alike: the best of all are found, and all are counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.candidates import Candidates
from ser_ros.graph.memory.identity import NameRule
from ser_ros.graph.memory.naming import a_thing
from ser_ros.graph.memory.question import Description, Question
from ser_ros.graph.memory.rows import attributes_of, select
from ser_ros.graph.memory.scoring import attribute_score, room_score
from tests.graph.memory_scenes import pose, seen


@pytest.fixture(scope="module")
def hall() -> Iterator[Memory]:
    """Rows of blue chairs, and one red one that was seen before them all."""
    with Memory.open(config=MemoryConfig(timezone="UTC")) as memory:
        memory.observe(seen("a red chair and two brown boxes", 0, pose(-50)))
        memory.observe(seen("a blue chair", i, pose(10.0 * i)) for i in range(1, 40))
        yield memory


def test_the_one_that_fits_is_found_behind_many_newer_ones(hall: Memory) -> None:
    red = Description("chair", "chair", frozenset(("red",)))
    candidates = Candidates(hall.store, NameRule(hall.config))
    best = candidates.read(candidates.described(red, Question(""), most=3))
    assert [candidate.row["attributes"] for candidate in best] == ["red", "blue", "blue"]
    assert best[1].row["last_seen"] > best[2].row["last_seen"] > best[0].row["last_seen"]


def test_all_are_counted_though_few_are_shown(hall: Memory) -> None:
    answer = hall.query("how many chairs are there?")
    assert answer.speech == "I remember 40 chairs."
    assert len(answer.matches) == 5
    assert hall.query("how many blue chairs are there?").speech == "I remember 39 blue chairs."
    assert hall.query("how many boxes are there?").speech == "I remember two boxes."


def test_properties_are_said_in_the_order_of_english() -> None:
    looks = ["wooden", "red", "large", "round", "open"]
    assert a_thing("box", looks) == "an open large round red wooden box"


def test_how_many_others_fit_is_said_as_a_person_would(hall: Memory) -> None:
    assert hall.query("where is a blue chair?").speech.endswith("I remember many others that may fit.")
    one = hall.query(replace(hall.understand("where is the box?"), max_matches=1))
    assert "other" not in one.speech


CAPTIONS = (
    "a red chair", "a blue chair", "a chair", "a large red chair", "a wooden stool", "a red stool",
    "a kitchen with a red chair", "a kitchen with a stool", "an office with a blue chair", "a dog",
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(CAPTIONS), st.integers(0, 5)), min_size=1, max_size=25),
    st.sampled_from(["chair", "stool", "furniture", "dog"]),
    st.sets(st.sampled_from(["red", "large", "wooden"])),
    st.sampled_from(["", "kitchen", "office"]),
    st.integers(1, 30),
)
def test_the_best_are_those_that_a_look_at_all_finds(
    scenes: list[tuple[str, int]], label: str, attributes: set[str], room: str, most: int
) -> None:
    with Memory.open() as memory:
        memory.observe(seen(caption, i, pose(9.0 * place)) for i, (caption, place) in enumerate(scenes))
        candidates = Candidates(memory.store, NameRule(memory.config))
        thing = Description(label, label, frozenset(attributes))
        names = candidates.name_scores(thing)
        every = [
            (
                names.get(row["label"], 0.0)
                * attribute_score(thing.attributes, attributes_of(row))
                * row["trust"]
                * room_score(room, row["room"]),
                row,
            )
            for row in select(memory.store, "1", (), Question(""))
        ]
        fitting = [(score, row) for score, row in every if score > 0.0]
        fitting.sort(key=lambda one: (-round(100.0 * one[0]), -one[1]["last_seen"], one[1]["id"]))
        found = candidates.described(thing, Question(""), room=room, most=most)
        assert [fit.number for fit in found] == [row["id"] for _, row in fitting[:most]]
        assert [fit.score for fit in found] == pytest.approx([score for score, _ in fitting[:most]])


def test_of_two_doors_the_one_seen_last_answers_and_the_other_is_named() -> None:
    with Memory.open(config=MemoryConfig(timezone="UTC")) as memory:
        memory.observe(seen("a closed red door", 0, pose(0)))
        memory.observe(seen("an open red door", 60, pose(40)))
        memory.observe(seen("a red door", 120, pose(80)))
        assert memory.query("is the red door open?").speech == (
            "Yes, a red door was open when I saw it a minute ago. Another door was closed 2 minutes ago."
        )
        assert memory.query("is the red door closed?").speech == (
            "No, a red door was open when I saw it a minute ago. Another door was closed 2 minutes ago."
        )


def test_an_answer_names_the_other_thing_as_it_was_asked_for() -> None:
    with Memory.open() as memory:
        memory.observe([seen("a person in a yellow shirt", i) for i in range(2)])
        memory.observe(
            [seen("a mirror next to a mirror. a mirror next to a bed.", i, pose(50)) for i in (5, 6)]
        )
        assert "in the yellow shirt" in memory.query("the person in the yellow shirt").speech
        assert "mirror near the mirror" not in memory.query("where is the mirror?").speech
