"""Edits between captions, and the flags of captions that went wrong."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.model.describe import confidence
from ser_ros.model.description import Edit
from ser_ros.model.edits import apply_edits, word_edits
from ser_ros.model.flags import repeats


def test_each_kind_of_edit():
    initial = "a red chair near the old table"
    assert word_edits(initial, "a blue chair near the old table") == [Edit("replace", 2, 5, "blue")]
    assert word_edits(initial, "a chair near the old table") == [Edit("delete", 2, 5, "")]
    assert word_edits(initial, "a big red chair near the old table") == [Edit("insert", 2, 2, "big")]
    assert word_edits(initial, initial + " here") == [Edit("insert", len(initial), len(initial), "here")]
    assert word_edits(initial, initial) == []
    assert word_edits("", "a cat") == [Edit("insert", 0, 0, "a cat")]


captions = st.lists(st.sampled_from(["a", "red", "chair", "on", "the", "mat,", "été"]), max_size=9).map(
    " ".join
)


@given(captions, captions, st.sampled_from([" ", "  ", "\n"]))
def test_edits_turn_one_caption_into_the_other(initial, refined, blank):
    initial = initial.replace(" ", blank)
    edits = word_edits(initial, refined)
    assert apply_edits(initial, edits) == refined
    for edit in edits:
        assert 0 <= edit.start <= edit.end <= len(initial)
        assert (edit.kind == "insert") == (edit.start == edit.end)


@pytest.mark.parametrize(
    "caption",
    [
        "A room with a high ceiling with wooden beams and a high ceiling with a skylight.",
        "a cat on the on the mat",
        "the the dog",
        "A train on the railway track waits. A train on the railway track waits.",
    ],
)
def test_repetitive_captions(caption):
    assert repeats(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "a man in a red shirt and a man in a blue shirt",
        "two chairs and two tables",
        "a sign that says 5 5",
        "a plate on the table next to a cup on the table",
    ],
)
def test_ordinary_captions(caption):
    assert not repeats(caption)


def test_confidence_is_the_geometric_mean():
    assert confidence([math.log(0.5), math.log(0.125)]) == pytest.approx(0.25)
    assert confidence([]) == 0.0
