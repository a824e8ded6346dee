"""What is told to a person who cannot see: soon, briefly, once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from ser_ros.graph.memory import Memory, MemoryConfig, Observation
from tests.graph.memory_scenes import SECOND, START, pose, seen


def tell(memory: Memory, observations: list[Observation], until: float) -> list[tuple[float, str]]:
    """Observe in order of time and ask for a sentence ten times a second."""
    told, waiting = [], sorted(observations, key=lambda one: one.stamp_ns)
    for tick in range(int(until * 10)):
        now = START + tick * SECOND // 10
        while waiting and waiting[0].stamp_ns <= now:
            memory.observe(waiting.pop(0))
        if sentence := memory.announce(now):
            told.append((tick / 10, sentence))
    return told


def test_new_things_are_told_once() -> None:
    told = tell(Memory.open(), [seen("a red chair and two bottles", i) for i in range(20)], 20)
    assert told == [(0.0, "I see a red chair and two bottles.")]


def test_sentences_keep_their_distance_and_gather_what_came_between() -> None:
    things = ["a lamp", "a box", "a sofa", "a plant", "a bed"]
    told = tell(Memory.open(), [seen(thing, i) for i, thing in enumerate(things)], 20)
    assert [sentence for _, sentence in told] == ["I see a lamp.", "I see a box, a bed, a plant and a sofa."]
    assert all(later - earlier >= 4.0 for (earlier, _), (later, _) in pairwise(told))


def test_what_one_can_fall_over_comes_first() -> None:
    told = tell(Memory.open(), [seen("a lamp, a picture, a shelf, a clock and a suitcase")], 4)
    assert "a suitcase" in told[0][1]


def test_a_change_of_state_is_told() -> None:
    told = tell(
        Memory.open(), [seen("a closed door", 0), seen("an open door", 6), seen("an open door", 7)], 20
    )
    assert [sentence for _, sentence in told] == ["I see a closed door.", "The door is now open."]


def test_what_is_gone_is_told_and_told_anew_when_it_is_back() -> None:
    observations = []
    for turn in range(12):
        caption = "a ball and a box" if turn < 4 or turn > 9 else "a box"
        observations += [seen(caption, 60 * turn), seen("a wall", 60 * turn + 30, pose(9, 0))]
    told = [sentence for _, sentence in tell(Memory.open(), observations, 720)]
    assert told.count("The ball is gone.") == 1
    assert told[-1] == "I see a ball."
    assert len(told) == 3  # ball and box, gone, back; walls are no news


def test_a_second_thing_of_the_same_words_is_not_told_at_once() -> None:
    observations = [seen("a chair", 0), seen("a chair", 10, pose(20)), seen("a chair", 200, pose(40))]
    assert [at for at, _ in tell(Memory.open(), observations, 210)] == [0.0, 200.0]


def test_news_that_could_not_be_told_in_time_is_no_news() -> None:
    memory = Memory.open()
    memory.observe(seen("a chair"))
    assert memory.announce(START + 60 * SECOND) is None


def test_a_restart_does_not_tell_everything_again(tmp_path: Path) -> None:
    with Memory.open(tmp_path / "memory.db") as memory:
        assert len(tell(memory, [seen("a red chair")], 5)) == 1
    with Memory.open(tmp_path / "memory.db") as memory:
        memory.observe(seen("a red chair", 8))
        assert memory.announce(START + 8 * SECOND) is None


def test_a_clock_that_jumps_back_does_not_silence() -> None:
    memory = Memory.open()
    memory.observe(seen("a chair", 1000))
    assert memory.announce(START + 1000 * SECOND) == "I see a chair."
    memory.observe(seen("a dog", 1))
    assert memory.announce(START + SECOND) == "I see a dog."


def test_doubtful_things_wait_for_confirmation() -> None:
    memory = Memory.open(config=MemoryConfig(announce_confirmations=2))
    told = tell(memory, [seen("a chair"), seen("a chair and a dog", 2)], 6)
    assert told == [(2.0, "I see a chair.")]
