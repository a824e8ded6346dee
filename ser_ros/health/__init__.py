"""What `ser_ros doctor` looks at: the machine, the captioning parts, ROS. Each check answers, none raises."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Literal

Status = Literal["ok", "warning", "missing"]


@dataclass(frozen=True)
class Check:
    """One row of the doctor's table.

    Attributes:
        name: what was looked at.
        status: "missing" also when it is there but cannot work.
        found: version, path, device.
        fix: what to do, in words; empty when nothing is to do.
        needed: without it the doctor's exit code is 1.
    """

    name: str
    status: Status
    found: str
    fix: str = ""
    needed: bool = False


def try_import(name: str) -> ModuleType | str | None:
    """The module, None where it is not installed, or the error in one line where it is broken."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        return None if error.name and name.startswith(error.name) else _line(error)
    except Exception as error:  # a broken installation raises anything: OSError, AttributeError, RuntimeError
        return _line(error)


def _line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
