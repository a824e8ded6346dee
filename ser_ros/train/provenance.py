"""What is needed to repeat a run: revision, versions, command, machine, time."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ser_ros import __version__


def provenance() -> dict[str, Any]:
    """Plain JSON types for `run.json`; `revision` is None outside a git checkout."""
    import torch
    import transformers

    return {
        "revision": _git("rev-parse", "HEAD") or None,
        "changed_files": len(_git("status", "--porcelain").splitlines()),
        "ser_ros": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {torch.cuda.device_count()} GPUs",
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "command": " ".join(sys.argv),
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _git(*words: str) -> str:
    here = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
