"""The network: sizes of the paper, one buffer for both glances, training loss, frozen parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.checkpoint import no_weights
from ser_ros.model.config import (
    ConnectorConfig,
    DeepLensConfig,
    LanguageConfig,
    LoraConfig,
    SerConfig,
    TowerConfig,
)
from ser_ros.model.ser_model import SerModel
from tests.model.toys import toy_config, toy_model


def millions(module) -> float:
    return sum(weight.numel() for weight in module.parameters()) / 1e6


def test_paper_sizes():
    with no_weights():
        model = SerModel(SerConfig())
    first = millions(model.vision) + millions(model.connector) + millions(model.language)
    assert first == pytest.approx(450, rel=0.03)
    assert millions(model.deeplens) == pytest.approx(50, rel=0.15)
    assert millions(model.connector) == pytest.approx(24.4, rel=0.01)


def pixels(model, count=2, seed=0):
    rng = np.random.default_rng(seed)
    return model.preprocess([rng.integers(0, 256, (30 + i, 40, 3)).astype(np.uint8) for i in range(count)])


def test_the_buffer_is_what_transformers_computes():
    from transformers import CLIPVisionConfig, CLIPVisionModel

    model = toy_model()
    tower = model.vision.towers[0]
    whole = CLIPVisionModel(CLIPVisionConfig(**model.config.towers[0].sizes)).eval()
    whole.embeddings, whole.pre_layrnorm = tower.embeddings, tower.pre_norm
    for index, layer in enumerate(tower.layers):
        whole.encoder.layers[index] = layer
    with torch.no_grad():
        states = whole(pixels(model), output_hidden_states=True).hidden_states
    buffer = model.see(pixels(model))
    assert set(buffer.layers) == {1, 2}
    for index, state in buffer.layers.items():
        torch.testing.assert_close(state, states[index][:, 1:])


def test_layers_above_the_highest_are_not_built():
    model = toy_model()
    assert model.config.towers[0].sizes["num_hidden_layers"] == 3
    assert len(model.vision.towers[0].layers) == 2
    calls = []
    model.vision.towers[0].layers[1].register_forward_hook(lambda *_: calls.append(1))
    assert set(model.vision(pixels(model), (0, 1)).layers) == {0, 1}
    assert not calls


def test_a_reused_buffer_gives_what_a_new_one_gives():
    model = toy_model()
    images = [np.random.default_rng(0).integers(0, 256, (20, 20, 3)).astype(np.uint8)]
    initial, features = model.glance(images, max_tokens=10)
    again = model.refine(model.see(model.preprocess(images)), initial, max_tokens=10)
    assert model.refine(features, initial, max_tokens=10)[0].ids == again[0].ids
    described = model.describe(images, max_tokens=10)[0]
    assert described.initial == model.tokenizer.decode(initial[0].ids)
    assert described.refined == model.tokenizer.decode(again[0].ids)
    assert len(model.refine(features, ["a red chair"], max_tokens=10)) == 1


def test_more_refinements_repeat_the_second_glance():
    model = toy_model(2)
    images = [np.random.default_rng(1).integers(0, 256, (20, 20, 3)).astype(np.uint8)]
    caption, features = model.glance(images, max_tokens=10)
    for rounds in range(1, 5):
        caption = model.refine(features, caption, max_tokens=10)
        described = model.describe(images, max_tokens=10, refinements=rounds)[0]
        assert described.refined == model.tokenizer.decode(caption[0].ids)


def sample(model, caption: str, initial: str | None):
    tokens = model.tokenizer
    first = tokens.caption_ids(initial) if initial is not None else None
    prompt = tokens.glance_prompt() if first is None else tokens.refine_prompt(first)
    answer = tokens.answer_ids(caption)
    return prompt + answer, [-100] * len(prompt) + answer, first


@pytest.mark.parametrize("second", [False, True])
def test_the_loss_of_a_padded_batch_is_the_mean_over_all_answer_tokens(second):
    model = toy_model()
    captions = ["a red chair", "a cat relaxing on a brown chair next to a table"]
    initials = ["a blue chair", "a dog"] if second else [None, None]
    samples = [sample(model, c, i) for c, i in zip(captions, initials, strict=True)]
    px = pixels(model)
    total = count = 0.0
    for row, (ids, labels, first) in enumerate(samples):
        logits = model(
            torch.tensor([ids]),
            px[row : row + 1],
            initial_ids=None if first is None else torch.tensor([first]),
        ).logits
        answer = [label for label in labels if label != -100]
        predicted = logits[0, -len(answer) - 1 : -1].log_softmax(-1)
        total -= predicted[torch.arange(len(answer)), answer].sum().item()
        count += len(answer)
    width = max(len(ids) for ids, _, _ in samples)
    batch = {
        "input_ids": torch.tensor([ids + [2] * (width - len(ids)) for ids, _, _ in samples]),
        "labels": torch.tensor([labels + [-100] * (width - len(labels)) for _, labels, _ in samples]),
        "pixel_values": px,
    }
    if second:
        longest = max(len(first) for *_, first in samples)
        batch["initial_ids"] = torch.tensor([first + [0] * (longest - len(first)) for *_, first in samples])
        batch["initial_lengths"] = torch.tensor([len(first) for *_, first in samples])
    assert model(**batch).loss.item() == pytest.approx(total / count, rel=1e-4)
    cached = model(**{k: v for k, v in batch.items() if k != "pixel_values"}, features=model.see(px))
    assert cached.loss.item() == pytest.approx(total / count, rel=1e-4)


def test_merge_puts_the_vision_tokens_in_place():
    model = toy_model()
    vision = torch.randn(2, 4, 24)
    ids = torch.tensor([[2, -200, 5, 6], [2, 7, 8, -200]])
    merged = model.merge(ids, vision)
    assert merged.shape == (2, 7, 24)
    torch.testing.assert_close(merged[0, 1:5], vision[0])
    torch.testing.assert_close(merged[1, 3:], vision[1])
    torch.testing.assert_close(merged[0, 5:], model.language.embed(torch.tensor([5, 6])))


def test_stages_train_their_parts_only():
    model = toy_model()
    for parts, second in (
        ({"connector"}, False),
        ({"connector", "language"}, False),
        ({"deeplens", "language"}, True),
    ):
        model.train_only(parts)
        model.train().zero_grad()
        ids, labels, first = sample(model, "a red chair", "a cat" if second else None)
        model(
            torch.tensor([ids]),
            pixels(model, 1),
            torch.tensor([labels]),
            torch.tensor([first]) if second else None,
        ).loss.backward()
        for part in ("vision", "connector", "deeplens", "language"):
            moved = any(
                w.grad is not None and w.grad.abs().sum() > 0 for w in getattr(model, part).parameters()
            )
            assert moved == (part in parts), part
        assert not model.vision.training
    with pytest.raises(UserError, match="no model part head"):
        model.train_only({"head"})


LLAMA = LanguageConfig(
    kind="llama",
    sizes={
        "vocab_size": 400, "hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 256,
        "tie_word_embeddings": False,
    },
)  # fmt: skip


@pytest.mark.parametrize("language", [toy_config().language, LLAMA], ids=lambda language: language.kind)
def test_captioning_calls_transformers_as_this_version_wants_it(language, recwarn):
    """transformers 5.24 warned once an image that `past_key_values` is now called `cache`."""
    toy_model(language=language).describe([np.zeros((9, 9, 3), np.uint8)], max_tokens=5)
    assert not [str(warning.message) for warning in recwarn]


def test_lora_trains_adapters_only():
    model = toy_model(language=replace(LLAMA, lora=LoraConfig(rank=2, alpha=4)))
    model.train_only({"language"})
    training = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert training
    assert all("lora_" in name for name in training)
    described = model.describe([np.zeros((9, 9, 3), np.uint8)], max_tokens=5)
    assert isinstance(described[0].refined, str)


@pytest.mark.parametrize(
    "lens",
    [
        DeepLensConfig(layers=(2,), width=16, depth=1, heads=2, ffn=32),
        DeepLensConfig(layers=(1, 2), caption=False, width=16, depth=1, heads=2, ffn=32),
        DeepLensConfig(layers=(1, 2), structure="cross", width=16, depth=1, heads=2, ffn=32),
        DeepLensConfig(layers=(1, 2), structure="mlp", caption=False, width=16, depth=2, heads=2, ffn=32),
    ],
)
def test_deeplens_ablations(lens):
    """Table 3 and Table 10 (II): each input alone, and other structures; a batch is its rows."""
    model = toy_model(deeplens=lens)
    buffer = model.see(pixels(model))
    ids, lengths = torch.tensor([[5, 6, 7], [8, 0, 0]]), torch.tensor([3, 1])
    both = model.second_tokens(buffer, ids, lengths)
    assert both.shape == (2, 4, 24)
    alone = model.second_tokens(buffer.rows(slice(1, 2)), torch.tensor([[8]]))
    torch.testing.assert_close(both[1:], alone)
    empty = model.second_tokens(buffer, ids, torch.tensor([0, 0]))
    assert torch.isfinite(empty).all()
    changed = not torch.allclose(both, empty)
    assert changed == lens.caption


def test_deeplens_refuses_what_does_not_fit():
    with pytest.raises(UserError, match="reads no caption"):
        toy_model(deeplens=DeepLensConfig(layers=(1,), structure="mlp", width=16))
    with pytest.raises(UserError, match="no DeepLens structure"):
        toy_model(deeplens=DeepLensConfig(layers=(1,), structure="tree", width=16))
    model = toy_model(deeplens=None)
    image = [np.zeros((9, 9, 3), np.uint8)]
    assert model.describe(image, refinements=0, max_tokens=4)[0].flags.count("refinement_skipped") == 0
    with pytest.raises(UserError, match="no DeepLens"):
        model.describe(image, refinements=1)


TOWERS = {
    "siglip": {"image_size": 28, "patch_size": 14},
    "siglip2": {"num_patches": 4, "patch_size": 14},
    "dinov2": {"image_size": 28, "patch_size": 14, "mlp_ratio": 2},
}


@pytest.mark.parametrize("kind", TOWERS)
def test_other_towers(kind):
    """Table 8: the same model over other vision encoders, equal to transformers' own forward."""
    from transformers import (
        Dinov2Config,
        Dinov2Model,
        Siglip2VisionConfig,
        Siglip2VisionModel,
        SiglipVisionConfig,
        SiglipVisionModel,
    )

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, **TOWERS[kind]}
    if kind != "dinov2":
        sizes["intermediate_size"] = 48
    model = toy_model(towers=(TowerConfig(kind=kind, sizes=sizes),))
    px = pixels(model)
    tower = model.vision.towers[0]
    classes = {
        "siglip": (SiglipVisionConfig, SiglipVisionModel),
        "siglip2": (Siglip2VisionConfig, Siglip2VisionModel),
        "dinov2": (Dinov2Config, Dinov2Model),
    }
    config, whole = classes[kind]
    oracle = whole(config(**sizes)).eval()
    oracle.embeddings = tower.embeddings
    if kind == "dinov2":
        oracle.encoder.layer = tower.layers
    else:
        oracle.encoder.layers = tower.layers
    inputs = {"pixel_values": px}
    if kind == "siglip2":
        patches, grid = tower._patchify(px)
        inputs = {"pixel_values": patches, "pixel_attention_mask": torch.ones(2, 4), "spatial_shapes": grid}
    with torch.no_grad():
        states = oracle(**inputs, output_hidden_states=True).hidden_states
    buffer = model.see(px)
    for index, state in buffer.layers.items():
        torch.testing.assert_close(state, states[index][:, tower.class_tokens :])
    assert len(model.describe([np.zeros((9, 9, 3), np.uint8)], max_tokens=4)) == 1


