"""What the program that started this build (pip, uv) was asked for, as far as its command line tells."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path

# Of `pip install`: it writes somewhere else, or nothing.
ELSEWHERE = {"-t", "--target", "--prefix", "--root", "--user", "--dry-run"}


def command_lines() -> list[list[str]]:
    """Words of the processes above this one that install or build wheels, nearest first."""
    process, found = os.getppid(), []
    while process > 1:
        try:
            words = Path(f"/proc/{process}/cmdline").read_text(errors="replace").split("\0")
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        if "install" in words or "wheel" in words:
            found.append(words)
    return found


def asked_extras() -> set[str]:
    """Names inside [...] of what is installed, as in `pip install '.[ros]'`."""
    extras: set[str] = set()
    for words in command_lines():
        for names in re.findall(r"^[^\[]*\[([\w\s,.-]+)\]$", "\n".join(words), re.MULTILINE):
            extras.update(name.strip() for name in names.split(","))
    return extras


def need_writable_environment() -> None:
    """End with a sentence before minutes are spent on downloads for an environment that is read-only."""
    if sys.prefix == sys.base_prefix:
        return  # no virtual environment: pip falls back to the user's own folder
    site = Path(sysconfig.get_path("purelib"))
    here = any(
        "install" in words and not ELSEWHERE & {word.split("=")[0] for word in words}
        for words in command_lines()
    )
    if here and not os.access(site, os.W_OK):
        raise SystemExit(
            f"ser_ros: cannot write to {site}: the environment is read-only or belongs to another user; "
            "make one of your own (python3 -m venv .venv)."
        )
