"""What is offered where nothing of the name was seen: only what is close in meaning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.identity import Name, NameRule
from ser_ros.graph.memory.question import Description
from ser_ros.graph.memory.scoring import name_score
from tests.graph.memory_scenes import pose, seen


@pytest.fixture(scope="module")
def home() -> Iterator[Memory]:
    with Memory.open(config=MemoryConfig(timezone="UTC")) as memory:
        memory.observe(
            [
                seen("A person and a brown dog.", 0, pose(0, 0)),
                seen("A tennis ball, a fire extinguisher and a device.", 2, pose(8, 0)),
                seen("A vehicle behind an object.", 4, pose(16, 0)),
            ]
        )
        yield memory


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("poodle", "dog"),
        ("cocker spaniel", "dog"),
        ("nurse", "person"),
        ("taxi", "vehicle"),
        ("unicorn", None),  # WordNet files it with the persons
        ("dragon", None),
        ("cat", None),
        ("ladder", None),  # a device
        ("tennis racket", None),  # no ball
        ("fire", None),  # no extinguisher
    ],
)
def test_only_what_is_close_is_offered(home: Memory, asked: str, offered: str | None) -> None:
    answer = home.query(f"where is the {asked}")
    assert answer.speech.startswith(f"I have not seen a {asked}{', but I saw a' if offered else '.'}")
    assert [match.label for match in answer.matches] == ([offered] if offered else [])


def test_most_of_what_is_offered_is_close_and_most_that_is_close_is_offered() -> None:
    """Judged by hand: a noun and one for a kind that WordNet puts it into, by one of its first two senses.

    At most six for each kind, among the nouns of COCO captions, of FACTUAL's region captions and of the home.
    """
    judged = json.loads(Path(__file__).with_name("nearest_things.json").read_text())
    names = NameRule(MemoryConfig())

    def offered(answer: str) -> list[bool]:
        return [
            name_score(Description(asked, asked), Name(kind, kind), names) > 0.0
            for kind, answers in judged.items()
            for asked in answers.get(answer, "").split()
        ]

    close, other = offered("close"), offered("not close")
    assert len(close) + len(other) == 301
    assert sum(close) / len(close) > 0.8
    assert sum(close) / (sum(close) + sum(other)) > 0.85
