"""Parameters of memory_node: its own, and every setting of the memory as `MemoryConfig` defines it."""

from __future__ import annotations

import dataclasses
from typing import Any

from ser_ros.errors import UserError
from ser_ros.graph.memory import MemoryConfig
from ser_ros.graph.memory.spoken_time import zone
from ser_ros.node.parameters import NodeParameters, parameter
from ser_ros.node.poses import SOURCES

_OPENED = "the memory is opened with it when the node is configured"
_SUBSCRIBED = "it is used when the node is activated"


@dataclasses.dataclass(frozen=True)
class MemoryNodeParameters(NodeParameters):
    """What the node needs besides the settings of the memory."""

    store: str = parameter(
        "~/.ros/ser_ros/memory.db", "file of the memory; an empty text keeps it in RAM only", fixed=_OPENED
    )
    save_path: str = parameter(
        "~/.ros/ser_ros/memory_saved.db",
        "file that ~/save writes and ~/load reads, the only one they touch",
        check=lambda path: None if path else "give the path of a file",
    )
    embeddings: str = parameter(
        "",
        "folder of all-MiniLM-L6-v2, 'installed' for that of the extra [embed]; empty searches words alone",
        fixed=_OPENED,
    )
    scene_graph_topics: tuple[str, ...] = parameter(
        ("scene_graph",), "topics of ser_ros/SceneGraph, as of several robots' cameras", fixed=_SUBSCRIBED
    )
    pose_source: str = parameter(
        "auto", "where poses come from; auto is tf where tf2_ros is installed and knows, else odometry",
        choices=SOURCES, fixed=_SUBSCRIBED,
    )  # fmt: skip
    base_frame: str = parameter("base_link", "frame of the robot, for tf", fixed=_SUBSCRIBED)
    odometry_topic: str = parameter("odom", "topic of nav_msgs/Odometry", fixed=_SUBSCRIBED)
    pose_topic: str = parameter("pose", "topic of geometry_msgs/PoseStamped", fixed=_SUBSCRIBED)
    pose_timeout: float = parameter(
        0.5,
        "longest time a scene waits for its pose, then it is stored without",
        unit="s",
        bounds=(0.0, 10.0),
    )
    clear_on_time_jump: bool = parameter(
        False, "forget everything when the clock jumps back, as when a bag starts again"
    )
    goal_min_score: float = parameter(
        0.6, "least score of an answer that may be sent as goal_pose", bounds=(0.0, 1.0)
    )
    publish_period: float = parameter(
        1.0, "least time between two messages on ~/graph and ~/markers", unit="s", bounds=(0.1, 3600.0)
    )
    publish_objects: int = parameter(
        200, "objects on ~/graph and ~/markers, those seen last", bounds=(1, 100_000)
    )
    announce: bool = parameter(True, "say on ~/announcement what is new, changed or gone")


def _wrong_zone(name: str) -> str | None:
    try:
        zone(name)
    except UserError as error:
        return str(error)
    return None


def _setting(field: dataclasses.Field[Any]) -> tuple[str, type, Any]:
    meta = field.metadata
    bounds = None if meta["low"] is None else (meta["low"], meta["high"])
    fixed = "" if meta["changeable"] else _OPENED
    check = _wrong_zone if field.name == "timezone" else None
    rule = parameter(field.default, meta["help"], unit=meta["unit"], bounds=bounds, fixed=fixed, check=check)
    return field.name, type(field.default), rule


MemoryParameters = dataclasses.make_dataclass(
    "MemoryParameters",
    [_setting(field) for field in dataclasses.fields(MemoryConfig)],
    bases=(MemoryNodeParameters,),
    frozen=True,
    namespace={"__doc__": "All parameters of memory_node."},
)


def config_of(parameters: MemoryNodeParameters) -> MemoryConfig:
    """The settings of the memory among the parameters."""
    names = [field.name for field in dataclasses.fields(MemoryConfig)]
    return MemoryConfig(**{name: getattr(parameters, name) for name in names})
