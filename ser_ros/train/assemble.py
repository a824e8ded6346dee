"""The model a run starts from: a checkpoint folder, or a tower and a language model of transformers."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ser_ros.errors import UserError
from ser_ros.model.checkpoint import refusals
from ser_ros.model.config import SerConfig
from ser_ros.model.ser_model import SerModel
from ser_ros.model.tokenizer import CaptionTokenizer
from ser_ros.model.vision_tower import VisionTowers
from ser_ros.train.recipe import ModelSource, Recipe

RECIPE = "model.config of the recipe"
"""What errors call the place of the sizes that a person wrote."""

KINDS = {
    "clip": "CLIPVisionModel",
    "siglip": "SiglipVisionModel",
    "siglip2": "Siglip2VisionModel",
    "dinov2": "Dinov2Model",
}
"""Vision towers, by their class in transformers."""


def first_model(recipe: Recipe, start: Path | None) -> SerModel:
    """The model of a stage in fp32 on the CPU, everything frozen.

    Args:
        recipe: `recipe.model` says what a run starts from.
        start: checkpoint folder of the stage before; None for the first stage.

    Raises:
        UserError: a folder that is missing or no model, parts that do not fit together.
    """
    if start is not None:
        return SerModel.from_pretrained(start, dtype="fp32")
    source = recipe.model
    model = _with_deeplens_of(source) if source.start else from_parts(source)
    return model.eval().requires_grad_(False)


def first_tower(recipe: Recipe, layers: Sequence[int]) -> tuple[VisionTowers, SerConfig]:
    """Only the vision towers of `first_model`, deep enough for these hidden states.

    Raises:
        UserError: as `first_model`, and for hidden states that a saved model has not kept.
    """
    if recipe.model.start:
        model = SerModel.from_pretrained(recipe.model.start, dtype="fp32")
        kept = max(model.config.buffer_layers)
        if max(layers) > kept:
            raise UserError(f"{recipe.model.start} keeps tower layers up to {kept}, not layer {max(layers)}")
        return model.vision, model.config
    found = _towers_found(recipe.model)
    top = min(int(tower["sizes"]["num_hidden_layers"]) for tower in found["towers"])
    if not all(0 <= layer <= top for layer in layers):
        raise UserError(f"layers {list(layers)} do not all exist in a tower of {top} layers")
    # Language model and connectors are not built: only what decides the towers matters.
    found["connector"] = {"layers": list(layers)}
    found["deeplens"] = None
    config = SerConfig.from_json(json.dumps(_merged(json.loads(SerConfig().to_json()), found)), "the tower")
    with refusals("the tower"):
        towers = VisionTowers(config)
    _load_towers(towers, recipe.model)
    return towers, config


def from_parts(source: ModelSource) -> SerModel:
    """Pretrained tower and language model, new connector and DeepLens (paper section 3, H.1).

    Raises:
        UserError: a part cannot be read, or the language model has no tokenizer.json.
    """
    from transformers import AutoConfig, AutoTokenizer

    found = _towers_found(source)
    language_config = _fetch(AutoConfig, source.language_model, "model.language_model")
    text = _fetch(AutoTokenizer, source.language_model, "model.language_model")
    if not text.is_fast:
        raise UserError(f"{source.language_model} has no tokenizer.json, which a ser_ros checkpoint needs")
    found["language"] = {
        "kind": language_config.model_type,
        "sizes": _sizes(language_config),
        # OPT starts with </s>; LLaMA with its own <s>.
        "bos": 2 if language_config.model_type == "opt" else text.bos_token_id,
        "eos": text.eos_token_id,
    }
    default = json.loads(SerConfig().to_json())
    config = _changed(_merged(default, found), source.config)
    with refusals(RECIPE):
        model = SerModel(config, CaptionTokenizer(text.backend_tokenizer, config))
    _load_towers(model.vision, source)
    _load_language(model, source.language_model)
    return model


def _with_deeplens_of(source: ModelSource) -> SerModel:
    """The saved model; where `model.config` has another DeepLens than it, a new one of that shape."""
    saved = SerModel.from_pretrained(source.start, dtype="fp32")
    config = _changed(json.loads(saved.config.to_json()), source.config)
    if config == saved.config:
        return saved
    if dataclasses.replace(config, deeplens=saved.config.deeplens) != saved.config:
        raise UserError(
            f"model.config may change only the deeplens of {source.start}: the other parts have learned"
        )
    kept = max(saved.config.buffer_layers)
    if max(config.buffer_layers) > kept:
        raise UserError(
            f"{source.start} keeps tower layers up to {kept}, not layer {max(config.buffer_layers)}"
        )
    assert saved.tokenizer is not None
    with refusals(RECIPE):
        model = SerModel(config, CaptionTokenizer(saved.tokenizer.tokenizer, config))
    weights = {
        name: weight for name, weight in saved.state_dict().items() if not name.startswith("deeplens.")
    }
    model.load_state_dict(weights, strict=False)
    return model


def _towers_found(source: ModelSource) -> dict[str, Any]:
    """What the folders of the towers say of image and sizes, as in config.json."""
    first, size = _tower_found(source.vision_tower, "model.vision_tower")
    image = {"size": size, **_statistics(source.vision_tower)}
    towers = [first]
    if source.second_tower:
        second, _ = _tower_found(source.second_tower, "model.second_tower")
        if second["kind"] == "dinov2":
            # Its position embeddings are made for pictures of any size; the first tower's size is used.
            second["sizes"]["image_size"] = size
        towers.append(second | _statistics(source.second_tower))
    return {"image": image, "towers": towers}


def _tower_found(name: str, parameter: str) -> tuple[dict[str, Any], int]:
    """Kind and sizes of one tower, and the side of its pictures."""
    from transformers import AutoConfig

    whole = _fetch(AutoConfig, name, parameter)
    config = getattr(whole, "vision_config", whole)
    kind = config.model_type.removesuffix("_model").removesuffix("_vision")
    if kind not in KINDS:
        raise UserError(f"{parameter}: {name} is of kind {kind}, not one of {', '.join(KINDS)}")
    sizes = _sizes(config)
    # SigLIP2 counts its patches instead of its pixels.
    side = sizes.get("image_size") or round(sizes["num_patches"] ** 0.5) * sizes["patch_size"]
    return {"kind": kind, "sizes": sizes}, int(side)


def _fetch(kind: Any, name: str, parameter: str) -> Any:
    try:
        return kind.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{parameter}: {name} is neither a transformers folder nor a model this machine can fetch "
            f"({str(error).splitlines()[0]})"
        ) from None


def _sizes(config: Any) -> dict[str, Any]:
    """What the config class of this kind has beyond every config, so that config.json stays short."""
    from transformers import PreTrainedConfig

    common = PreTrainedConfig().to_dict()
    values = config.to_dict()
    keys = [key for key in values if key not in common or key == "tie_word_embeddings"]
    skipped = {"model_type", "architectures", "transformers_version", "torch_dtype", "dtype"}
    # The tower decides these itself: it has neither a pooling head nor masked patches.
    skipped |= {"vision_use_head", "use_mask_token"}
    return {
        key: values[key]
        for key in keys
        if key not in skipped
        and isinstance(values[key], bool | int | float | str | dict)
        and values[key] is not None
    }


def _statistics(name: str) -> dict[str, Any]:
    """Mean and standard deviation of the pictures a tower was trained with, where its folder says so."""
    from transformers.image_processing_base import ImageProcessingMixin

    try:
        processor = ImageProcessingMixin.get_image_processor_dict(name)[0]
    except (OSError, ValueError):
        return {}
    return {"mean": processor["image_mean"], "std": processor["image_std"]}


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> SerConfig:
    """`base` with the changes of a recipe; a YAML value that JSON lacks, a date, is refused as text."""
    return SerConfig.from_json(json.dumps(_merged(base, changes, whole=""), default=str), RECIPE)


def _merged(base: dict[str, Any], changes: dict[str, Any], whole: str = "sizes") -> dict[str, Any]:
    """`base` with `changes`, mapping by mapping; `whole` is replaced as a whole, as sizes found anew are."""
    result = dict(base)
    for key, value in changes.items():
        inner = result.get(key)
        if isinstance(value, dict) and isinstance(inner, dict) and key != whole:
            result[key] = _merged(inner, value, whole)
        else:
            result[key] = value
    return result


def _load_towers(towers: VisionTowers, source: ModelSource) -> None:
    names = [source.vision_tower, source.second_tower]
    for tower, name in zip(towers.towers, names, strict=False):
        _load_tower(tower, name)


def _load_tower(tower: Any, name: str) -> None:
    import transformers

    kind = tower.config.kind
    whole = _fetch(getattr(transformers, KINDS[kind]), name, "a vision tower").float()
    whole = getattr(whole, "vision_model", whole)
    layers = whole.encoder.layer if kind == "dinov2" else whole.encoder.layers
    if kind == "dinov2":
        side = int(tower.config.sizes["image_size"])
        resized = whole.embeddings.interpolate_pos_encoding(tower.embeddings.position_embeddings, side, side)
        whole.embeddings.position_embeddings = nn.Parameter(resized.detach())
    _copy(tower.embeddings, whole.embeddings, name)
    if kind == "clip":
        _copy(tower.pre_norm, whole.pre_layrnorm, name)
    for mine, theirs in zip(tower.layers, layers, strict=False):  # the tower stops at the highest layer used
        _copy(mine, theirs, name)


def _load_language(model: SerModel, name: str) -> None:
    from transformers import AutoModelForCausalLM

    whole = _fetch(AutoModelForCausalLM, name, "model.language_model").float()
    decoder = whole.model.decoder if model.config.language.kind == "opt" else whole.model
    mine = model.language.decoder
    weights = decoder.state_dict()
    expected = mine.state_dict()
    if any("lora_" in key for key in expected):
        # peft puts each adapted layer's own weights under base_layer.
        weights = {_adapted(key, expected): value for key, value in weights.items()}
    _fit(mine, weights, name)
    missing, unknown = mine.load_state_dict(weights, strict=False)
    missing = [key for key in missing if "lora_" not in key]
    if missing or unknown:
        raise UserError(f"{name} does not fit the language model of the config: {[*missing, *unknown][:3]}")
    if model.language.lm_head is not None:
        _copy(model.language.lm_head, whole.lm_head, name)


def _adapted(key: str, expected: dict[str, torch.Tensor]) -> str:
    if key in expected:
        return key
    layer, _, leaf = key.rpartition(".")
    return f"{layer}.base_layer.{leaf}"


def _copy(mine: nn.Module, theirs: nn.Module, name: str) -> None:
    weights = {key: value for key, value in theirs.state_dict().items() if key in mine.state_dict()}
    missing = [key for key in mine.state_dict() if key not in weights]
    if missing:
        raise UserError(f"{name} lacks the weights {', '.join(missing[:3])}")
    _fit(mine, weights, name)
    mine.load_state_dict(weights)


def _fit(mine: nn.Module, weights: dict[str, torch.Tensor], name: str) -> None:
    for key, weight in mine.state_dict().items():
        if key in weights and weights[key].shape != weight.shape:
            raise UserError(
                f"{RECIPE} does not fit {name}: {key} has the sizes {list(weights[key].shape)} there, "
                f"not {list(weight.shape)}"
            )
