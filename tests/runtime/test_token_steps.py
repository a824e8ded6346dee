"""Steps begun ahead return what steps begun when they are asked for would."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.runtime.token_steps import TokenSteps

SLOTS = 40


class Language:
    """Words that follow from the words before them, in a cache that any step overwrites."""

    def __init__(self):
        self.cache = [0] * SLOTS
        self.begun: list[int] = []

    def step(self, token: torch.Tensor, slot: int) -> tuple[torch.Tensor, torch.Tensor]:
        word, position, at = token[:, 0].tolist()
        assert at == slot < SLOTS
        self.begun.append(slot)
        self.cache[slot] = word
        best = (3 * sum(self.cache[: slot + 1]) + position) % 7
        return torch.tensor([[best], [-0.5]]).double(), torch.tensor([[best], [position + 1], [slot + 1]])


def token(word: int, slot: int) -> np.ndarray:
    return np.array([[word], [slot], [slot]])


def test_the_next_step_is_begun_once_the_best_was_taken():
    language = Language()
    steps = TokenSteps(language.step, SLOTS)
    best = 1
    for slot in range(5):
        best = int(steps(token(best, slot))[0, 0])
    # Of the first token nothing is known; from the second on each step was there when it was asked for.
    assert language.begun == [0, 1, 2, 3, 4, 5]


def test_a_script_of_other_words_begins_nothing_ahead():
    language = Language()
    steps = TokenSteps(language.step, SLOTS)
    for slot in range(5):
        steps(token(9, slot))
    assert language.begun == [0, 1, 2, 3, 4]


@given(st.lists(st.sampled_from(["best", "other", "back", "elsewhere"]), max_size=60))
def test_any_order_of_words(turns):
    """Taken or not, after going back and after others wrote the cache: the words are those of plain steps."""
    ahead, plain = Language(), Language()
    steps = TokenSteps(ahead.step, SLOTS)
    slot, best = 0, 1
    for turn in turns:
        if turn == "back":
            slot = max(0, slot - 2)
        elif turn == "elsewhere":
            steps.forget()
            for language in (ahead, plain):
                language.cache[slot : slot + 3] = [5] * len(language.cache[slot : slot + 3])
        elif slot < SLOTS:
            word = best if turn == "best" else best + 1
            ours = steps(token(word, slot))
            theirs, _ = plain.step(torch.from_numpy(token(word, slot)), slot)
            assert np.array_equal(ours, theirs.numpy())
            slot, best = slot + 1, int(ours[0, 0])
