"""Starting from transformers folders: the weights are theirs, the forward pass is theirs."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    Dinov2Config,
    Dinov2Model,
    LlamaConfig,
    LlamaForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    PreTrainedTokenizerFast,
    Siglip2VisionConfig,
    Siglip2VisionModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from ser_ros.data.vocabulary import train_bpe
from ser_ros.errors import UserError
from ser_ros.model.config import DeepLensConfig
from ser_ros.model.ser_model import SerModel
from ser_ros.train.assemble import first_model, first_tower, from_parts
from ser_ros.train.recipe import ModelSource, Recipe, Source, pretrain, stage1
from ser_ros.train.run import run
from tests.model.toys import toy_model
from tests.train.toy_home import make_toy_home

TOWERS = {
    "clip": (CLIPVisionConfig, CLIPVisionModel),
    "siglip": (SiglipVisionConfig, SiglipVisionModel),
    "siglip2": (Siglip2VisionConfig, Siglip2VisionModel),
    "dinov2": (Dinov2Config, Dinov2Model),
}
SMALL = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "patch_size": 14,
}
CONFIG = {
    "connector": {"layers": [2], "hidden": 24},
    "deeplens": {"layers": [1, 2], "width": 16, "depth": 1, "heads": 2, "ffn": 32, "max_caption": 16},
}


def save_tower(folder: Path, kind: str, side: int = 28) -> Path:
    config_class, model_class = TOWERS[kind]
    sizes = SMALL | ({} if kind == "dinov2" else {"intermediate_size": 32})
    sizes |= {"num_patches": (side // 14) ** 2} if kind == "siglip2" else {"image_size": side}
    torch.manual_seed(0)
    model_class(config_class(**sizes)).save_pretrained(folder)
    return folder


def save_language(folder: Path, kind: str) -> Path:
    tokenizer = train_bpe(["a red chair"], 300)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(
        folder
    )
    sizes = {"vocab_size": 300, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(1)
    if kind == "opt":
        model = OPTForCausalLM(
            OPTConfig(**sizes, ffn_dim=32, word_embed_proj_dim=24, max_position_embeddings=64)
        )
    else:
        model = LlamaForCausalLM(LlamaConfig(**sizes, intermediate_size=32, max_position_embeddings=64))
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", sorted(TOWERS))
def test_the_tower_is_the_pretrained_one(tmp_path: Path, kind: str) -> None:
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "tower", kind)),
        language_model=str(save_language(tmp_path / "lm", "opt")),
        config=CONFIG,
    )
    model = from_parts(source).eval()
    assert model.config.towers[0].kind == kind
    theirs = TOWERS[kind][1].from_pretrained(tmp_path / "tower").eval()
    pixels = torch.randn(2, 3, 28, 28)
    inputs = {"pixel_values": pixels}
    if kind == "siglip2":
        patches, grid = model.vision.towers[0]._patchify(pixels)
        seen = torch.ones(2, 4)
        inputs = {"pixel_values": patches, "pixel_attention_mask": seen, "spatial_shapes": grid}
    with torch.no_grad():
        hidden = theirs(**inputs, output_hidden_states=True).hidden_states
    ours = model.see(pixels)
    skip = 0 if kind.startswith("siglip") else 1
    for layer in (1, 2):
        torch.testing.assert_close(ours.layers[layer], hidden[layer][:, skip:], atol=1e-5, rtol=1e-4)


def test_two_towers_see_the_same_patches(tmp_path: Path) -> None:
    """Table 8, CLIP + DINOv2: the second sees the first one's size, under its own normalisation."""
    dino = save_tower(tmp_path / "dino", "dinov2", side=42)
    statistics = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
    (dino / "preprocessor_config.json").write_text(json.dumps(statistics))
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "clip", "clip")),
        second_tower=str(dino),
        language_model=str(save_language(tmp_path / "lm", "opt")),
        config=CONFIG,
    )
    model = from_parts(source).eval()
    raw = torch.rand(2, 3, 28, 28)

    def normalised(mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
        return (raw - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)

    both = model.see(normalised(model.config.image.mean, model.config.image.std)).layers[2]
    theirs = Dinov2Model.from_pretrained(dino).eval()
    with torch.no_grad():
        states = theirs(normalised(*statistics.values()), output_hidden_states=True).hidden_states
    assert both.shape == (2, 4, 32)
    torch.testing.assert_close(both[..., 16:], states[2][:, 1:], atol=1e-5, rtol=1e-4)
    model.save_pretrained(tmp_path / "saved")
    again = type(model).from_pretrained(tmp_path / "saved")
    assert len(again.config.towers) == 2
    source.second_tower = str(save_tower(tmp_path / "siglip", "siglip", side=42))
    with pytest.raises(UserError, match="towers with 4 and 9 patches cannot be joined"):
        from_parts(source)


@pytest.mark.parametrize("kind", ["opt", "llama"])
def test_the_language_model_is_the_pretrained_one(tmp_path: Path, kind: str) -> None:
    folder = save_language(tmp_path / "lm", kind)
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "tower", "clip")), language_model=str(folder), config=CONFIG
    )
    model = from_parts(source).eval()
    assert (model.config.language.bos, model.config.language.eos) == ((2, 2) if kind == "opt" else (0, 2))
    theirs = (OPTForCausalLM if kind == "opt" else LlamaForCausalLM).from_pretrained(folder).eval()
    ids = torch.tensor([[2, 40, 41, 42]])
    with torch.no_grad():
        ours = model.language.logits(model.language(model.language.embed(ids)))
        torch.testing.assert_close(ours, theirs(ids).logits, atol=1e-5, rtol=1e-4)
    model.save_pretrained(tmp_path / "saved")
    again = type(model).from_pretrained(tmp_path / "saved")
    assert again.config == model.config


