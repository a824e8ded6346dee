"""Turn a LLaVA-OPT folder, as the paper's authors publish their weights, into our checkpoint folder.

Their folder has `config.json` with `model_type: llava_opt`, weights under `model.decoder.*`,
`model.mm_projector.*`, `lm_head.weight` and sometimes `model.vision_tower.*`, and OPT's tokenizer files.
The vision tower is the CLIP folder that `mm_vision_tower` names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPVisionConfig, OPTConfig

from ser_ros.errors import UserError
from ser_ros.model.checkpoint import check_weights, no_weights, refusals
from ser_ros.model.config import ConnectorConfig, ImageConfig, LanguageConfig, Prompt, SerConfig, TowerConfig
from ser_ros.model.config_json import build
from ser_ros.model.llava_folder import read_object, read_weights, weight_files
from ser_ros.model.llava_tokenizer import read_tokenizer
from ser_ros.model.ser_model import SerModel
from ser_ros.model.tokenizer import CaptionTokenizer

# Keys of their config.json that size the language model, and of CLIP's that size the tower.
_OPT_SIZES = frozenset(
    {"vocab_size", "hidden_size", "num_hidden_layers", "ffn_dim", "max_position_embeddings"}
    | {"do_layer_norm_before", "_remove_final_layer_norm", "word_embed_proj_dim", "dropout", "layerdrop"}
    | {"attention_dropout", "num_attention_heads", "activation_function", "enable_bias", "pad_token_id"}
    | {"layer_norm_elementwise_affine", "tie_word_embeddings"}
)
_CLIP_SIZES = frozenset(
    {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size"}
    | {"patch_size", "hidden_act", "layer_norm_eps", "num_channels"}
)

_WORDS = "model.decoder.embed_tokens.weight"

# Our names of weights begin so, theirs so.
_NAMES = {
    "language.decoder.": "model.decoder.",
    "language.lm_head.": "lm_head.",
    "connector.": "model.mm_projector.",
    "vision.towers.0.embeddings.": "vision_model.embeddings.",
    "vision.towers.0.pre_norm.": "vision_model.pre_layrnorm.",
    "vision.towers.0.layers.": "vision_model.encoder.layers.",
}

# transformers 4 puts `vision_model.` into the names of a CLIP tower, transformers 5 does not.
_TOWER = re.compile(r"(?:model\.vision_tower\.vision_tower\.)?(?:vision_model\.)?")


@dataclass(frozen=True)
class Imported:
    """What came in: the model, where its tower came from, and tensors that have no place in it."""

    model: SerModel
    tower: str
    left_out: list[str]


def import_llava(folder: str | Path, vision_tower: str | Path | None = None) -> Imported:
    """Read a LLaVA-OPT folder as the authors' own loader does.

    Args:
        folder: the authors' checkpoint.
        vision_tower: CLIP folder; None takes the one that its config names, or the tower inside the
            checkpoint where that folder is not there.

    Raises:
        UserError: a file is missing or damaged, or the folder is of another model type.
    """
    folder = Path(folder).expanduser()
    file = folder / "config.json"
    raw = read_object(file)
    _check_kind(folder, raw)
    weights = read_weights(folder)
    words = weights.get(_WORDS)
    if words is None:
        raise UserError(f"the model in {folder} lacks tensor {_WORDS}")
    spoken = read_tokenizer(folder, raw, len(words))
    inside = {name: weight for name, weight in weights.items() if name.startswith("model.vision_tower.")}
    text = {name: weight for name, weight in weights.items() if name not in inside}
    sizes, image, tower, source = _tower(folder, raw, inside, vision_tower)
    config = SerConfig(
        image=image,
        towers=(TowerConfig(kind="clip", sizes=sizes),),
        connector=_connector(raw, text, int(sizes["num_hidden_layers"]), file),
        deeplens=None,
        language=LanguageConfig(
            kind="opt", sizes=_sizes(OPTConfig, raw, _OPT_SIZES, file), bos=spoken.bos, eos=spoken.eos
        ),
        prompts={"default": _prompt(raw), "plain": SerConfig().prompts["plain"]},
    )
    config = SerConfig.from_json(config.to_json(), str(file))
    with no_weights(), refusals(file):
        model = SerModel(config, CaptionTokenizer(spoken.tokenizer, config))
    left_out = _fill(model, {**text, **tower}, folder)
    return Imported(model.eval().requires_grad_(False), source, left_out)


def _check_kind(folder: Path, raw: dict[str, Any]) -> None:
    if raw.get("model_type") != "llava_opt":
        raise UserError(
            f"{folder} is a {raw.get('model_type')!r} model; only llava_opt folders can be imported"
        )
    for key, known in (
        ("mm_vision_select_feature", "patch"),
        ("mm_vision_s2", False),
        ("detr_pre_caption_input", False),
    ):
        if raw.get(key, known) != known:
            raise UserError(f"{folder}/config.json has {key} {raw[key]!r}; only {known!r} can be imported")
    for key in ("mm_vision_tower", "mm_vision_select_layer"):
        if "," in str(raw.get(key)):
            raise UserError(f"{folder}/config.json has several of {key}; only one can be imported")


def _sizes(kind: type, raw: Any, keys: frozenset[str], file: Path) -> dict[str, Any]:
    """Their sizes; those they left out, as transformers does for its own defaults, filled in."""
    if not isinstance(raw, dict):
        raise UserError(f"{file} has vision_config {raw!r}; it must be an object of sizes")
    with refusals(file):
        full = kind(**{key: raw[key] for key in keys if key in raw}).to_dict()
    return {key: full[key] for key in sorted(keys) if key in full}


def _prompt(raw: dict[str, Any]) -> Prompt:
    """The authors' `opt` template; LLaVA can put start and end tokens around the image."""
    prompt = Prompt()
    if raw.get("mm_use_im_start_end"):
        image = "<im_start><image><im_end>"
        refine = prompt.refine.replace("<image>", image) if prompt.refine else None
        return Prompt(glance=prompt.glance.replace("<image>", image), refine=refine)
    return prompt


