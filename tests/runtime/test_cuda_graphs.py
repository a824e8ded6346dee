"""CUDA graphs replay what the functions compute, and captions are those of SerModel. Needs a GPU.

Equality is checked three ways, as low precision decides near-ties by the shape of a product:
* float32: the shipped model writes the same tokens with graphs as SerModel without;
* bfloat16: replayed and called directly, the same functions give the same tokens;
* bfloat16 against SerModel: the same text has the same log-probabilities within rounding.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ser_ros.model.describe import Clock, describe
from ser_ros.model.processor import preprocess as preprocess_by_pillow
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.cuda_engine import CudaEngine
from ser_ros.runtime.cuda_graphs import CudaGraphs, directly
from ser_ros.runtime.load import DEFAULT_MODEL, load_captioner
from ser_ros.runtime.torch_preprocess import preprocess
from tests.model.toys import toy_model

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
CUDA = torch.device("cuda")


def room(seed: int) -> np.ndarray:
    """Boxes of one colour before a wall and a floor: near enough to a picture for a caption with words."""
    dice = np.random.default_rng(seed)
    image = np.empty((240, 320, 3), np.uint8)
    image[:160], image[160:] = dice.integers(120, 240, 3), dice.integers(60, 160, 3)
    for _ in range(4):
        top, left = dice.integers(40, 180), dice.integers(0, 260)
        image[top : top + dice.integers(20, 90), left : left + dice.integers(20, 90)] = dice.integers(
            0, 256, 3
        )
    return image


def on_device(function, *arguments):
    """The functions themselves, without a recording."""
    return directly(function, *(a if isinstance(a, int) else a.to(CUDA) for a in arguments))


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def shipped(request) -> SerModel:
    return SerModel.from_pretrained(DEFAULT_MODEL, dtype=request.param, device="cuda")


def captions(engine, count: int = 12, **options):
    return [describe(engine, [room(seed)], **options)[0] for seed in range(count)]


def test_a_function_is_recorded_once_for_each_shape():
    calls = []

    def double(x, times):
        calls.append(x.shape)
        return (x * times,)

    graphs = CudaGraphs(CUDA, limit=2)
    for length, times in ((3, 2), (3, 2), (5, 2), (3, 4), (3, 2)):
        x = torch.arange(length, dtype=torch.float32, device=CUDA)
        assert torch.equal(graphs(double, x, times)[0], x * times)
    # A warm-up and a recording of each; the first was dropped when the third came.
    assert len(calls) == 2 * 4
    host = torch.ones(3)
    first, second = graphs(double, host, 2)[0], graphs(double, 2 * host, 2)[0]
    assert first.tolist() == [2, 2, 2]
    assert second.tolist() == [4, 4, 4]


@torch.inference_mode()
def test_preprocessing_is_pillows():
    config = SerModel.from_pretrained(DEFAULT_MODEL).config.image
    for shape in ((480, 640, 3), (200, 100, 3), (1080, 1920, 3)):
        image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        expected = torch.from_numpy(preprocess_by_pillow([image], config))
        torch.testing.assert_close(preprocess([image], config, CUDA).cpu(), expected, rtol=0, atol=1e-6)


def test_tokens_are_those_of_the_model_in_float32(shipped):
    if shipped.dtype != torch.float32:
        pytest.skip("bfloat16 is compared by log-probabilities")
    with_graphs, without = (
        captions(engine, refinements=2) for engine in (CudaEngine(shipped, CudaGraphs(CUDA)), shipped)
    )
    for ours, theirs in zip(with_graphs, without, strict=True):
        assert (ours.initial, ours.refined) == (theirs.initial, theirs.refined)
        np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=1e-3)


def test_a_replay_writes_what_a_call_writes(shipped):
    replayed, called = (captions(CudaEngine(shipped, run)) for run in (CudaGraphs(CUDA), on_device))
    again = captions(CudaEngine(shipped, CudaGraphs(CUDA)))
    for ours, theirs, repeated in zip(replayed, called, again, strict=True):
        assert (ours.initial, ours.refined) == (theirs.initial, theirs.refined)
        assert (ours.initial, ours.refined) == (repeated.initial, repeated.refined)
        np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=0.02)


def test_log_probabilities_of_the_same_text(shipped):
    """After each of some tokens, whatever was forgotten before them."""
    words = shipped.tokenizer
    text = np.array([words.encode(" a red chair next to a brown table in the room")])
    rest = np.array([text.shape[1] - 2])
    engines = (shipped, CudaEngine(shipped, CudaGraphs(CUDA)))
    seen = []
    for engine in engines:
        features = engine.encode([room(0)], Clock())
        session = engine.open_glance(features, [words.glance_prompt()], 1, Clock())
        parts = [session.prefill(text[:, :3], np.array([3]))]
        session.crop(np.array([1]))
        parts += [session.extend(text[:, 1:2], np.array([1])), session.extend(text[:, 2:], rest)]
        parts += [session.extend(text[:, :1], np.array([1])) for _ in range(150)]
        seen.append(np.concatenate([part.log_probs[0, :, 0] for part in parts]))
    # A logit of 16 has steps of 0.125 in bfloat16; a wrong slot or position would be off by whole units.
    assert np.abs(seen[1] - seen[0]).mean() < (1e-4 if shipped.dtype == torch.float32 else 0.1)


def test_batches_beams_and_two_sessions_run_beside_recordings():
    model = toy_model(1).to(CUDA)
    engine = CudaEngine(model, CudaGraphs(CUDA))
    images = [room(seed) for seed in range(2)]
    for options in ({"max_tokens": 20}, {"max_tokens": 20, "beams": 3}):
        ours, theirs = (describe(e, images, **options) for e in (engine, model))
        assert [d.refined for d in ours] == [d.refined for d in theirs]
    assert captions(engine, 3)[0].refined == captions(model, 3)[0].refined


def test_captioners_record_on_a_gpu_and_free_it():
    held = []
    for _ in range(3):
        captioner = load_captioner(device="cuda")
        assert isinstance(captioner.engine, CudaEngine)
        assert captioner.describe([room(1)])[0].refined
        used = torch.cuda.memory_allocated()
        captioner.close()
        del captioner
        held.append(torch.cuda.memory_allocated())
        assert used - held[-1] > 20e6
    assert held[2] <= held[1]  # the first leaves the workspaces of the libraries behind