def test_two_towers_side_by_side():
    clip = toy_config().towers[0]
    dino = TowerConfig(
        kind="dinov2", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),
        sizes={"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, **TOWERS["dinov2"]},
    )  # fmt: skip
    model = toy_model(towers=(clip, dino))
    px = pixels(model)
    buffer = model.see(px)
    assert buffer.layers[2].shape == (2, 4, 48)
    image = model.config.image
    plain = px * torch.tensor(image.std).view(3, 1, 1) + torch.tensor(image.mean).view(3, 1, 1)
    dinos = (plain - torch.tensor(dino.mean).view(3, 1, 1)) / torch.tensor(dino.std).view(3, 1, 1)
    alone = toy_model(towers=(replace(dino, mean=None, std=None),))
    alone.vision.towers[0].load_state_dict(model.vision.towers[1].state_dict())
    torch.testing.assert_close(buffer.layers[2][..., 32:], alone.see(dinos).layers[2], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "kind", ["mlp4x_bott4x_gelu", "mlp2x_gelu", "linear", "qformer", "perceiver", "bert"]
)
@pytest.mark.parametrize("layers", [(2,), (1, 2)])
def test_first_connectors(kind, layers):
    """Table 10 (I)."""
    model = toy_model(
        connector=ConnectorConfig(kind=kind, layers=layers, hidden=40, depth=1, heads=2, queries=3)
    )
    vision = model.first_tokens(model.see(pixels(model)))
    assert vision.shape == (2, 3 if kind in ("qformer", "perceiver") else 4, 24)
    assert len(model.describe([np.zeros((9, 9, 3), np.uint8)], max_tokens=4)) == 1


