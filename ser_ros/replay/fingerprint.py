"""Whether a recording and a model are still those that an earlier run was made of."""

from __future__ import annotations

import hashlib
from pathlib import Path

NOTES = {".json", ".yaml"}  # truth and metadata may change beside a recording
BLOCK = 1 << 20  # bytes read at a time


def recording_bytes(path: Path) -> int:
    """Size of a recording: of its file, or of the storage files or images in its folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(p.stat().st_size for p in path.iterdir() if p.is_file() and p.suffix not in NOTES)


def model_digest(folder: Path) -> str:
    """SHA-256 over the files of a model folder, its model card left out; about a second for 1 GB."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix != ".md"):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()
