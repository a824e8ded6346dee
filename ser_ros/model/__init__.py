"""The network, in torch: two glances over one feature buffer, decoding, checkpoints. No ROS, no graphs."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_ros.model.config import SerConfig
    from ser_ros.model.ser_model import SerModel

__all__ = ["SerConfig", "SerModel"]

_HOME = {"SerConfig": "ser_ros.model.config", "SerModel": "ser_ros.model.ser_model"}


def __getattr__(name: str) -> Any:
    """Import torch only when a class that needs it is asked for."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
