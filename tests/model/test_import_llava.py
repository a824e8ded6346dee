"""The authors' folder against LLaVA's own way of computing, built here from transformers' parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPVisionConfig, CLIPVisionModel, GenerationConfig, OPTConfig, OPTForCausalLM

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.model import SerModel
from ser_ros.model.config import IMAGE_TOKEN
from ser_ros.model.import_llava import import_llava
from tests.model.toys import toy_config, toy_tokenizer


class Llava:
    """Random LLaVA-OPT: CLIP hidden_states[-2] without CLS, four linear layers, OPT on embeddings."""

    def __init__(self, seed: int = 0):
        torch.manual_seed(seed)
        self.clip = CLIPVisionModel(
            CLIPVisionConfig(
                hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
                image_size=28, patch_size=14,
            )
        ).eval()  # fmt: skip
        self.projector = nn.Sequential(
            nn.Linear(32, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU(), nn.Linear(96, 96), nn.Linear(96, 24)
        )
        self.config = OPTConfig(
            vocab_size=400, hidden_size=24, word_embed_proj_dim=24, num_hidden_layers=2,
            num_attention_heads=2, ffn_dim=48, max_position_embeddings=256, dropout=0.0, init_std=0.3,
            bos_token_id=2, eos_token_id=2, pad_token_id=2,
        )  # fmt: skip
        self.opt = OPTForCausalLM(self.config).eval()
        with torch.no_grad():
            for weight in [*self.clip.parameters(), *self.projector.parameters()]:
                if weight.ndim > 1:
                    weight.normal_(0, 0.3)

    @torch.no_grad()
    def embeds(self, ids: list[int], pixels: torch.Tensor) -> torch.Tensor:
        seen = self.clip(pixels, output_hidden_states=True).hidden_states[-2][:, 1:]
        at = ids.index(IMAGE_TOKEN)
        text = self.opt.model.decoder.embed_tokens(torch.tensor([ids[:at] + ids[at + 1 :]]))
        return torch.cat([text[:, :at], self.projector(seen), text[:, at:]], dim=1)

    def save(self, folder, *, tower_inside=False, half=False, file="model.safetensors", old_names=True):
        folder.mkdir(parents=True, exist_ok=True)
        opt = {k: v for k, v in self.opt.state_dict().items()}
        weights = {**opt, **{f"model.mm_projector.{k}": v for k, v in self.projector.state_dict().items()}}
        prefix = "vision_model." if old_names else ""
        tower = {prefix + k: v for k, v in self.clip.state_dict().items()}
        if tower_inside:
            weights.update({f"model.vision_tower.vision_tower.{k}": v for k, v in tower.items()})
        weights = {k: (v.half() if half else v).clone().contiguous() for k, v in weights.items()}
        if file.endswith(".bin"):
            torch.save(weights, folder / file)
        else:
            save_file(weights, folder / file)
        clip = folder.parent / "clip"
        clip.mkdir(exist_ok=True)
        (clip / "config.json").write_text(
            json.dumps({"model_type": "clip", "vision_config": self.clip.config.to_dict()})
        )
        save_file({k: v.clone().contiguous() for k, v in tower.items()}, clip / "model.safetensors")
        raw = {
            **self.config.to_dict(), "model_type": "llava_opt", "mm_vision_tower": "clip",
            "mm_projector_type": "mlp4x_bott4x_gelu", "mm_vision_select_layer": -2,
            "image_aspect_ratio": "pad",
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(raw))
        tokenizer = toy_tokenizer(toy_config()).tokenizer
        tokenizer.model.save(str(folder))
        return folder


IMAGE = np.random.default_rng(0).integers(0, 256, (40, 30, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"tower_inside": True},
        {"tower_inside": True, "old_names": False},
        {"file": "pytorch_model.bin"},
        {"old_names": False},
    ],
)
def test_logits_and_beams_are_theirs(tmp_path, how):
    theirs = Llava()
    imported = import_llava(theirs.save(tmp_path / "llava-opt", **how))
    imported.model.save_pretrained(tmp_path / "ours")
    ours = SerModel.from_pretrained(tmp_path / "ours")
    assert imported.left_out == []
    ids = ours.tokenizer.glance_prompt()
    pixels = ours.preprocess([IMAGE])
    embeds = theirs.embeds(ids, pixels)
    with torch.no_grad():
        expected = theirs.opt(inputs_embeds=embeds).logits
        got = ours(torch.tensor([ids]), pixels).logits
    torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)
    beams = theirs.opt.generate(
        inputs_embeds=embeds,
        attention_mask=torch.ones(embeds.shape[:2], dtype=torch.long),
        generation_config=GenerationConfig(
            num_beams=3, length_penalty=0.0, early_stopping=True, max_new_tokens=20, do_sample=False,
            eos_token_id=2, pad_token_id=2, bos_token_id=2,
        ),
    )  # fmt: skip
    description = ours.describe([IMAGE], refinements=0, beams=3, max_tokens=20)[0]
    assert description.initial == ours.tokenizer.decode(beams[0].tolist())


def test_the_tokens_are_theirs(tmp_path):
    """BOS once, the text before and after the image tokenised by itself."""
    model = import_llava(Llava().save(tmp_path / "llava-opt")).model
    encode = model.tokenizer.encode
    assert model.tokenizer.glance_prompt() == [
        2, *encode("USER: "), IMAGE_TOKEN, *encode("What is in the photo? ASSISTANT:"),
    ]  # fmt: skip
    assert model.tokenizer.answer_ids("a chair") == [*encode(" a chair"), 2]
    assert model.tokenizer.decode([*encode(" a chair"), 2]) == "a chair"


def test_nothing_is_rounded(tmp_path):
    """Half precision stays half; beside a tower in float32 it becomes that, and no value changes."""
    theirs = Llava()
    folder = theirs.save(tmp_path / "llava-opt", half=True)
    assert import_llava(folder).model.dtype == torch.float32
    tower = tmp_path / "clip" / "model.safetensors"
    save_file({k: v.half() for k, v in load_file(tower).items()}, tower)
    assert import_llava(folder).model.dtype == torch.float16


def test_words_without_text_are_never_written(tmp_path):
    """OPT pads its vocabulary (50,272 rows for 50,265 tokens); the authors' loader cuts the rest off."""
    theirs = Llava()
    with torch.no_grad():
        theirs.opt.model.decoder.embed_tokens.weight[-1] *= 50
    model = import_llava(theirs.save(tmp_path / "llava-opt")).model
    assert model.tokenizer.size < model.language.vocabulary == 400
    written, _ = model.glance([IMAGE], beams=3, max_tokens=20)
    assert max(written[0].ids) < model.tokenizer.size
    assert (
        model(torch.tensor([model.tokenizer.glance_prompt()]), model.preprocess([IMAGE])).logits.shape[2]
        == 400
    )


