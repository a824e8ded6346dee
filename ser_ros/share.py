"""Where the files lie that a package carries besides its modules: config/, launch/, package.xml."""

from __future__ import annotations

import os
import sys
from pathlib import Path

MARKER = Path("share/ament_index/resource_index/packages/ser_ros")


def install_prefix() -> Path | None:
    """The prefix ser_ros is installed in: one of AMENT_PREFIX_PATH, else this Python's."""
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    return next((Path(p) for p in prefixes if (Path(p) / MARKER).is_file()), None)


def share_path(relative: str) -> Path | None:
    """Path of a file such as "config/caption.yaml", in the source tree or as installed; None where absent."""
    tree = Path(__file__).resolve().parents[1]
    folders = [tree] if (tree / "package.xml").is_file() else []
    if prefix := install_prefix():
        folders.append(prefix / "share" / "ser_ros")
    return next((folder / relative for folder in folders if (folder / relative).exists()), None)
