"""The checkpoint folder: bit-exact round trips, shards, dtypes, one sentence for everything wrong in it."""

from __future__ import annotations

import copy
import json
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ser_ros.errors import UserError
from ser_ros.model import SerConfig, SerModel, checkpoint
from ser_ros.model.checkpoint import no_weights, save
from ser_ros.model.config import LanguageConfig, LoraConfig
from tests.model.toys import toy_model

IMAGE = [np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)]


@pytest.fixture
def folder(tmp_path):
    toy_model().save_pretrained(tmp_path / "m", card="# toy\n")
    return tmp_path / "m"


def test_round_trip_is_bit_exact(folder):
    model, again = toy_model(), SerModel.from_pretrained(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert again.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name
    assert again.describe(IMAGE, max_tokens=8)[0].refined == model.describe(IMAGE, max_tokens=8)[0].refined
    again.save_pretrained(folder)
    assert (folder / "README.md").read_text() == "# toy\n"


def test_shards(tmp_path):
    model = toy_model()
    save(model, tmp_path, shard_bytes=20_000)
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 2
    again = SerModel.from_pretrained(tmp_path)
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in model.state_dict().items())
    next(tmp_path.glob("model-00002*")).unlink()
    with pytest.raises(UserError, match="model-00002"):
        SerModel.from_pretrained(tmp_path)
    save(model, tmp_path)
    assert [p.name for p in tmp_path.glob("model*")] == ["model.safetensors"]


def test_models_load_in_threads_beside_one_another(folder):
    with ThreadPoolExecutor(4) as threads:
        models = list(threads.map(lambda _: SerModel.from_pretrained(folder), range(8)))
        with no_weights():
            others = threads.submit(torch.nn.Linear, 2, 3).result(timeout=60)
    assert {model.device.type for model in models} == {"cpu"}
    assert others.weight.device.type == "cpu", "the module of another thread lost its weights"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes(tmp_path, dtype):
    toy_model().to(dtype).save_pretrained(tmp_path)
    assert SerModel.from_pretrained(tmp_path).dtype == dtype
    assert SerModel.from_pretrained(tmp_path, dtype="fp32").dtype == torch.float32
    with pytest.raises(UserError, match="no dtype"):
        SerModel.from_pretrained(tmp_path, dtype="fp8")


def test_adapters_are_saved(tmp_path):
    sizes = {
        "vocab_size": 400, "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 256,
    }  # fmt: skip
    model = toy_model(language=LanguageConfig(kind="llama", sizes=sizes, lora=LoraConfig(rank=2, alpha=4)))
    model.save_pretrained(tmp_path)
    again = SerModel.from_pretrained(tmp_path)
    assert any("lora_" in name for name in again.state_dict())
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in model.state_dict().items())
    assert again.describe(IMAGE, max_tokens=8)[0].refined == model.describe(IMAGE, max_tokens=8)[0].refined


def change(folder, edit):
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    save_file(weights, folder / "model.safetensors")


def _poison(weights):
    weights["connector.0.weight"][0, 0] = float("nan")


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda w: w.pop("deeplens.enter.weight"), "lacks tensors deeplens.enter.weight"),
        (lambda w: w.update(extra=torch.ones(1)), "has unknown tensors extra"),
        (lambda w: w.update({"connector.0.bias": torch.ones(3)}), "connector.0.bias .* is \\[3\\]"),
        (_poison, "connector.0.weight .* not finite"),
    ],
)
def test_wrong_tensors_are_named(folder, edit, says):
    change(folder, edit)
    with pytest.raises(UserError, match=says):
        SerModel.from_pretrained(folder)