def test_the_tower_of_the_named_folder_comes_before_that_in_the_checkpoint(tmp_path):
    """As in the authors' loader; only a tower that was trained with the rest is read from the checkpoint."""
    theirs = Llava()
    folder = theirs.save(tmp_path / "llava-opt", tower_inside=True)
    weights = load_file(folder / "model.safetensors")
    key = "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding"
    save_file({**weights, key: weights[key] + 1}, folder / "model.safetensors")
    own = theirs.clip.state_dict()["embeddings.class_embedding"]

    def difference() -> torch.Tensor:
        return (import_llava(folder).model.vision.towers[0].embeddings.class_embedding - own).mean()

    assert difference() == 0
    change(folder, unfreeze_mm_vision_tower=True)
    torch.testing.assert_close(difference(), torch.tensor(1.0))
    assert import_llava(folder, tmp_path / "clip").tower == str(tmp_path / "clip")


@pytest.mark.parametrize(("aspect", "fit"), [("pad", "pad"), ("square", "crop"), (None, "crop")])
def test_the_image_is_padded_only_where_the_config_says_so(tmp_path, aspect, fit):
    folder = Llava().save(tmp_path / "llava-opt")
    change(folder, image_aspect_ratio=aspect)
    assert import_llava(folder).model.config.image.fit == fit


@pytest.mark.parametrize(
    ("kind", "layers"),
    [
        ("identity", nn.Linear(32, 24)),
        ("mlp2x_gelu", nn.Sequential(nn.Linear(32, 24), nn.GELU(), nn.Linear(24, 24))),
        (
            "mlp3x_bott2x_gelu",
            nn.Sequential(nn.Linear(32, 48), nn.GELU(), nn.Linear(48, 48), nn.Linear(48, 24)),
        ),
    ],
)
def test_projectors_of_other_depths(tmp_path, kind, layers):
    theirs = Llava()
    theirs.projector = layers
    folder = theirs.save(tmp_path / "llava-opt")
    change(folder, mm_projector_type=kind)
    model = import_llava(folder).model
    features = torch.randn(2, 4, 32)
    torch.testing.assert_close(model.connector(features), layers(features))


def test_shards_are_read_by_their_index(tmp_path):
    folder = Llava().save(tmp_path / "llava-opt")
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    halves = {"pytorch_model-1.bin": names[::2], "pytorch_model-2.bin": names[1::2]}
    for file, part in halves.items():
        torch.save({name: weights[name] for name in part}, folder / file)
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {name: file for file, part in halves.items() for name in part}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    assert import_llava(folder).left_out == []
    (folder / "pytorch_model-2.bin").unlink()
    with pytest.raises(UserError, match=r"pytorch_model-2\.bin is missing"):
        import_llava(folder)


