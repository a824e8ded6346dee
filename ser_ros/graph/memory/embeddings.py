"""Vectors of names, for names that WordNet does not connect. Optional: extra [embed].

The memory needs only the protocol `Embedder`; the one that ships runs all-MiniLM-L6-v2 from a local
folder with sentence-transformers. It never asks a hub, and it runs no weights but the ones whose
SHA-256 is written here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from ser_ros.errors import UserError

# SHA-256 of model.safetensors of sentence-transformers/all-MiniLM-L6-v2.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Embedder(Protocol):
    """Turns texts into vectors whose scalar product says how close their meanings are."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the texts, float32 [N, D]."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2 from a folder, on the CPU."""

    def __init__(self, folder: str | os.PathLike[str]):
        """Check and load the weights (seconds: it imports torch).

        Raises:
            UserError: no such folder, other weights than the known ones, or no sentence-transformers.
        """
        check_weights(Path(folder))
        try:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise UserError("embeddings need sentence-transformers; pip install 'ser_ros[embed]'") from error
        self._model = SentenceTransformer(os.fspath(folder), device="cpu", local_files_only=True)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors of the texts, float32 [N, 384]."""
        return np.asarray(
            self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False), np.float32
        )


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
