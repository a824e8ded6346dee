"""Our message definitions for `rosbags`, so that bags with captions are written without ROS."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError

MESSAGES = ("CaptionEdit", "Caption", "SceneObject", "SceneRelation", "SceneGraph")


@cache
def typestore() -> Any:
    """A rosbags typestore that knows the common ROS 2 types and ser_ros/msg/*."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    folder = definitions()
    for name in MESSAGES:
        text = (folder / f"{name}.msg").read_text(encoding="utf-8")
        store.register(get_types_from_msg(text, f"ser_ros/msg/{name}"))
    return store


def definitions() -> Path:
    """The folder of our .msg files: the source tree, the venv's share/, or an ament prefix."""
    prefixes = [sys.prefix, *os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)]
    places = [Path(__file__).resolve().parents[2] / "msg"]
    places += [Path(prefix) / "share" / "ser_ros" / "msg" for prefix in prefixes if prefix]
    for place in places:
        if (place / "Caption.msg").is_file():
            return place
    raise UserError(f"Caption.msg: not found in {', '.join(map(str, places))}; reinstall ser_ros")
