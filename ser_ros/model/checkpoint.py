"""The checkpoint folder: config.json, model.safetensors (or shards with an index), tokenizer.json, README.md.

Nothing in it is executed: weights come from safetensors only, never from pickle.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ser_ros.errors import UserError, cannot_write
from ser_ros.model.config import SerConfig
from ser_ros.model.replace_files import finish, replacing
from ser_ros.model.ser_model import SerModel
from ser_ros.model.tokenizer import CaptionTokenizer

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
REFUSALS = (
    StrictDataclassError,  # a config of transformers: a value of the wrong kind, a width that no heads divide
    ValueError,  # SigLIP's attention and LoRA
    ZeroDivisionError,  # 0 heads, or the spread of weights of 0 channels
    RuntimeError,  # torch: a negative size, or one that no memory holds
    TypeError,  # torch: a size beyond 64 bits; LLaMA: a rope_theta that is no number
    KeyError,  # an activation that transformers does not know
    AssertionError,  # torch: a padding token beyond the vocabulary
)
"""How the parts of a network refuse sizes. All else, a lack of memory too, is no fault of `config.json`."""


def save(
    model: SerModel, folder: str | Path, *, card: str | None = None, shard_bytes: int = 5 * 10**9
) -> None:
    """Write a checkpoint folder.

    Args:
        model: with its tokenizer.
        folder: made if it is not there. An older checkpoint in it is replaced as a whole, at the end: it
            needs room beside the new one, and a process that dies leaves either of the two to be loaded.
        card: text of README.md (data, training command, scores); None keeps one that is there.
        shard_bytes: most bytes in one weights file.

    Raises:
        UserError: the model has no tokenizer, or the folder cannot be written.
    """
    if model.tokenizer is None:
        raise UserError("a model without tokenizer cannot be saved; give SerModel a CaptionTokenizer")
    folder = Path(folder)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    try:
        with replacing(folder, ["model*.safetensors", INDEX]) as new:
            (new / "config.json").write_text(model.config.to_json(), encoding="utf-8")
            model.tokenizer.save(new)
            if card is not None or not (folder / "README.md").exists():
                (new / "README.md").write_text(card or _card(model), encoding="utf-8")
            _save_weights(weights, new, shard_bytes)
    except OSError as error:
        raise cannot_write(folder, error) from None
    except SafetensorError as error:  # its words for an OSError; the smaller files were just written there
        raise UserError(f"cannot write {folder}: {error}; free some space on its disk") from None


def _card(model: SerModel) -> str:
    count = sum(weight.numel() for weight in model.parameters()) / 1e6
    return (
        f"# A ser_ros captioner of {count:.0f} M parameters\n\n"
        "No data, training command or scores were recorded when this folder was written.\n"
    )


def _save_weights(weights: dict[str, Tensor], folder: Path, shard_bytes: int) -> None:
    shards: list[dict[str, Tensor]] = [{}]
    used = 0
    for name, tensor in weights.items():
        size = tensor.numel() * tensor.element_size()
        if shards[-1] and used + size > shard_bytes:
            shards.append({})
            used = 0
        shards[-1][name] = tensor
        used += size
    if len(shards) == 1:
        save_file(shards[0], folder / WEIGHTS, metadata={"format": "pt"})
        return
    where = {}
    for number, shard in enumerate(shards, start=1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        where.update(dict.fromkeys(shard, name))
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}, indent=2), encoding="utf-8")


def load(
    path: str | Path, *, dtype: str | torch.dtype = "auto", device: str | torch.device = "cpu"
) -> SerModel:
    """Load a checkpoint folder, or a hub id if no such folder exists and a hub client is installed.

    Args:
        path: folder; a local one never touches the network.
        dtype: "auto" keeps the file's; "fp32", "bf16", "fp16" or a torch dtype.
        device: where the weights go.

    Returns:
        The model in evaluation mode with its tokenizer.

    Raises:
        UserError: folder or file missing, unsafe, damaged, or not fitting `config.json`.
    """
    folder = _local(path)
    try:
        finish(folder)
    except OSError as error:
        raise cannot_write(folder, error, "a model was saved there, but not to the end") from None
    config = SerConfig.load(folder)
    tokenizer = CaptionTokenizer.load(folder, config)
    weights = read_weights(folder)
    with no_weights(), refusals(folder / "config.json"):
        model = SerModel(config, tokenizer)
    check_weights(weights, dict(model.state_dict()), folder)
    if dtype != "auto":
        chosen = DTYPES.get(dtype) if isinstance(dtype, str) else dtype
        if chosen is None:
            raise UserError(f"no dtype {dtype!r}; there are auto, {', '.join(DTYPES)}")
        weights = {name: tensor.to(chosen) for name, tensor in weights.items()}
    model.load_state_dict(weights, assign=True)
    return model.to(device).eval().requires_grad_(False)


def _local(path: str | Path) -> Path:
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    text = str(path)
    if text.count("/") != 1 or text.startswith((".", "~", "/")):
        raise UserError(f"there is no model folder {folder}")
    try:
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(text, allow_patterns=["*.json", "*.safetensors", "README.md"]))
    except Exception as error:  # the client raises many kinds, offline and not found among them
        raise UserError(
            f"there is no model folder {folder} and no such model could be fetched ({type(error).__name__})"
        ) from None


_BUILDING = threading.Lock()


@contextmanager
def refusals(where: object) -> Iterator[None]:
    """Build modules from sizes that somebody wrote; `where` is what a UserError says of their place."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    except torch.OutOfMemoryError:
        raise
    except REFUSALS as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise UserError(f"{where}: no network has these sizes ({reason})") from error