def test_damaged_and_unsafe_folders(folder):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="cannot be read"):
        SerModel.from_pretrained(folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="may run code"):
        SerModel.from_pretrained(folder)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(UserError, match=r"has no model\.safetensors"):
        SerModel.from_pretrained(folder)
    index = {"weight_map": {"a": "../../etc/passwd"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UserError, match="outside its folder"):
        SerModel.from_pretrained(folder)


HEADS = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 14}
CLIP = {"kind": "clip", "sizes": {**HEADS, "intermediate_size": 48, "image_size": 28}}
SIGLIP = {"kind": "siglip", "sizes": {**HEADS, "intermediate_size": 48, "image_size": 28}}
SIGLIP2 = {"kind": "siglip2", "sizes": {**HEADS, "intermediate_size": 48, "num_patches": 4}}
DINO = {"kind": "dinov2", "sizes": {**HEADS, "mlp_ratio": 2, "image_size": 28}}
LLAMA_SIZES = {
    "vocab_size": 400, "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 256,
}  # fmt: skip
LLAMA = {"kind": "llama", "sizes": LLAMA_SIZES}
LORA = {**LLAMA, "lora": {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": ["q_proj"]}}
OPT = {"kind": "opt"}
VAST = 10**13


def changed(config: dict, part: str, kind: dict, keys: str, value: object) -> None:
    """Give a part its kind, then one wrong value."""
    place = config[part][0] if part == "towers" else config[part]
    place.update(copy.deepcopy(kind))
    *parents, last = keys.split(".")
    for parent in parents:
        place = place[parent]
    place[last] = value


@pytest.mark.parametrize(
    ("part", "kind", "key", "value"),
    [
        *[("towers", CLIP, f"sizes.{key}", value) for key, value in [
            ("hidden_size", 7), ("hidden_size", 0), ("hidden_size", 2.5), ("hidden_size", VAST),
            ("num_attention_heads", 7), ("num_hidden_layers", "two"), ("patch_size", 0), ("patch_size", -1),
            ("image_size", VAST), ("hidden_act", "two"), ("layer_norm_eps", "small"),
        ]],
        *[("towers", kind, f"sizes.{key}", value) for kind in (SIGLIP, SIGLIP2) for key, value in [
            ("hidden_size", 7), ("num_attention_heads", 0), ("intermediate_size", VAST), ("patch_size", [1]),
        ]],
        *[("towers", DINO, f"sizes.{key}", value) for key, value in [
            ("mlp_ratio", "two"), ("num_attention_heads", 0), ("patch_size", -1), ("hidden_act", "two"),
        ]],
        *[("connector", {"kind": kind}, "hidden", value)
          for kind in ("qformer", "perceiver", "bert") for value in (-1, VAST)],
        *[("connector", {"kind": "cross_attention"}, "heads", heads) for heads in (0, 7)],
        *[("deeplens", {"structure": structure}, key, value) for structure in ("joint", "cross")
          for key, value in [("width", -1), ("width", VAST), ("heads", 0), ("heads", 7), ("ffn", VAST)]],
        *[("language", OPT, f"sizes.{key}", value) for key, value in [
            ("hidden_size", 7), ("num_hidden_layers", "two"), ("ffn_dim", -1), ("vocab_size", VAST),
        ]],
        *[("language", LLAMA, f"sizes.{key}", value) for key, value in [
            ("hidden_size", [1]), ("num_key_value_heads", 0), ("rope_theta", None), ("pad_token_id", VAST),
        ]],
        *[("language", LORA, f"lora.{key}", value) for key, value in [
            ("rank", 0), ("dropout", 7), ("targets", ["no_proj"]),
        ]],
    ],
)  # fmt: skip
def test_sizes_of_no_network_are_one_sentence(folder, part, kind, key, value):
    config = json.loads((folder / "config.json").read_text())
    changed(config, part, kind, key, value)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"config\.json") as error:
        SerModel.from_pretrained(folder)
    assert "\n" not in str(error.value)
    assert "tensors" not in str(error.value), "the weights were blamed for the sizes"


@pytest.mark.parametrize("bug", [MemoryError, AttributeError, NameError, IndexError, OSError])
def test_a_failure_that_is_no_fault_of_the_sizes_is_not_disguised(folder, monkeypatch, bug):
    def fail(config, tokenizer):
        raise bug("not the sizes")

    monkeypatch.setattr(checkpoint, "SerModel", fail)
    with pytest.raises(bug, match="not the sizes"):
        checkpoint.load(folder)


def test_a_missing_folder_never_asks_the_network(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no model folder"):
        SerModel.from_pretrained(tmp_path / "nothing")
    with pytest.raises(UserError, match="no model folder"):
        SerModel.from_pretrained("./nothing")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UserError, match="could be fetched"):
        SerModel.from_pretrained("someone/no-such-model")


def test_the_tokenizer_must_fit(folder):
    config = json.loads((folder / "config.json").read_text())
    config["language"]["sizes"]["vocab_size"] = 100
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="do not belong together"):
        SerModel.from_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match="is not a tokenizer"):
        SerModel.from_pretrained(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json is missing"):
        SerModel.from_pretrained(folder)


def test_a_model_without_tokenizer_is_not_saved(tmp_path):
    model = toy_model()
    model.tokenizer = None
    with pytest.raises(UserError, match="without tokenizer"):
        model.save_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda c: c.update(colour=1), "unknown keys colour"),
        (lambda c: c["deeplens"].update(depth="four"), "deeplens: depth: expected int"),
        (lambda c: c["connector"].update(layers=[99]), "layers \\[99\\] do not exist"),
        (lambda c: c["prompts"]["default"].update(glance="no image"), "<image> exactly once"),
        (lambda c: c.update(image=3), "expected a JSON object"),
        (lambda c: c["image"].update(mean=[0.5]), "image: mean: expected 3 values, got 1"),
        (lambda c: c["connector"].update(layers=23), "connector: layers: expected list, got 23"),
        (lambda c: c["connector"].update(layers=["last"]), "connector: layers: expected int, got 'last'"),
        (lambda c: c["towers"][0].update(std="wide"), "towers: std: expected list, got 'wide'"),
        (lambda c: c["language"].update(bos=True), "language: bos: expected int, got True"),
        (lambda c: c["prompts"]["default"].update(refine=1), "default: refine: expected str, got 1"),
        (lambda c: c["image"].update(size=28), r"image\.size is 28, but the clip tower takes 336"),
        (lambda c: c["image"].update(size=0), r"image\.size is 0; it must be 1 or more"),
        (
            lambda c: c["image"].update(mean=[0.5, math.nan, 0.5]),
            r"image\.mean is .* must be 0 to 1",
        ),
        (lambda c: c["image"].update(std=[0.5, 0, 0.5]), r"image\.std is .*; each colour must be above 0"),
        (lambda c: c["image"].update(fit="letterbox"), r"image\.fit is 'letterbox'; it must be one of pad, "),
        (
            lambda c: c["towers"][0]["sizes"].update(num_attention_heads=-1),
            "heads must be 1 or more",
        ),
        (lambda c: c["language"]["sizes"].update(num_attention_heads=-1), "heads must be 1 or more"),
        (lambda c: c["language"]["sizes"].update(dropout=3), r"dropout is 3; it must be 0 to 1"),
        (lambda c: c["language"].update(eos=50_272), r"language\.eos is 50272; it must be 0 to 50271"),
        (
            lambda c: c["language"]["sizes"].update(vocab_size="many"),
            "a size is missing or no",
        ),
    ],
)
def test_config_errors_are_one_sentence(edit, says):
    raw = json.loads(SerConfig().to_json())
    edit(raw)
    with pytest.raises(UserError, match=says):
        SerConfig.from_json(json.dumps(raw))


def test_config_round_trip():
    assert SerConfig.from_json(SerConfig().to_json()) == SerConfig()
    with pytest.raises(UserError, match="is not JSON"):
        SerConfig.from_json("{")
