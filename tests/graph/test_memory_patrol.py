"""A patrol through the simulated home: what is remembered of it, thirty questions, what is announced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.memory_announcements import announcements, most_in_time
from benchmarks.memory_patrol import evaluate, frame_at, is_right, load, observations
from ser_ros.graph.memory import Memory, MemoryConfig

ROOT = Path(__file__).resolve().parents[2]
TRUTH = ROOT / "demo" / "patrol" / "ground_truth.json"
QUESTIONS = json.loads(Path(__file__).with_name("patrol_questions.json").read_text())


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    if not TRUTH.is_file():
        pytest.skip("the patrol is not part of this checkout")
    return load(TRUTH)


@pytest.fixture(scope="module")
def memory(truth: dict[str, Any]) -> Iterator[Memory]:
    with Memory.open(config=MemoryConfig(robot="patrol", timezone="UTC")) as memory:
        memory.observe(observations(truth, "detailed"))
        yield memory


@pytest.mark.parametrize("style", ["default", "detailed"])
def test_what_was_named_is_remembered_once(truth: dict[str, Any], style: str) -> None:
    scores = evaluate(truth, style)
    assert scores["precision"] >= 0.90
    assert scores["recall"] >= 0.93
    assert scores["place in view error, median (m)"] < 1.5


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question["ask"])
def test_a_fixed_question(memory: Memory, truth: dict[str, Any], question: dict[str, Any]) -> None:
    answer = memory.query(question["ask"])
    assert is_right(answer, question, truth), answer.speech
    for best in answer.matches[:1]:
        assert best.pose is not None
        if best.stamp_ns == best.last_seen:  # else the caption that states the relation is an older one
            where = frame_at(truth, best.stamp_ns)["pose"]
            assert (best.pose.x, best.pose.y) == (where["x"], where["y"])


def test_announcements_are_soon_short_and_never_twice(truth: dict[str, Any]) -> None:
    told = announcements(truth, "detailed")
    sentences = [sentence for _, sentence in told.sentences]
    assert len(set(sentences)) == len(sentences)
    assert all(later - earlier > 3.99 for (earlier, _), (later, _) in pairwise(told.sentences))
    assert all(len(sentence) < 130 for sentence in sentences)
    assert len(told.twice) <= 1
    # What appears in the first second after a sentence waits for the next, up to four seconds.
    assert max(told.waits) <= 4.0
    assert sum(wait <= 3.0 for wait in told.waits) >= 0.9 * len(told.waits)


def test_the_best_that_sentences_four_seconds_apart_can_do() -> None:
    assert most_in_time([0.0, 1.0, 2.9], 4.0) == 3  # all at 2.9 s
    assert most_in_time([0.0, 3.1], 4.0) == 2  # the second at 4 s
    assert most_in_time([0.0, 3.1, 3.9, 7.0], 4.0) == 4  # at 0, 4 and 8 s
    # Where something new comes all the time, what comes in the second after a sentence is late.
    assert most_in_time([tick / 10.0 for tick in range(400)], 4.0) == 310