@contextmanager
def no_weights() -> Iterator[None]:
    """Build modules with weights on the meta device but real buffers: nothing is allocated or initialised.

    Only in this thread: what others build meanwhile is theirs. A second thread that loads a model waits.
    """
    builder = threading.get_ident()

    def on_meta(module: nn.Module, name: str, weight: nn.Parameter | None) -> None:
        if weight is not None and threading.get_ident() == builder:
            weight = nn.Parameter(weight.to("meta"), requires_grad=weight.requires_grad)
        register(module, name, weight)

    with _BUILDING:
        register = nn.Module.register_parameter
        nn.Module.register_parameter = on_meta
        try:
            yield
        finally:
            nn.Module.register_parameter = register


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of `model.safetensors` or of the shards its index names.

    Raises:
        UserError: no weights, only pickled ones, a shard missing or outside the folder, or damage.
    """
    if (folder / INDEX).is_file():
        try:
            names = sorted(set(json.loads((folder / INDEX).read_text())["weight_map"].values()))
        except (ValueError, KeyError, AttributeError) as error:
            raise UserError(f"{folder / INDEX} is damaged ({error}); take the model folder anew") from None
        outside = [name for name in names if Path(name).name != name]
        if outside:
            raise UserError(f"{folder / INDEX} names files outside its folder: {outside[0]}")
    elif (folder / WEIGHTS).is_file():
        names = [WEIGHTS]
    else:
        unsafe = sorted(
            p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.pkl") for p in folder.glob(pattern)
        )
        if unsafe:
            raise UserError(
                f"{folder} has only {unsafe[0]}, which may run code when loaded; save it as {WEIGHTS}"
            )
        raise UserError(f"{folder} has no {WEIGHTS}; it is not a model folder")
    weights: dict[str, Tensor] = {}
    for name in names:
        weights.update(read_safetensors(folder / name))
    return weights


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of one file.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    except FileNotFoundError:
        raise UserError(f"{path} is missing; take the model folder anew") from None
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}); take the model folder anew") from None


def check_weights(weights: dict[str, Tensor], expected: dict[str, Tensor], folder: Path) -> None:
    """Raise UserError with the first tensors that are missing, unknown, of another shape or not finite."""
    for problem, names in (
        ("lacks", sorted(set(expected) - set(weights))),
        ("has unknown", sorted(set(weights) - set(expected))),
    ):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise UserError(f"the model in {folder} {problem} tensors {', '.join(names[:3])}{more}")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise UserError(
                f"tensor {name} in {folder} is {list(tensor.shape)}; "
                f"config.json says {list(expected[name].shape)}"
            )
        if not torch.isfinite(tensor).all():
            raise UserError(
                f"tensor {name} in {folder} has a value that is not finite; take an earlier checkpoint"
            )
