"""Attention over the patch grid of a word."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.attention_map import Look, draw, look, overlay, word_tokens
from ser_ros.model.config import ConnectorConfig, ImageConfig
from tests.model.toys import toy_model

IMAGE = np.random.default_rng(0).integers(0, 256, (30, 60, 3)).astype(np.uint8)


def test_the_tokens_of_a_word():
    prefixes = ["", " a", " a bro", " a brown", " a brown chair", " a brown chair on", " a brown chair on a"]
    assert word_tokens(prefixes, "brown") == [1, 2]
    assert word_tokens(prefixes, "Brown chair") == [1, 2, 3]
    assert word_tokens(prefixes, "a") == [0]
    assert word_tokens(prefixes, "air") == []
    assert word_tokens(prefixes, "") == []
    assert word_tokens([""], "a") == []


def test_attention_of_both_glances():
    model = toy_model(1)
    written, _ = model.glance([IMAGE], max_tokens=10)
    word = model.tokenizer.decode(written[0].ids).split()[0]
    before = model.describe([IMAGE], max_tokens=10)[0].refined
    first, second = look(model, IMAGE, word, max_tokens=10)
    assert first.attention.shape == (2, 2)
    assert first.attention.sum() == pytest.approx(1, abs=1e-4)
    assert second.caption == before == model.describe([IMAGE], max_tokens=10)[0].refined
    with pytest.raises(UserError, match="has no 'zebra'"):
        look(model, IMAGE, "zebra", max_tokens=4)


def test_the_place_of_a_word_is_where_its_token_is_produced():
    """Hand-made check: the row before the token, the columns of the patches."""
    model = toy_model(1)
    written, features = model.glance([IMAGE], max_tokens=6)
    text = model.tokenizer.decode_part(written[0].ids[:1]).strip()
    first, _ = look(model, IMAGE, text, max_tokens=6)
    prompt = model.tokenizer.glance_prompt()
    embeds = model.merge(torch.tensor([prompt]), model.first_tokens(features))
    model.language.decoder.set_attn_implementation("eager")
    layers = model.language.decoder(inputs_embeds=embeds, output_attentions=True).attentions
    at = prompt.index(-200)
    last = torch.stack([layer[0].mean(0)[-1, at : at + 4] for layer in layers]).mean(0)
    np.testing.assert_allclose(first.attention.ravel(), (last / last.sum()).detach().numpy(), atol=1e-5)


def test_a_resampling_connector_has_no_grid():
    model = toy_model(
        1, connector=ConnectorConfig(kind="qformer", layers=(2,), hidden=40, depth=1, heads=2, queries=3)
    )
    with pytest.raises(UserError, match="no patch grid"):
        look(model, IMAGE, "chair", max_tokens=10)


def test_heat_lies_where_the_patch_is():
    """A wide image is padded above and below: the left column of patches is the left half."""
    grid = np.zeros((4, 4))
    grid[1:3, 0] = 0.5
    grey = np.full((40, 80, 3), 128, np.uint8)
    heated = np.asarray(overlay(grey, grid, ImageConfig())).astype(int)
    change = np.abs(heated - 128).sum(axis=(0, 2))
    assert change[:20].sum() > 5 * change[40:].sum()
    sheet = draw(grey, [Look("a chair", grid), Look("no such word", None)], ImageConfig())
    assert sheet.width == 168