def test_lora_trains_only_adapters(tmp_path: Path) -> None:
    lora = {"language": {"lora": {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": ["q_proj", "v_proj"]}}}
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "tower", "clip")),
        language_model=str(save_language(tmp_path / "lm", "llama")),
        config=CONFIG | lora,
    )
    model = from_parts(source)
    model.train_only({"connector", "language"})
    names = [name for name, p in model.named_parameters() if p.requires_grad and name.startswith("language")]
    assert names
    assert all("lora" in name for name in names)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path / "lm").eval()
    ids = torch.tensor([[0, 40, 41]])
    with torch.no_grad():
        ours = model.eval().language.logits(model.language(model.language.embed(ids)))
        torch.testing.assert_close(ours, theirs(ids).logits, atol=1e-5, rtol=1e-4)


def test_a_run_from_parts_with_lora(tmp_path: Path) -> None:
    make_toy_home(tmp_path, 16)
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": ["q_proj", "v_proj"]}
    stages = {}
    for name, stage in (("pretrain", pretrain()), ("stage1", stage1())):
        stage.data = [Source(path="captions.json", images="images")]
        stage.epochs, stage.batch_size, stage.micro_batch, stage.learning_rate = 1.0, 8, 8, 1e-2
        stages[name] = stage
    recipe = Recipe(
        output=str(tmp_path / "run"),
        root=str(tmp_path),
        model=ModelSource(
            vision_tower=str(save_tower(tmp_path / "tower", "clip")),
            language_model=str(save_language(tmp_path / "lm", "llama")),
            config=CONFIG | {"language": {"lora": lora}},
        ),
        stages=stages,
        precision="fp32",
        device="cpu",
        workers=0,
        sample_every=0,
    )
    first, second = run(recipe)
    before, after = (SerModel.from_pretrained(stage["model"]).state_dict() for stage in (first, second))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.partition(".")[0] for name in changed} == {"connector", "language"}
    assert all("lora_" in name for name in changed if name.startswith("language"))


