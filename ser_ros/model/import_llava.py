"""Turn a LLaVA-OPT folder, as the paper's authors publish their weights, into our checkpoint folder.

Their folder has `config.json` with `model_type: llava_opt`, weights under `model.decoder.*`,
`model.mm_projector.*`, `lm_head.weight` and sometimes `model.vision_tower.*`, and OPT's tokenizer files.
The vision tower is else the CLIP folder that `mm_vision_tower` names.
"""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import CLIPVisionConfig, OPTConfig

from ser_ros.errors import UserError
from ser_ros.model.checkpoint import no_weights
from ser_ros.model.config import ConnectorConfig, ImageConfig, LanguageConfig, Prompt, SerConfig, TowerConfig
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

# The places of linear layers in their nn.Sequential -> our kind of connector.
_PROJECTORS = {(0, 2, 4, 5): "mlp4x_bott4x_gelu", (0, 2): "mlp2x_gelu", (): "linear"}

# transformers 4 puts `vision_model.` into the names of a CLIP tower, transformers 5 does not.
_TOWER = re.compile(r"(?:.*vision_tower\.)?(?:vision_model\.)?(.*)")


@dataclass(frozen=True)
class Imported:
    """What came in: the model, where its tower came from, and tensors that have no place in it."""

    model: SerModel
    tower: str
    left_out: list[str]


def import_llava(folder: str | Path, vision_tower: str | Path | None = None) -> Imported:
    """Read a LLaVA-OPT folder.

    Args:
        folder: the authors' checkpoint.
        vision_tower: CLIP folder; None takes the tower inside the checkpoint, or the one its config names.

    Raises:
        UserError: a file is missing or damaged, or the folder is of another model type.
    """
    folder = Path(folder).expanduser()
    raw = _json(folder / "config.json")
    if raw.get("model_type") != "llava_opt":
        raise UserError(
            f"{folder} is a {raw.get('model_type')!r} model; only llava_opt folders can be imported"
        )
    weights = _weights(folder)
    inside = {_tower_name(name): weight for name, weight in weights.items() if "vision_tower." in name}
    sizes, image, tower_weights, source = _tower(folder, raw, inside, vision_tower)
    connector, connector_weights = _connector(weights, raw, int(sizes["num_hidden_layers"]))
    config = SerConfig(
        image=image,
        towers=(TowerConfig(kind="clip", sizes=sizes),),
        connector=connector,
        deeplens=None,
        language=LanguageConfig(
            kind="opt",
            sizes=_sizes(OPTConfig, raw, _OPT_SIZES),
            bos=int(raw.get("bos_token_id", 2)),
            eos=int(raw.get("eos_token_id", 2)),
        ),
        prompts={"default": _prompt(raw), "plain": SerConfig().prompts["plain"]},
    )
    config.check(str(folder / "config.json"))
    tokenizer = _tokenizer(folder, config)
    with no_weights():
        model = SerModel(config, tokenizer)
    ours = {
        **_tower_names(tower_weights),
        **connector_weights,
        **{
            name.replace("model.decoder.", "language.decoder.", 1): weight
            for name, weight in weights.items()
            if name.startswith("model.decoder.")
        },
    }
    if model.language.lm_head is not None and "lm_head.weight" in weights:
        ours["language.lm_head.weight"] = weights["lm_head.weight"]
    _fill(model, ours, folder)
    used = ("model.decoder.", "model.mm_projector.", "lm_head.", "model.vision_tower.")
    left_out = sorted(name for name in weights if not name.startswith(used))
    return Imported(model.eval().requires_grad_(False), source, left_out)


def _fill(model: SerModel, ours: dict[str, Tensor], folder: Path) -> None:
    expected = model.state_dict()
    # Layers above the highest that is read, and CLIP's last norm, are not part of our tower.
    ours = {
        name: weight for name, weight in ours.items() if name in expected or not name.startswith("vision.")
    }
    for problem, names in (("lacks", set(expected) - set(ours)), ("has unknown", set(ours) - set(expected))):
        if names:
            raise UserError(f"the model in {folder} {problem} tensors, the first is {min(names)}")
    for name, weight in ours.items():
        if weight.shape != expected[name].shape:
            raise UserError(
                f"tensor {name} in {folder} is {list(weight.shape)}; "
                f"its config.json says {list(expected[name].shape)}"
            )
    # One dtype for all: that of the language model.
    dtype = ours["language.decoder.embed_tokens.weight"].dtype
    model.load_state_dict({name: weight.to(dtype) for name, weight in ours.items()}, assign=True)


def _json(path: Path) -> dict[str, Any]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error})") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path} holds no JSON object")
    return raw


