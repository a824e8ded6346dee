"""A folder of transformers with a text encoder and its tokenizer, as BERTScore and CAPTURE take it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ser_ros.errors import UserError


def load_encoder(folder: Path, option: str) -> tuple[str, Any, Any]:
    """(device, tokenizer, model in evaluation mode on it), from the folder alone; `option` is what named it.

    Raises:
        UserError: torch or transformers is missing, or the folder holds no model with safe weights.
    """
    if not (folder / "config.json").is_file():
        raise UserError(f"{folder} is no model folder (no config.json); give {option} a local copy")
    try:
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModel, AutoTokenizer
    except ImportError:
        raise UserError("an encoder needs torch and transformers; pip install 'ser-ros[torch]'") from None
    device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        pickled = not list(folder.glob("*.safetensors")) and list(folder.glob("*.bin"))
        reason = (
            f"{pickled[0].name} may run code when loaded, save it as model.safetensors"
            if pickled
            else " ".join(str(error).split())[:200]
        )
        raise UserError(f"{option} {folder} holds no encoder that can be read: {reason}") from None
    return device, tokenizer, model.eval().to(device)
