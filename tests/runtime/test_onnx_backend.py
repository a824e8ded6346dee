"""ONNX Runtime writes what torch writes: the same tokens in float32 for every way of decoding."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig, LanguageConfig
from ser_ros.runtime import onnx_export, onnx_shared_cache
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import load_captioner
from ser_ros.runtime.onnx_backend import OnnxEngine, adds_in_16_bits, pick_providers
from ser_ros.runtime.onnx_export import export
from ser_ros.runtime.onnx_session import best
from tests.model.toys import toy_config, toy_model

SEEDS = (0, 1, 2)


def photos(count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (20 + 3 * i, 30, 3)).astype(np.uint8) for i in range(count)]


def language_of_heads_of(width: int) -> LanguageConfig:
    """A toy's heads are 12 wide, and GroupQueryAttention takes multiples of 8."""
    language = toy_config().language
    return replace(language, sizes={**language.sizes, "num_attention_heads": 24 // width})


@pytest.fixture(scope="module", params=[(seed, int8) for int8 in (False, True) for seed in SEEDS], ids=str)
def pair(request, tmp_path_factory):
    """A torch toy and its graphs; 8 bits change the attention, but no product is wide enough to round."""
    folder = tmp_path_factory.mktemp("onnx")
    seed, int8 = request.param
    model = toy_model(seed, language=language_of_heads_of(8)) if int8 else toy_model(seed)
    model.save_pretrained(folder / "model")
    export(folder / "model", folder / "graphs", int8=int8)
    return model, folder / "graphs"


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("refinements", [0, 1, 2])
def test_tokens_equal_torch(pair, beams, refinements):
    """A batch of images of different size, whose captions differ in length; refinements verify drafts."""
    model, graphs = pair
    captioner = load_captioner(graphs)
    images = photos(4, refinements)
    options = {"refinements": refinements, "beams": beams, "max_tokens": 16}
    ours = captioner.describe(images, CaptionOptions(**options))
    theirs = model.describe(images, **options)
    assert [d.initial for d in ours] == [d.initial for d in theirs]
    assert [d.refined for d in ours] == [d.refined for d in theirs]
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine.flags == reference.flags
        np.testing.assert_allclose(mine.log_probs, reference.log_probs, atol=2e-4)
    assert captioner.backend == "onnx"
    assert set(ours[0].timings) == set(theirs[0].timings)
    captioner.close()


def test_captions_of_a_batch_differ_in_length():
    """Otherwise the comparison above would not see a wrong mask."""
    lengths = [len(d.log_probs) for seed in SEEDS for d in toy_model(seed).describe(photos(4), max_tokens=16)]
    assert len(set(lengths)) > 2


def test_token_ids_equal_torch(pair):
    """Ids, not texts: with drafts from another image and an empty one, in one batch."""
    from ser_ros.model.decoding.session import Written
    from ser_ros.model.describe import Clock, Writer

    model, graphs = pair
    engine = OnnxEngine(graphs, ["CPUExecutionProvider"])
    images = photos(3, 5)
    drafts = [Written([5, 9, 30, 77, 12]), Written([]), Written([44] * 12)]
    results = []
    for network in (model, engine):
        writer = Writer(network, "default", 20, 1, 1, Clock())
        features = network.encode(images, writer.clock)
        results.append([caption.ids for caption in writer.refine(features, drafts)])
        alone = writer.refine(network.rows(features, [1]), drafts[1:2])
        results[-1].append(alone[0].ids)
    assert results[0] == results[1]


def test_features_equal_torch(pair):
    from ser_ros.model.describe import Clock

    model, graphs = pair
    engine = OnnxEngine(graphs, ["CPUExecutionProvider"])
    ours, theirs = engine.encode(photos(3), Clock()), model.encode(photos(3), Clock())
    assert set(ours) == set(theirs.layers)
    for layer, states in ours.items():
        np.testing.assert_allclose(states, theirs.layers[layer], atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"connector": {"kind": "qformer"}},
        {"connector": {"kind": "perceiver"}, "deeplens": {"structure": "cross"}},
        {"deeplens": {"structure": "mlp", "caption": False}},
        {"deeplens": None},
    ],
    ids=str,
)
def test_other_structures(tmp_path, changes):
    config = toy_config()
    parts = {name: part and replace(getattr(config, name), **part) for name, part in changes.items()}
    model = toy_model(3, **parts)
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "graphs")
    refinements = 0 if model.deeplens is None else 1
    ours = load_captioner(tmp_path / "graphs").describe(photos(2), CaptionOptions(refinements=refinements))
    theirs = model.describe(photos(2), refinements=refinements)
    assert [d.refined for d in ours] == [d.refined for d in theirs]


