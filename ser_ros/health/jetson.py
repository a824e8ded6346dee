"""NVIDIA's boards: which one, whether JetPack is there, and how much of its speed the power mode allows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ser_ros.health import Check

MODEL = "proc/device-tree/model"
RELEASE = "etc/nv_tegra_release"


def checks(root: Path = Path("/")) -> list[Check]:
    """One row on a Jetson, none elsewhere.

    Args:
        root: folder that holds the `proc` and `etc` of the board.
    """
    board = model(root)
    if board is None:
        return []
    if not (root / RELEASE).exists():
        fix = "in a container, start it with --runtime nvidia"
        return [Check("Jetson", "warning", f"{board}, no JetPack", fix)]
    mode = _power_mode()
    if mode is None:
        return [Check("Jetson", "ok", board)]
    if not mode.startswith("MAXN"):
        fix = (
            "for full speed `sudo nvpmodel -m ID` with the ID of a MAXN mode in /etc/nvpmodel.conf, "
            "then `sudo jetson_clocks`"
        )
        return [Check("Jetson", "warning", f"{board}, power mode {mode}", fix)]
    return [Check("Jetson", "ok", f"{board}, power mode {mode}")]


def model(root: Path = Path("/")) -> str | None:
    """The board's name in its device tree, None where it is not one of NVIDIA's."""
    try:
        # the string ends with NUL
        name = (root / MODEL).read_text(errors="replace").strip("\0\n ")
    except OSError:
        return None
    return name if any(word in name.lower() for word in ("nvidia", "jetson")) else None


def _power_mode() -> str | None:
    """Name of the mode in force, None where nvpmodel is not there or does not tell."""
    program = shutil.which("nvpmodel")
    if program is None:
        return None
    try:
        asked = subprocess.run([program, "-q"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = (line.partition("NV Power Mode:")[2].strip() for line in asked.stdout.splitlines())
    return next((mode for mode in lines if mode), None)
