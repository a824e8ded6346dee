"""What the memory answers about an earlier time, and what it says where it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ser_ros.graph.memory import Memory, MemoryConfig, Observation, Pose, Question
from ser_ros.graph.memory.question import Description
from ser_ros.graph.parser import parse
from tests.graph.memory_scenes import SECOND, pose

KITCHEN, LIVING, OFFICE = pose(0, 0), pose(12, 0), pose(12, 12)


def moment(text: str) -> int:
    """ "9:05" of the Monday on which is asked, or a date and time, as a stamp."""
    day = text if "T" in text else f"2026-11-23T{text:0>5}"
    return round(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp()) * SECOND


NOW = moment("15:00")
ANSWERS: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("past_answers.json").read_text())
DAYS: tuple[tuple[str, Pose, tuple[str, ...]], ...] = (
    ("2026-11-22T09:00", KITCHEN, ("A kitchen with a wooden table and a closed door.",
                                   "A red chair next to the window.", "A white cup on the wooden table.")),
    ("2026-11-22T18:30", LIVING, ("A living room with a grey sofa.", "The lamp is on.",
                                  "A brown dog on a rug.")),
    ("8:00", KITCHEN, ("A kitchen with a wooden table and a closed door.", "A red chair next to the window.",
                       "A white cup on the wooden table.", "A woman in a kitchen.")),
    ("8:30", LIVING, ("A living room with a grey sofa.", "The lamp is off.", "A brown dog on a rug.")),
    ("9:00", OFFICE, ("An office with a desk and a laptop.", "A green chair in an office.")),
    ("10:00", KITCHEN, ("A kitchen with an open door.", "A red chair next to the window.",
                        "A white cup on a shelf.")),
    *((f"13:{minute:02d}", KITCHEN, ("A kitchen with a wooden table.", "A kitchen with an open door."))
      for minute in range(0, 16, 2)),
    *((f"13:{minute:02d}", LIVING, ("A living room with a grey sofa.",)) for minute in range(1, 17, 2)),
    ("13:40", OFFICE, ("An office with a desk.", "A red chair next to a desk in an office.")),
    ("14:30", LIVING, ("A brown dog on a sofa.",) * 4),
    ("14:40", KITCHEN, ("A kitchen with a closed door.", "Two men in a kitchen.")),
    ("14:59", OFFICE, ("An office with a desk and a red chair.", "A laptop on the desk in an office.")),
)  # fmt: skip


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """A red chair goes from kitchen to office, a cup from table to shelf; a door opens and shuts."""
    with Memory.open(config=MemoryConfig(robot="test", timezone="UTC")) as memory:
        images = sorted((moment(when), at, captions) for when, at, captions in DAYS)
        memory.observe(
            Observation(stamp + number * SECOND, "front", parse(caption), at)
            for stamp, at, captions in images
            for number, caption in enumerate(captions)
        )
        yield memory


@pytest.mark.parametrize(
    ("question", "speech"), [pair for answers in ANSWERS.values() for pair in answers.items()]
)
def test_questions_about_other_times_and_about_one_of_several(
    memory: Memory, question: str, speech: str
) -> None:
    assert memory.query(question, now_ns=NOW).speech == speech


def test_a_past_match_is_as_it_was_then(memory: Memory) -> None:
    (best, *_) = memory.query("where was the red chair at 10", now_ns=NOW).matches
    assert (best.room, best.pose, best.last_seen) == ("kitchen", KITCHEN, moment("10:00") + SECOND)
    assert best.caption == "A red chair next to the window."
    door = memory.query("the door at 10", now_ns=NOW).matches[0]
    assert (door.label, door.attributes) == ("door", ("open",))


def test_no_match_is_given_for_a_time_before_it_was_seen(memory: Memory) -> None:
    assert memory.query("where was the red chair on Friday", now_ns=NOW).matches == ()


def test_times_given_as_data_are_honoured_alike(memory: Memory) -> None:
    chair = Question("", thing=Description("chair", "chair", frozenset({"red"})), until_ns=moment("9:00"))
    assert memory.query(chair, now_ns=NOW).matches[0].room == "kitchen"


def test_no_robot_is_sent_to_one_of_several(memory: Memory) -> None:
    assert max(match.score for match in memory.query("take me to the left door", now_ns=NOW).matches) <= 0.5