def test_int8_is_close_and_smaller(tmp_path, monkeypatch):
    """The distribution after the prompt moves a little; torch's tokens are not promised in 8 bits."""
    from ser_ros.model.describe import Clock

    monkeypatch.setattr(onnx_export, "MIN_INPUTS", 1)  # a toy's products are narrower than any real one's
    model = toy_model(0, spread=0.1)
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "fp32")
    export(tmp_path / "model", tmp_path / "int8", int8=True)
    top = {}
    for name in ("fp32", "int8"):
        engine = OnnxEngine(tmp_path / name, ["CPUExecutionProvider"])
        features = engine.encode(photos(1), Clock())
        session = engine.open_glance(features, [engine.tokenizer.glance_prompt()], 5, Clock())
        top[name] = session.prefill(np.zeros((1, 0), np.int64), np.zeros(1, np.int64)).log_probs
    assert 0 < np.abs(top["fp32"] - top["int8"]).max() < 0.2
    import onnx

    ops = [node.op_type for node in onnx.load(tmp_path / "int8" / "language.onnx").graph.node]
    # Six products in each of two layers, and the output words.
    assert sum(op in ("MatMulInteger", "DynamicQuantizeMatMul") for op in ops) == 13
    assert load_captioner(tmp_path / "int8", dtype="int8").describe(photos(1))
    with pytest.raises(UserError, match="are int8, not fp32"):
        load_captioner(tmp_path / "int8", dtype="fp32")


def test_narrow_products_stay_exact_in_int8(tmp_path, caplog):
    """They gain no time in 8 bits; the words that a toy writes are then torch's, also with heads of 12."""
    model = toy_model(0)
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "int8", int8=True)
    assert not caplog.records  # the quantizer's advice is none for a user
    ours = load_captioner(tmp_path / "int8").describe(photos(2))
    assert [d.refined for d in ours] == [d.refined for d in model.describe(photos(2))]


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("beams", [1, 3])
def test_merged_tokens(tmp_path, beams, int8):
    """Half the vision tokens, in both glances and at their old positions, as in torch."""
    tower = replace(toy_config().towers[0], merge_after=1)
    model = toy_model(1, towers=(tower,), language=language_of_heads_of(8))
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "graphs", int8=int8)
    options = {"beams": beams, "max_tokens": 16}
    ours = load_captioner(tmp_path / "graphs").describe(photos(3), CaptionOptions(**options))
    theirs = model.describe(photos(3), **options)
    assert [(d.initial, d.refined) for d in ours] == [(d.initial, d.refined) for d in theirs]


@pytest.mark.parametrize("beams", [1, 3])
def test_long_prompts_in_int8(tmp_path, beams):
    """A hundred vision tokens before rows of different length."""
    tower = toy_config().towers[0]
    tower = replace(tower, sizes={**tower.sizes, "image_size": 140})
    parts = {"towers": (tower,), "image": ImageConfig(size=140), "language": language_of_heads_of(8)}
    model = toy_model(2, **parts)
    model.save_pretrained(tmp_path / "model")
    export(tmp_path / "model", tmp_path / "int8", int8=True)
    options = {"refinements": 2, "beams": beams, "max_tokens": 16}
    ours = load_captioner(tmp_path / "int8").describe(photos(3), CaptionOptions(**options))
    theirs = model.describe(photos(3), **options)
    assert [(d.initial, d.refined) for d in ours] == [(d.initial, d.refined) for d in theirs]


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("pair", [(1, True)], indirect=True)
def test_long_forwards_run_in_pieces(pair, beams, monkeypatch):
    """Prompts and drafts both, of one image and of several."""
    monkeypatch.setattr(onnx_shared_cache, "_PIECE", 5)  # a toy's prompt is shorter than a true piece
    model, graphs = pair
    options = {"refinements": 2, "beams": beams, "max_tokens": 16}
    captioner = load_captioner(graphs)
    for images in (photos(3), photos(1)):
        ours = captioner.describe(images, CaptionOptions(**options))
        theirs = model.describe(images, **options)
        assert [(d.initial, d.refined) for d in ours] == [(d.initial, d.refined) for d in theirs]
        for mine, reference in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine.log_probs, reference.log_probs, atol=2e-4)


@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("pair", [(1, True)], indirect=True)
def test_a_caption_outgrows_its_cache(pair, beams, monkeypatch):
    """The cache in place is made longer when its spare slots are written."""
    monkeypatch.setattr(onnx_shared_cache, "_SPARE", 2)  # beams of a toy end before a true one is full
    model, graphs = pair
    options = {"refinements": 2, "beams": beams, "max_tokens": 16}
    ours = load_captioner(graphs).describe(photos(3), CaptionOptions(**options))
    theirs = model.describe(photos(3), **options)
    assert max(len(d.log_probs) for d in theirs) > 8
    assert [(d.initial, d.refined) for d in ours] == [(d.initial, d.refined) for d in theirs]


