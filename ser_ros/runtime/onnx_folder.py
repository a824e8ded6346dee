"""The folder of ONNX graphs as both its writer and its reader know it (imports neither torch nor ONNX)."""

from __future__ import annotations

import json
from pathlib import Path

from ser_ros.errors import UserError

FORMAT = 5
"""Version of the files and of the graphs' inputs and outputs; a reader takes only its own."""

MANIFEST = "export.json"
EMBEDDINGS = "embeddings.npy"


def is_export(folder: Path) -> bool:
    """Whether a folder was written by `ser_ros export`."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: Path) -> dict:
    """What `export.json` says.

    Raises:
        UserError: no export, a damaged one, or one of another version.
    """
    if not folder.is_dir():
        raise UserError(f"there is no model folder {folder}")
    if not is_export(folder):
        raise UserError(f"{folder} has no ONNX graphs; make them with: ser_ros export {folder} OUT")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = manifest["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / MANIFEST} is damaged ({error}); export the model again") from None
    if version != FORMAT:
        raise UserError(f"{folder} has graphs of format {version}, not {FORMAT}; export the model again")
    return manifest