def _tower(
    folder: Path, raw: dict[str, Any], inside: dict[str, Tensor], given: str | Path | None
) -> tuple[dict[str, Any], ImageConfig, dict[str, Tensor], str]:
    """Sizes, preprocessing and weights of the vision tower, and where they came from."""
    named = str(raw.get("mm_vision_tower") or "")
    # The authors' loader pads only where the config says so; their training script does.
    fit = "pad" if raw.get("image_aspect_ratio") == "pad" else "crop"
    place = Path(given).expanduser() if given is not None else _find(folder, named)
    if place is None:
        if not inside or "clip-vit-large-patch14-336" not in named:
            raise UserError(
                f"the vision tower {named!r} is not in {folder}; give its folder with --vision-tower"
            )
        return TowerConfig().sizes, ImageConfig(fit=fit), _clip_names(inside), "the checkpoint"
    file = place / "config.json"
    config = read_object(file)
    if config.get("model_type") not in ("clip", "clip_vision_model"):
        raise UserError(f"{place} is a {config.get('model_type')!r} model; the vision tower must be CLIP")
    sizes = _sizes(CLIPVisionConfig, config.get("vision_config", config), _CLIP_SIZES, file)
    image = build(ImageConfig, {"size": sizes["image_size"], "fit": fit}, str(file))
    recipe = place / "preprocessor_config.json"
    if recipe.is_file():
        processor = read_object(recipe)
        statistics = {
            key: processor[f"image_{key}"] for key in ("mean", "std") if f"image_{key}" in processor
        }
        image = build(ImageConfig, {"size": image.size, "fit": fit, **statistics}, str(recipe))
    # Their loader takes the tower in the checkpoint only where it was trained with the rest.
    if inside and given is None and (raw.get("unfreeze_mm_vision_tower") or not weight_files(place)):
        return sizes, image, _clip_names(inside), "the checkpoint"
    return sizes, image, _clip_names(read_weights(place)), str(place)


def _find(folder: Path, named: str) -> Path | None:
    """The CLIP folder a config names: as it stands, or beside or inside the checkpoint."""
    for place in (Path(named), folder / named, folder.parent / named, folder.parent / Path(named).name):
        if named and (place / "config.json").is_file():
            return place
    return None


def _clip_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of CLIP's vision model under one prefix."""
    return {f"vision_model.{_TOWER.sub('', name, count=1)}": weight for name, weight in weights.items()}


def _connector(raw: dict[str, Any], weights: dict[str, Tensor], layers: int, file: Path) -> ConnectorConfig:
    """Their projector: a linear layer is called `identity`, the others by their depth."""
    kind = str(raw.get("mm_projector_type"))
    if kind != "identity" and not re.fullmatch(r"mlp[2-9]x(_bott\d+x)?_gelu", kind):
        raise UserError(f"a projector {kind!r} cannot be imported; MLPs (mlp4x_bott4x_gelu) can")
    first = weights.get(f"model.mm_projector.{'weight' if kind == 'identity' else '0.weight'}")
    if first is None:
        raise UserError("the checkpoint lacks tensor model.mm_projector.0.weight; it is not a LLaVA model")
    select = raw.get("mm_vision_select_layer", -2)
    try:
        select = int(select)
    except (TypeError, ValueError):
        raise UserError(f"{file} has mm_vision_select_layer {select!r}; it must be a whole number") from None
    layer = select if select >= 0 else layers + 1 + select
    return ConnectorConfig(
        kind="linear" if kind == "identity" else kind, layers=(layer,), hidden=int(first.shape[0])
    )


def _fill(model: SerModel, theirs: dict[str, Tensor], folder: Path) -> list[str]:
    """Give the model its weights; names of text or projector tensors it has no place for."""
    expected = {_their_name(name): weight for name, weight in model.state_dict().items()}
    # A tied head, layers above the highest that is read and CLIP's last norm are not part of our model.
    needless = ("vision_model.", *(["lm_head."] if model.language.lm_head is None else []))
    left_out = sorted(set(theirs) - set(expected))
    left_out = [name for name in left_out if not name.startswith(needless)]
    ours = ("model.decoder.", "model.mm_projector.")
    check_weights(
        {name: weight for name, weight in theirs.items() if name in expected or name.startswith(ours)},
        expected,
        folder,
    )
    # One dtype for all, the widest of the two folders: nothing is rounded.
    dtype = reduce(torch.promote_types, {theirs[name].dtype for name in expected})
    model.load_state_dict(
        {name: theirs[_their_name(name)].to(dtype) for name in model.state_dict()}, assign=True
    )
    return left_out


def _their_name(name: str) -> str:
    mine = next(prefix for prefix in _NAMES if name.startswith(prefix))
    return _NAMES[mine] + name.removeprefix(mine)