def _weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of safetensors files, or of .bin files read without running any code from them."""
    for pattern, read in (("*.safetensors", _read_safetensors), ("pytorch_model*.bin", _read_bin)):
        files = sorted(folder.glob(pattern))
        if files:
            weights: dict[str, Tensor] = {}
            for file in files:
                weights.update(read(file))
            return weights
    raise UserError(f"{folder} has neither *.safetensors nor pytorch_model*.bin")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error})") from None


def _read_bin(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[:1]
        raise UserError(
            f"{path} cannot be read as plain weights ({first[0] if first else 'empty file'})"
        ) from None
    if not isinstance(loaded, dict):
        raise UserError(f"{path} holds no weights")
    return {name: weight for name, weight in loaded.items() if isinstance(weight, Tensor)}


def _sizes(kind: type, raw: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """Their sizes; those they left out, as transformers does for its own defaults, filled in."""
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
    place = Path(given) if given is not None else _find(folder, named)
    if place is None:
        if not inside or "clip-vit-large-patch14-336" not in named:
            raise UserError(
                f"the vision tower {named!r} is not in {folder}; give its folder with --vision-tower"
            )
        return TowerConfig().sizes, ImageConfig(), inside, "the checkpoint"
    config = _json(place / "config.json")
    if config.get("model_type") not in ("clip", "clip_vision_model"):
        raise UserError(f"{place} is a {config.get('model_type')!r} model; the vision tower must be CLIP")
    sizes = _sizes(CLIPVisionConfig, config.get("vision_config", config), _CLIP_SIZES)
    fit = "pad" if raw.get("image_aspect_ratio", "pad") == "pad" else "crop"
    image = ImageConfig(size=int(sizes["image_size"]), fit=fit)
    if (place / "preprocessor_config.json").is_file():
        processor = _json(place / "preprocessor_config.json")
        image = ImageConfig(
            size=image.size,
            mean=tuple(processor.get("image_mean", image.mean)),
            std=tuple(processor.get("image_std", image.std)),
            fit=fit,
        )
    if inside:
        return sizes, image, inside, "the checkpoint"
    outer = {_tower_name(name): weight for name, weight in _weights(place).items()}
    return sizes, image, outer, str(place)


def _find(folder: Path, named: str) -> Path | None:
    """The CLIP folder a config names: absolute, or beside or inside the checkpoint."""
    for place in (Path(named), folder / named, folder.parent / Path(named).name):
        if named and (place / "config.json").is_file():
            return place
    return None


def _tower_name(name: str) -> str:
    match = _TOWER.match(name)
    return match[1] if match else name


def _tower_names(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names inside CLIP to names inside our tower; text towers and norms we do not read fall away."""
    renames = {"embeddings.": "embeddings.", "pre_layrnorm.": "pre_norm.", "encoder.layers.": "layers."}
    ours = {}
    for name, weight in weights.items():
        for theirs, mine in renames.items():
            if name.startswith(theirs) and not name.endswith("position_ids"):
                ours[f"vision.towers.0.{mine}{name.removeprefix(theirs)}"] = weight
    return ours


def _connector(
    weights: dict[str, Tensor], raw: dict[str, Any], layers: int
) -> tuple[ConnectorConfig, dict[str, Tensor]]:
    """Their projector by the places of its linear layers."""
    prefix = "model.mm_projector."
    inner = {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}
    if not inner:
        raise UserError("the checkpoint has no model.mm_projector tensors; it is not a LLaVA model")
    places = tuple(sorted({int(name.split(".")[0]) for name in inner if name[0].isdigit()}))
    if places not in _PROJECTORS:
        raise UserError(
            f"a projector with linear layers at {places} is not known ({raw.get('mm_projector_type')!r})"
        )
    first = inner.get("0.weight", inner.get("weight"))
    if first is None:
        raise UserError("the checkpoint lacks tensor model.mm_projector.0.weight")
    select = int(raw.get("mm_vision_select_layer", -2))
    layer = select if select >= 0 else layers + 1 + select
    config = ConnectorConfig(kind=_PROJECTORS[places], layers=(layer,), hidden=int(first.shape[0]))
    return config, {f"connector.{name}": weight for name, weight in inner.items()}


def _tokenizer(folder: Path, config: SerConfig) -> CaptionTokenizer:
    """`tokenizer.json` if there, else byte-level BPE from OPT's vocab.json and merges.txt."""
    if (folder / "tokenizer.json").is_file():
        return CaptionTokenizer.load(folder, config)
    vocab, merges = folder / "vocab.json", folder / "merges.txt"
    if not (vocab.is_file() and merges.is_file()):
        raise UserError(f"{folder} has neither tokenizer.json nor vocab.json with merges.txt")
    try:
        tokenizer = Tokenizer(models.BPE.from_file(str(vocab), str(merges)))
    except Exception as error:  # the library raises plain Exception
        raise UserError(f"{vocab} and {merges.name} cannot be read ({error})") from None
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    ids = {index: text for text, index in tokenizer.get_vocab().items()}
    special = [ids[index] for index in (config.language.bos, config.language.eos) if index in ids]
    special += [text for text in ("<s>", "<pad>", "</s>", "<unk>") if tokenizer.token_to_id(text) is not None]
    tokenizer.add_special_tokens(
        [AddedToken(text, special=True, normalized=False) for text in dict.fromkeys(special)]
    )
    added = folder / "added_tokens.json"
    if added.is_file():
        tokenizer.add_tokens(sorted(_json(added), key=_json(added).__getitem__))
    return CaptionTokenizer(tokenizer, config)
