"""Our message definitions for `rosbags`, so that bags with captions are written without ROS."""

from __future__ import annotations

from functools import cache
from typing import Any

from ser_ros.errors import UserError
from ser_ros.share import share_path

MESSAGES = ("CaptionEdit", "Caption", "SceneObject", "SceneRelation", "SceneGraph")


@cache
def typestore() -> Any:
    """A rosbags typestore that knows the common ROS 2 types and ser_ros/msg/*.

    Raises:
        UserError: the installation has no share/ser_ros/msg.
    """
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    folder = share_path("msg")
    if folder is None:
        raise UserError("share/ser_ros/msg: not found in this installation; reinstall ser_ros")
    store = get_typestore(Stores.ROS2_JAZZY)
    for name in MESSAGES:
        text = (folder / f"{name}.msg").read_text(encoding="utf-8")
        store.register(get_types_from_msg(text, f"ser_ros/msg/{name}"))
    return store
