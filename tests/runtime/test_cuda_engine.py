"""The engine whose tensors keep their shapes writes what SerModel writes, here without CUDA's graphs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.model.config import ConnectorConfig, DeepLensConfig, LanguageConfig
from ser_ros.model.describe import Clock, describe
from ser_ros.runtime.cuda_engine import CudaEngine
from ser_ros.runtime.cuda_graphs import directly
from tests.model.toys import VOCABULARY, toy_config, toy_model

LLAMA = LanguageConfig(
    kind="llama",
    sizes={
        "vocab_size": VOCABULARY, "hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 256,
        "tie_word_embeddings": False,
    },
)  # fmt: skip


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (24, 40, 3)).astype(np.uint8)


def assert_same(model, images, **options):
    ours = describe(CudaEngine(model, directly), images, **options)
    theirs = describe(model, images, **options)
    for mine, other in zip(ours, theirs, strict=True):
        assert (mine.initial, mine.refined, mine.flags) == (other.initial, other.refined, other.flags)
        np.testing.assert_allclose(mine.log_probs, other.log_probs, atol=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_same_captions(seed):
    assert_same(toy_model(seed), [picture(seed)], refinements=2, max_tokens=60)


@pytest.mark.parametrize(
    "changes",
    [
        {"language": LLAMA},
        {"connector": ConnectorConfig(kind="qformer", layers=(2,), hidden=40, depth=1, heads=2, queries=3)},
        {"connector": ConnectorConfig(kind="cross_attention", layers=(2,), hidden=24, heads=2)},
        {"deeplens": DeepLensConfig(layers=(1, 2), width=16, depth=1, heads=2, ffn=32, structure="cross")},
        {"deeplens": DeepLensConfig(layers=(1, 2), width=16, depth=1, heads=2, ffn=32, caption=False)},
        # Shorter than what captions are padded to.
        {"deeplens": DeepLensConfig(layers=(1, 2), width=16, depth=1, heads=2, ffn=32, max_caption=5)},
    ],
)
def test_same_captions_of_other_models(changes):
    for seed in range(3):
        assert_same(toy_model(seed, **changes), [picture(seed)], max_tokens=40)


def test_batches_and_beams_run_as_before():
    model = toy_model(1)
    assert_same(model, [picture(seed) for seed in range(3)], max_tokens=20)
    assert_same(model, [picture(0)], max_tokens=20, beams=3)


def test_frames_of_a_camera_and_then_another_size():
    model = toy_model(1)
    recorded = []

    def run(function, *arguments):
        recorded.append(getattr(function, "__name__", type(function).__name__))
        return directly(function, *arguments)

    engine = CudaEngine(model, run)
    frames = [picture(seed) for seed in range(3)]
    for frame in (*frames, frames[0][:20]):
        ours, theirs = (describe(e, [frame], max_tokens=20)[0] for e in (engine, model))
        assert (ours.initial, ours.refined) == (theirs.initial, theirs.refined)
    # The first of a size may be its only one.
    assert recorded.count("Preprocessor") == 2
    with pytest.raises(UserError, match="uint8, this one is"):
        describe(engine, [frames[0][:20].astype(np.float32)])


def test_without_a_second_glance():
    assert_same(toy_model(1), [picture(0)], refinements=0, max_tokens=1)
    assert_same(toy_model(1, deeplens=None), [picture(0)], refinements=0, max_tokens=150)


def test_two_sessions_at_a_time_do_not_mix():
    model = toy_model(1)
    engine = CudaEngine(model, directly)
    features = engine.encode([picture(0)], Clock())
    prompts = [model.tokenizer.glance_prompt()]
    nothing, one = (np.zeros((1, 0), np.int64), np.zeros(1, np.int64)), np.ones(1, np.int64)
    first, second = (engine.open_glance(features, prompts, 1, Clock()) for _ in range(2))
    for session in (first, second):
        session.prefill(*nothing)
    tokens = ([[7]], [[9]])
    got = [s.extend(np.array(t), one) for s, t in zip((first, second), tokens, strict=True)]
    for token, top in zip(tokens, got, strict=True):
        alone = model.open_glance(features, prompts, 1, Clock())
        alone.prefill(*nothing)
        np.testing.assert_allclose(top.log_probs, alone.extend(np.array(token), one).log_probs, atol=1e-4)
    del first, session
    assert type(engine.open_glance(features, prompts, 1, Clock())) is not type(second)


MODEL = toy_model(3)
ENGINE = CudaEngine(MODEL, directly)
FEATURES = ENGINE.encode([picture(3)], Clock())
token = st.integers(3, toy_config().language.sizes["vocab_size"] - 10)


@settings(max_examples=60)
@given(
    st.lists(token, max_size=40),
    st.lists(st.tuples(st.integers(0, 30), st.lists(token, min_size=1, max_size=40)), max_size=4),
)
def test_any_order_of_writing_and_forgetting(draft, turns):
    """Whatever was padded or forgotten, every place has the log-probability of a growing cache."""
    prompts = [MODEL.tokenizer.glance_prompt()]
    sessions = [engine.open_glance(FEATURES, prompts, 1, Clock()) for engine in (MODEL, ENGINE)]
    texts, length = np.array([draft], np.int64), len(draft)
    mine, other = (session.prefill(texts, np.array([length])) for session in sessions)
    np.testing.assert_allclose(other.log_probs, mine.log_probs, atol=1e-4)
    for forget, tokens in turns:
        length = max(0, length - forget)
        if length + len(tokens) > 200:
            break
        for session in sessions:
            session.crop(np.array([length]))
        length += len(tokens)
        mine, other = (s.extend(np.array([tokens]), np.array([len(tokens)])) for s in sessions)
        np.testing.assert_allclose(other.log_probs, mine.log_probs, atol=1e-4)
    torch.testing.assert_close(other.ids, mine.ids)