def test_a_language_model_that_attends_to_vision():
    """Table 10 (c): shut gates change nothing, open ones do; training, batches and beams work."""
    model = toy_model(connector=ConnectorConfig(kind="cross_attention", layers=(2,), heads=2))
    images = [np.random.default_rng(i).integers(0, 256, (20, 20, 3)).astype(np.uint8) for i in range(2)]
    blind = [d.initial for d in model.describe(images, refinements=0, max_tokens=8)]
    assert blind[0] == blind[1]
    with torch.no_grad():
        for cross in model.connector.looks:
            cross.gate.fill_(2.0)
    for beams in (1, 3):
        together = model.describe(images, beams=beams, max_tokens=8)
        alone = [model.describe([image], beams=beams, max_tokens=8)[0] for image in images]
        assert [d.refined for d in together] == [d.refined for d in alone]
    ids, labels, _ = sample(model, "a red chair", None)
    logits = model(torch.tensor([ids] * 2), pixels(model)).logits
    assert logits.shape[1] == len(ids) - 1
    assert not torch.allclose(logits[0], logits[1])
    model.train_only({"connector"})
    model(torch.tensor([ids]), pixels(model, 1), torch.tensor([labels])).loss.backward()
    assert all(cross.gate.grad is not None for cross in model.connector.looks)


def test_unknown_parts_are_named():
    with pytest.raises(UserError, match="no connector of kind"):
        toy_model(connector=ConnectorConfig(kind="magic", layers=(1,)))
    with pytest.raises(UserError, match="no vision tower of kind"):
        toy_model(towers=(replace(toy_config().towers[0], kind="resnet"),))
    with pytest.raises(UserError, match="no language model of kind"):
        toy_model(language=replace(toy_config().language, kind="mamba"))
