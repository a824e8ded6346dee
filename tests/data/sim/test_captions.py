from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.data.sim import captions
from ser_ros.data.sim.truth import Seen, Truth


def seen(
    noun: str,
    *words: str,
    count: int = 1,
    part=None,
    x: float = 0.5,
    depth: float = 2.0,
    salience: float = 1.0,
) -> Seen:
    return Seen(
        noun,
        noun + "s",
        count,
        list(words),
        None,
        part,
        (x - 0.1, 0.4, x + 0.1, 0.8),
        0.1,
        depth,
        salience,
        [0],
    )


ROOM = Truth(
    "kitchen",
    "tiled",
    [
        seen("table", "wooden"),
        seen("mug", "red"),
        seen("chair", "blue", count=2, x=0.2),
        seen("person", "standing", part=("shirt", "green"), x=0.8),
    ],
    [(1, "on", 0), (2, "next to", 0), (0, "next to", 2)],
)


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        (seen("chair", "red"), "a red chair"),
        (seen("chair", "orange", count=2), "two orange chairs"),
        (seen("door", "open", "white"), "an open white door"),
        (seen("person", "sitting", part=("shirt", "orange")), "a person in an orange shirt"),
        (seen("shoes", "red"), "a pair of red shoes"),
    ],
)
def test_names(thing, words):
    assert captions.name(thing) == words


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000))
def test_five_of_each_style_in_their_length_and_only_of_what_is_there(seed):
    found = captions.write(ROOM, np.random.default_rng(seed))
    assert {style: len(texts) for style, texts in found.items()} == {"default": 5, "detailed": 5}
    assert all(35 <= len(text.split()) <= 55 for text in found["detailed"])
    assert all(6 <= len(text.split()) <= 18 for text in found["default"])
    for text in (*found["default"], *found["detailed"]):
        assert text[0].isupper()
        assert text.endswith(".")
        assert not {"sofa", "dog", "bed"} & set(text.lower().replace(".", "").split())
    assert len(set(found["detailed"])) >= 3


def test_one_sentence_states_the_strongest_relation_of_the_most_salient_thing():
    texts = captions.write(ROOM, np.random.default_rng(0))["default"]
    assert all("red mug" in text and "wooden table" in text for text in texts)


def test_a_detailed_caption_names_everything():
    for text in captions.write(ROOM, np.random.default_rng(1))["detailed"]:
        assert all(word in text.lower() for word in ("table", "mug", "chairs", "green shirt"))
