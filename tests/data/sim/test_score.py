"""What the scorer of the simulated home reads out of a caption."""

import pytest

from ser_ros.data.sim.score import say


@pytest.mark.parametrize("words", ["to the left of", "on the left of", "on the left side of"])
def test_a_side_is_not_what_something_stands_on(words):
    assert say(f"A red ball is {words} a chair.").relations == {("ball", "left of", "chair")}
