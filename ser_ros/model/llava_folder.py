"""Files of a LLaVA or CLIP folder, read without running any code from them."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ser_ros.errors import UserError
from ser_ros.model.checkpoint import read_safetensors


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UserError: no such file, not JSON, or no object.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error})") from None
    if not isinstance(raw, dict):
        raise UserError(f"{path} holds no JSON object")
    return raw


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder, from safetensors where there are both kinds, as transformers takes them.

    Raises:
        UserError: no weights, a shard that the index names is missing, damage, or a pickle with code in it.
    """
    weights: dict[str, Tensor] = {}
    for file in weight_files(folder):
        weights.update(read_safetensors(file) if file.suffix == ".safetensors" else _read_bin(file))
    if not weights:
        raise UserError(f"{folder} has neither model.safetensors nor pytorch_model.bin, whole or in shards")
    return weights


def weight_files(folder: Path) -> list[Path]:
    """The file or the shards that hold a folder's weights; empty where it has none.

    Raises:
        UserError: an index names no weight files of the folder.
    """
    for name in ("model.safetensors", "pytorch_model.bin"):
        index = folder / f"{name}.index.json"
        if index.is_file():
            shards = read_object(index).get("weight_map")
            if not isinstance(shards, dict) or not all(Path(str(s)).name == s for s in shards.values()):
                raise UserError(f"{index} names no weight files of its folder")
            return [folder / shard for shard in sorted(set(shards.values()))]
        if (folder / name).is_file():
            return [folder / name]
    return []


def _read_bin(path: Path) -> dict[str, Tensor]:
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path} is missing") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        first = str(error).strip().splitlines()[:1]
        raise UserError(
            f"{path} cannot be read as plain weights ({first[0] if first else 'empty file'})"
        ) from None
    if not isinstance(loaded, dict):
        raise UserError(f"{path} holds no weights")
    return {name: weight for name, weight in loaded.items() if isinstance(weight, Tensor)}