def test_the_verb(tmp_path, capsys):
    folder = Llava().save(tmp_path / "llava-opt")
    (tmp_path / "clip").rename(tmp_path / "elsewhere")
    arguments = ["import-llava", str(folder), str(tmp_path / "out")]
    assert main(arguments) == 2
    assert "give its folder with --vision-tower" in capsys.readouterr().err
    assert main([*arguments, "--vision-tower", str(tmp_path / "elsewhere"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out"] == []
    assert "imported from LLaVA-OPT" in (tmp_path / "out" / "README.md").read_text()
    model = SerModel.from_pretrained(tmp_path / "out")
    assert model.describe([IMAGE], refinements=0, max_tokens=5)


def change(folder: Path, **values) -> None:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**raw, **values}))


def vision(folder: Path, config: object) -> None:
    change(folder.parent / "clip", vision_config=config)


def processor(folder: Path, **values) -> None:
    (folder.parent / "clip" / "preprocessor_config.json").write_text(json.dumps(values))


def spoil_tensor(folder: Path, name: str, *, drop: bool = False) -> None:
    weights = load_file(folder / "model.safetensors")
    weights[name] = torch.full_like(weights[name], torch.nan)
    if drop:
        del weights[name]
    save_file(weights, folder / "model.safetensors")


class Danger:
    def __reduce__(self):
        return (print, ("ran",))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "config.json").unlink(), "config.json is missing"),
        (lambda f: (f / "config.json").write_text('{"model_type": "llava"}'), "only llava_opt folders"),
        (lambda f: (f / "model.safetensors").unlink(), "has neither"),
        (lambda f: (f / "model.safetensors").write_bytes(b"junk"), "cannot be read"),
        (lambda f: (f / "merges.txt").unlink(), "has neither vocab.json with merges.txt nor tokenizer.json"),
        (lambda f: change(f, mm_projector_type="detr"), "projector 'detr' cannot be imported"),
        (lambda f: change(f, mm_vision_select_layer="-2,15"), "several of mm_vision_select_layer"),
        (lambda f: change(f, mm_vision_tower="clip,dinov2"), "several of mm_vision_tower"),
        (lambda f: change(f, mm_vision_select_feature="cls_patch"), "only 'patch' can be imported"),
        (lambda f: change(f, mm_vision_select_layer="last"), "'last'; it must be a whole number"),
        (lambda f: change(f, ffn_dim="wide"), r"llava-opt/config\.json: no network has these sizes"),
        (lambda f: change(f, hidden_size=0), r"llava-opt/config\.json: no network has these sizes"),
        (lambda f: change(f, activation_function="step"), "these sizes .there is no 'step'"),
        (lambda f: vision(f, None), "vision_config None; it must be an object"),
        (
            lambda f: vision(f, {"hidden_size": "x"}),
            r"clip/config\.json: no network",
        ),
        (
            lambda f: vision(f, {"image_size": None}),
            "size: expected int, got None",
        ),
        (
            lambda f: processor(f, image_mean=[0.5]),
            r"_config\.json: mean: expected 3 values, got 1",
        ),
        (lambda f: processor(f, image_std="x"), r"preprocessor_config\.json: std: expected list, got 'x'"),
        (lambda f: change(f, ffn_dim=24), r"fc1.bias in .* is \[48\]; config.json says \[24\]"),
        (lambda f: (f / "model.safetensors.index.json").write_text("{}"), "names no weight files"),
        (lambda f: spoil_tensor(f, "model.decoder.layers.0.fc1.bias"), "fc1.bias .* not finite"),
        (lambda f: spoil_tensor(f, "model.mm_projector.5.bias", drop=True), "lacks tensors model.mm_proj"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path, spoil, says):
    folder = Llava().save(tmp_path / "llava-opt")
    spoil(folder)
    with pytest.raises(UserError, match=says) as error:
        import_llava(folder)
    assert "\n" not in str(error.value)


def test_a_pickle_with_code_is_refused(tmp_path, capsys):
    folder = Llava().save(tmp_path / "llava-opt")
    (folder / "model.safetensors").unlink()
    torch.save({"model.decoder.x": Danger()}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be read as plain weights"):
        import_llava(folder)
    assert "ran" not in capsys.readouterr().out


def test_the_tower_must_be_clip(tmp_path):
    folder = Llava().save(tmp_path / "llava-opt")
    (tmp_path / "clip" / "config.json").write_text('{"model_type": "siglip"}')
    with pytest.raises(UserError, match="must be CLIP"):
        import_llava(folder)


def test_sizes_that_transformers_leaves_out(tmp_path):
    """save_pretrained writes only what differs from the class's defaults into a nested config."""
    theirs = Llava()
    folder = theirs.save(tmp_path / "llava-opt")
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}
    nested = {"model_type": "clip", "vision_config": {**sizes, "image_size": 28, "patch_size": 14}}
    (tmp_path / "clip" / "config.json").write_text(json.dumps(nested))
    assert import_llava(folder).model.config.towers[0].sizes["hidden_act"] == "quick_gelu"


def test_tensors_without_a_place_are_told(tmp_path):
    folder = Llava().save(tmp_path / "llava-opt")
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "model.image_newline": torch.ones(1)}, folder / "model.safetensors")
    assert import_llava(folder).left_out == ["model.image_newline"]
