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


def test_new_things_are_told_once_and_together() -> None:
    told = tell(Memory.open(), [seen("a red chair and two bottles", i) for i in range(20)], 20)
    assert told == [(2.2, "I see a red chair and two bottles.")]


def test_sentences_keep_their_distance_and_gather_what_came_between() -> None:
    things = ["a lamp", "a box", "a sofa", "a plant", "a bed"]
    told = tell(Memory.open(), [seen(thing, i) for i, thing in enumerate(things)], 20)
    sentences = [sentence for _, sentence in told]
    assert sentences == ["I see a box, a sofa and a lamp.", "I see a bed and a plant."]
    assert all(later - earlier >= 4.0 for (earlier, _), (later, _) in pairwise(told))


def test_nothing_that_is_pending_is_dropped() -> None:
    things = ["sofa", "lamp", "rug", "piano", "mirror", "stool", "clock", "shelf", "desk", "bed", "plant"]
    settings = MemoryConfig(announce_objects=5)
    told = tell(Memory.open(config=settings), [seen("a " + ", a ".join(things), i) for i in range(3)], 20)
    assert len(told) == 3
    assert all(any(thing in sentence for _, sentence in told) for thing in things)


def test_what_one_can_fall_over_comes_first() -> None:
    told = tell(Memory.open(), [seen("a lamp, a picture, a shelf, a clock and a suitcase")], 4)
    assert told[0][1].startswith("I see a suitcase,")


def test_a_long_sentence_leaves_out_what_matters_less_and_counts() -> None:
    caption = (
        "a red chair next to a blue chair, a white desk near a wooden bookshelf, "
        "a black monitor near a grey trash bin, a purple rug in front of a closed green door"
    )
    ((_, sentence),) = tell(Memory.open(), [seen(caption)], 4)
    assert sentence.startswith("I see two chairs, a desk, a bookshelf, a monitor, a trash bin, a rug and ")
    assert sentence.endswith("a closed door.")


def test_a_change_of_state_is_told() -> None:
    told = tell(
        Memory.open(), [seen("a closed door", 0), seen("an open door", 6), seen("an open door", 7)], 20
    )
    assert [sentence for _, sentence in told] == ["I see a closed door.", "The door is now open."]


def test_a_state_that_captions_do_not_agree_on_is_no_news() -> None:
    captions = ["a closed door", "an open door"] * 10
    told = tell(Memory.open(), [seen(caption, i) for i, caption in enumerate(captions)], 30)
    assert len(told) == 1


def test_what_is_gone_is_told_and_told_anew_when_it_is_back() -> None:
    observations = []
    for turn in range(12):
        caption = "a ball and a box" if turn < 4 or turn > 9 else "a box"
        observations += [seen(caption, 60 * turn), seen("a wall", 60 * turn + 30, pose(9, 0))]
    told = [sentence for _, sentence in tell(Memory.open(), observations, 720)]
    assert told.count("The ball is gone.") == 1
    assert told[-1] == "I see a ball."
    assert len(told) == 3  # ball and box, gone, back; walls are no news


def test_a_second_thing_of_the_same_words_is_another_one() -> None:
    told = tell(Memory.open(), [seen("a red chair", 0), seen("a red chair", 10, pose(20))], 20)
    assert [sentence for _, sentence in told] == ["I see a red chair.", "I see another red chair."]


def test_what_may_be_the_first_thing_again_is_not_told() -> None:
    # 3 m apart: each time the place of a thing may be wrong by `view_distance`.
    told = tell(Memory.open(), [seen("a red chair", 0), seen("a red chair", 10, pose(3))], 20)
    assert [sentence for _, sentence in told] == ["I see a red chair."]


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
    assert memory.announce(START + 1003 * SECOND) == "I see a chair."
    memory.observe(seen("a dog", 1))
    assert memory.announce(START + 4 * SECOND) == "I see a dog."


def test_doubtful_things_wait_for_confirmation() -> None:
    memory = Memory.open(config=MemoryConfig(announce_confirmations=2))
    told = tell(memory, [seen("a chair"), seen("a chair and a dog", 2)], 6)
    assert told == [(2.2, "I see a chair.")]


def test_one_and_several_of_a_name_are_told_together() -> None:
    memory = Memory.open()
    memory.observe([seen("a counter", 0), seen("two counters and a stove", 1, pose(30))])
    sentence = memory.announce(seen("", 4).stamp_ns)
    assert sentence is not None
    assert "two counters" in sentence
    assert "a counter" not in sentence