@pytest.mark.parametrize("pair", [(0, False)], indirect=True)
def test_a_missing_onnxruntime_is_named(pair, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install 'ser-ros\[onnx\]'"):
        load_captioner(pair[1])


@pytest.mark.parametrize("pair", [(0, False)], indirect=True)
def test_runs_without_torch(pair, tmp_path):
    """A robot with the onnx extra alone has no torch."""
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None\n"
        "import numpy as np; from ser_ros.runtime.load import load_captioner\n"
        f"c = load_captioner({str(pair[1])!r}); print(c.describe([np.zeros((9, 9, 3), np.uint8)])[0].refined)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=120)


@pytest.mark.parametrize("pair", [(0, False)], indirect=True)
def test_a_full_memory_refines_one_by_one(pair, monkeypatch):
    model, graphs = pair
    captioner = load_captioner(graphs)
    engine = captioner._engine
    run = engine.open_refine

    def small(features, prompts, initials, top, clock):
        if len(prompts) > 1:
            raise MemoryError("Failed to allocate memory for requested buffer of size 9")
        return run(features, prompts, initials, top, clock)

    monkeypatch.setattr(engine, "open_refine", small)
    ours = captioner.describe(photos(3), CaptionOptions(max_tokens=12))
    assert [d.refined for d in ours] == [d.refined for d in model.describe(photos(3), max_tokens=12)]


def test_best_is_torch_topk():
    logits = np.random.default_rng(0).normal(size=(2, 3, 50)).astype(np.float32)
    for k in (1, 4):
        values, ids = torch.from_numpy(logits).log_softmax(-1).topk(k)
        ours = best(logits, k)
        np.testing.assert_array_equal(ours.ids, ids)
        np.testing.assert_allclose(ours.log_probs, values, atol=1e-5)


@pytest.mark.parametrize("pair", [(0, False)], indirect=True)
def test_bad_folders(pair, tmp_path):
    graphs = pair[1]
    with pytest.raises(UserError, match="make them with: ser_ros export"):
        load_captioner(tmp_path, backend="onnx")
    with pytest.raises(UserError, match="there is no model folder"):
        load_captioner(tmp_path / "none", backend="onnx")
    (tmp_path / "export.json").write_text('{"format": 99, "dtype": "fp32"}')
    with pytest.raises(UserError, match="format 99, not 5"):
        load_captioner(tmp_path, backend="onnx")
    for file in graphs.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = (tmp_path / "language.weights").read_bytes()
    (tmp_path / "language.weights").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(UserError, match=r"language\.onnx cannot be loaded"):
        load_captioner(tmp_path)
    (tmp_path / "tower.onnx").write_bytes(b"no graph")
    with pytest.raises(UserError, match=r"tower\.onnx cannot be loaded"):
        load_captioner(tmp_path)
    (tmp_path / "tower.onnx").unlink()
    with pytest.raises(UserError, match=r"tower\.onnx is missing"):
        load_captioner(tmp_path)


def test_devices():
    assert pick_providers("cpu") == ("cpu", ["CPUExecutionProvider"])
    assert pick_providers("auto")[1][-1] == "CPUExecutionProvider"
    with pytest.raises(UserError, match="no device 'npu'"):
        pick_providers("npu")


def test_exact_kernels_only_where_8_bits_would_overflow(tmp_path):
    flags = tmp_path / "cpuinfo"
    flags.write_text("flags : avx2 avx512_vnni amx_int8")
    assert not adds_in_16_bits("x86_64", flags)
    assert not adds_in_16_bits("aarch64", tmp_path / "none")
    flags.write_text("flags : avx2 fma")
    assert adds_in_16_bits("x86_64", flags)
    assert adds_in_16_bits("AMD64", tmp_path / "none")


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tensorrt"])
def test_gpu_providers(monkeypatch, device):
    """Chosen where this ONNX Runtime has them, named where it has not."""
    with pytest.raises(UserError, match="install onnxruntime-gpu or use device cpu"):
        pick_providers(device)
    gpu = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: gpu)
    place, providers = pick_providers(device)
    number = int(device == "cuda:1")
    assert place == (device if number else f"{device}:0")
    wanted = gpu if device == "tensorrt" else gpu[1:]
    assert providers == [*((name, {"device_id": number}) for name in wanted[:-1]), wanted[-1]]
