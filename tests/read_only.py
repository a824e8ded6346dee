"""Folders that one command finds mounted read-only, in a mount namespace of its own: root may write else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_NAMESPACE = ("unshare", "--map-root-user", "--mount")
_MOUNT = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && cd "$PWD" && shift && exec "$@"'


def read_only(folder: Path) -> list[str]:
    """What stands before a command that must not write to `folder`."""
    return [*_NAMESPACE, "sh", "-c", _MOUNT, "sh", str(folder)]


def _mounts() -> bool:
    tried = shutil.which("unshare") and subprocess.run(
        [*read_only(Path(__file__).parent), "true"], capture_output=True
    )
    return bool(tried) and tried.returncode == 0


needs_mounts = pytest.mark.skipif(
    not _mounts(), reason="mounts in a namespace of their own are not allowed here"
)
