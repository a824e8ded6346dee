"""Where merged vision tokens and the text after them stand."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.model.positions import spread_positions


def test_merged_tokens_stand_in_the_middle_and_text_stays():
    """Two words, four patches as two tokens, two words: the words keep the positions of the whole prompt."""
    slots = np.arange(6)[None]
    assert spread_positions(slots, np.array([2]), 2, 2).tolist() == [[0, 1, 3, 5, 6, 7]]


@given(image=st.integers(0, 5), tokens=st.integers(0, 20), after=st.integers(0, 8), stride=st.integers(1, 4))
def test_positions_rise_and_the_text_does_not_move(image, tokens, after, stride):
    slots = np.arange(image + tokens + after)[None]
    found = spread_positions(slots, np.array([image]), tokens, stride)[0]
    assert (np.diff(found) > 0).all()
    words = np.r_[found[:image], found[image + tokens :]]
    unmerged = np.arange(image + tokens * stride + after)
    assert words.tolist() == np.r_[unmerged[:image], unmerged[image + tokens * stride :]].tolist()


def test_tokens_after_the_prompt_continue():
    """A later forward knows only its own places; it must go on where the prompt ended."""
    whole = spread_positions(np.arange(12)[None], np.array([1]), 4, 2)
    later = spread_positions(np.arange(9, 12)[None], np.array([1]), 4, 2)
    assert later.tolist() == whole[:, 9:].tolist()
