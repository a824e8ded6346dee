"""Half the vision tokens: pairs of neighbours become one inside the tower."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.config import SerConfig, TowerConfig
from ser_ros.model.decoding import greedy
from ser_ros.model.describe import Clock
from tests.model.toys import toy_config, toy_model


def merging_toy(seed: int = 0, after: int | None = 1):
    return toy_model(seed, towers=(replace(toy_config().towers[0], merge_after=after),))


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)


def test_off_by_default_and_half_of_the_paper():
    assert SerConfig().patches == 576
    assert SerConfig(towers=(TowerConfig(merge_after=6),)).patches == 288


def test_neighbours_become_their_mean():
    """At the layer itself: the ones above see the merged tokens."""
    pixels = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 3, 28, 28)).astype(np.float32))
    whole, merged = toy_model().see(pixels).layers, merging_toy().see(pixels).layers
    assert whole[1].shape[1] == 4
    torch.testing.assert_close(merged[1], whole[1].unflatten(1, (2, 2)).mean(2))
    assert merged[2].shape[1] == 2


def test_training_uses_the_positions_of_decoding():
    """What is most probable after each token in one forward of training is what decoding wrote there."""
    model = merging_toy()
    features = model.encode([photo()], Clock())
    prompt = model.tokenizer.glance_prompt()
    written = greedy(model.open_glance(features, [prompt], 1, Clock()), 1, -1, 12)[0].ids
    with torch.no_grad():
        logits = model(torch.tensor([prompt + written]), features=features).logits[0]  # [L, V]
    best = logits[-len(written) - 1 : -1, : model.tokenizer.size].argmax(-1)
    assert best.tolist() == written


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"merge_after": 2}, "towers.merge_after is 2; it must be 0 to 1"),
        ({"merge_after": -1}, "towers.merge_after is -1; it must be 0 to 1"),
        ({"merge_after": 1, "image_size": 42}, "needs an even number of patches in a row"),
    ],
    ids=str,
)
def test_what_cannot_be_merged_is_named(changes, error):
    tower = toy_config().towers[0]
    size = changes.get("image_size", 28)
    tower = replace(tower, sizes={**tower.sizes, "image_size": size}, merge_after=changes["merge_after"])
    with pytest.raises(UserError, match=error):
        toy_config(towers=(tower,)).check()
