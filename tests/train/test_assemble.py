"""Starting from transformers folders: the weights are theirs, the forward pass is theirs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
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
    SiglipVisionConfig,
    SiglipVisionModel,
)

from ser_ros.errors import UserError
from ser_ros.model.ser_model import SerModel
from ser_ros.train.assemble import first_tower, from_parts
from ser_ros.train.recipe import ModelSource, Recipe, Source, pretrain, stage1
from ser_ros.train.run import run
from tests.train.toy_home import make_toy_home

TOWERS = {
    "clip": (CLIPVisionConfig, CLIPVisionModel),
    "siglip": (SiglipVisionConfig, SiglipVisionModel),
    "dinov2": (Dinov2Config, Dinov2Model),
}
SMALL = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "num_hidden_layers": 3,
    "image_size": 28,
    "patch_size": 14,
}
CONFIG = {
    "connector": {"layers": [2], "hidden": 24},
    "deeplens": {"layers": [1, 2], "width": 16, "depth": 1, "heads": 2, "ffn": 32, "max_caption": 16},
}


def save_tower(folder: Path, kind: str) -> Path:
    config_class, model_class = TOWERS[kind]
    extra = {} if kind == "dinov2" else {"intermediate_size": 32}
    torch.manual_seed(0)
    model_class(config_class(**SMALL, **extra)).save_pretrained(folder)
    return folder


def save_language(folder: Path, kind: str) -> Path:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        ["a red chair"], trainers.BpeTrainer(special_tokens=special, initial_alphabet=alphabet)
    )
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
    with torch.no_grad():
        hidden = theirs(pixels, output_hidden_states=True).hidden_states
    ours = model.see(pixels)
    skip = 0 if kind == "siglip" else 1
    for layer in (1, 2):
        torch.testing.assert_close(ours.layers[layer], hidden[layer][:, skip:], atol=1e-5, rtol=1e-4)


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
    with pytest.raises(UserError, match=r"model\.vision_tower: .*none is neither"):
        from_parts(ModelSource(vision_tower=str(tmp_path / "none"), language_model=str(tmp_path / "none")))