@pytest.mark.parametrize("deeplens", [DeepLensConfig(layers=(2,), width=16, heads=2), None])
def test_a_saved_model_gets_another_deeplens(tmp_path: Path, deeplens: DeepLensConfig | None) -> None:
    """One stage 1 for all rows of an ablation; an imported model has no DeepLens yet."""
    saved = toy_model(deeplens=deeplens)
    saved.save_pretrained(tmp_path)
    recipe = Recipe(model=ModelSource(start=str(tmp_path), config={"deeplens": CONFIG["deeplens"]}))
    model = first_model(recipe, None)
    assert model.config.deeplens.layers == (1, 2)
    for name, weight in saved.state_dict().items():
        if not name.startswith("deeplens."):
            assert torch.equal(weight, model.state_dict()[name])
    recipe.model.config = {"connector": {"hidden": 99}}
    with pytest.raises(UserError, match=r"may change only the deeplens"):
        first_model(recipe, None)
    recipe.model.config = {"deeplens": {**CONFIG["deeplens"], "layers": [3]}}
    with pytest.raises(UserError, match=r"keeps tower layers up to 2, not layer 3"):
        first_model(recipe, None)
    recipe.model.config = {}
    assert first_model(recipe, None).config == saved.config


def test_only_the_tower(tmp_path: Path) -> None:
    recipe = Recipe(model=ModelSource(vision_tower=str(save_tower(tmp_path / "tower", "clip"))))
    towers, config = first_tower(recipe, [1, 3])
    theirs = CLIPVisionModel.from_pretrained(tmp_path / "tower").eval()
    pixels = torch.randn(1, 3, 28, 28)
    with torch.no_grad():
        hidden = theirs(pixels, output_hidden_states=True).hidden_states
        ours = towers.eval()(pixels, (1, 3))
    torch.testing.assert_close(ours.layers[3], hidden[3][:, 1:], atol=1e-5, rtol=1e-4)
    assert config.image.size == 28
    with pytest.raises(UserError, match="do not all exist in a tower of 3 layers"):
        first_tower(recipe, [4])


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    language = str(save_language(tmp_path / "lm", "opt"))
    with pytest.raises(UserError, match=r"model\.vision_tower: .*lm is of kind opt, not one of clip"):
        from_parts(ModelSource(vision_tower=language, language_model=language))
    with pytest.raises(UserError, match=r"model\.vision_tower: .*none is neither"):
        from_parts(ModelSource(vision_tower=str(tmp_path / "none"), language_model=str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deeplens": {"width": -8}}, "model.config of the recipe: no network has these sizes"),
        (
            {"deeplens": {"heads": 3}},
            "model.config of the recipe: 3 attention heads cannot share 16 channels",
        ),
        ({"connector": {"hidden": 10**12}}, "model.config of the recipe: no network has these sizes"),
        ({"language": {"lora": {"rank": 0}}}, "model.config of the recipe: no network has these sizes"),
        (
            {"language": {"sizes": {"ffn_dim": 99}}},
            r"model.config of the recipe does not fit .*fc1.weight has",
        ),
        ({"image": {"size": datetime.date(2026, 1, 1)}}, "image: size: expected int, got '2026-01-01'"),
    ],
)
def test_impossible_sizes_are_one_sentence(tmp_path: Path, change: dict, message: str) -> None:
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "tower", "clip")),
        language_model=str(save_language(tmp_path / "lm", "opt")),
        config={part: {**CONFIG.get(part, {}), **change.get(part, {})} for part in {**CONFIG, **change}},
    )
    with pytest.raises(UserError, match=message):
        from_parts(source)
    if "deeplens" in change:
        toy_model().save_pretrained(tmp_path / "saved")
        with pytest.raises(UserError, match=r"model\.config of the recipe: "):
            first_model(Recipe(model=ModelSource(start=str(tmp_path / "saved"), config=change)), None)


def test_one_size_of_a_part_can_be_changed(tmp_path: Path) -> None:
    """OPT's dropout, say; its other sizes stay those of the folder."""
    source = ModelSource(
        vision_tower=str(save_tower(tmp_path / "tower", "clip")),
        language_model=str(save_language(tmp_path / "lm", "opt")),
        config=CONFIG | {"language": {"sizes": {"dropout": 0.0}}},
    )
    sizes = from_parts(source).config.language.sizes
    assert (sizes["dropout"], sizes["hidden_size"]) == (0.0, 24)
