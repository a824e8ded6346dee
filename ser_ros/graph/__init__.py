"""Captions become scene graphs, scene graphs become a memory of the world. No torch, no ROS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ser_ros.graph.parser import parse

__all__ = ["parse"]


def __getattr__(name: str) -> Any:
    """`ser_ros.graph.parse`, loaded on first use so that importing the room stays cheap."""
    if name == "parse":
        from ser_ros.graph.parser import parse

        return parse
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
