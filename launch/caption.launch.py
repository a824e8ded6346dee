"""Start caption_node, and memory_node behind it.

ros2 launch ser_ros caption.launch.py image_topic:=/camera/color/image_raw
ros2 launch ser_ros caption.launch.py --show-args
"""

import os
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

SHARE = Path(get_package_share_directory("ser_ros"))
# What Fast DDS before 3.0 reads has another name; the newer one warns of it.
OLD = os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy")
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE" if OLD else "FASTDDS_DEFAULT_PROFILES_FILE"
DDS_FILE = "fastdds_camera.xml"
BOOLEAN = ["true", "false"]

# name: (default, what it does, choices)
ARGUMENTS = {
    "image_topic": (
        "image",
        "topic of the camera; for several set the parameter cameras in params_file",
        None,
    ),
    "compressed": ("", "subscribe to IMAGE_TOPIC/compressed; empty is what params_file says", ["", *BOOLEAN]),
    "camera_namespace": ("", "put before image_topic: /front gives /front/IMAGE_TOPIC", None),
    "model": ("", "checkpoint folder; empty is what params_file says, else the model of the package", None),
    "device": ("", "auto, cpu, cuda or cuda:N; empty is what params_file says", None),
    "backend": ("", "what runs the model; empty is what params_file says", ["", "auto", "torch", "onnx"]),
    "params_file": ("", "YAML with parameters of both nodes; see share/ser_ros/config/*.yaml", None),
    "namespace": ("", "namespace of both nodes", None),
    "use_sim_time": ("false", "take the time from /clock (simulation, bags)", BOOLEAN),
    "autostart": ("", "configure and activate at start; empty is what params_file says", ["", *BOOLEAN]),
    "memory": ("true", "start memory_node as well", BOOLEAN),
    "viewer": (
        "none",
        "rerun needs pip install 'ser-ros[viz]', rviz needs rviz2, foxglove needs foxglove_bridge",
        ["none", "rerun", "rviz", "foxglove"],
    ),
    "log_level": ("info", "how much the nodes log", ["debug", "info", "warn", "error"]),
}


def generate_launch_description() -> LaunchDescription:
    """Arguments, the DDS profile for camera images, then the nodes."""
    profile = os.environ.get(PROFILE) or str(SHARE / "config" / DDS_FILE)
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text, choices=choices)
                for name, (default, text, choices) in ARGUMENTS.items()
            ),
            # Fast DDS drops images over 500 kB without it; a profile of the user's own stays
            SetEnvironmentVariable(PROFILE, profile),
            OpaqueFunction(function=nodes),
        ]
    )


def nodes(context: LaunchContext) -> list[Node]:
    """The nodes for the values of the arguments."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    topic = "/".join(part.rstrip("/") for part in (given["camera_namespace"], given["image_topic"]) if part)
    camera = [("image", topic), ("image/compressed", f"{topic}/compressed")]
    files = [given["params_file"]] if given["params_file"] else []
    for file in files:
        if not Path(file).is_file():  # launch_ros only warns and starts the nodes with their defaults
            raise RuntimeError(f"params_file {file} does not exist")
    shared = {"use_sim_time": given["use_sim_time"] == "true"}
    if given["autostart"]:
        shared["autostart"] = given["autostart"] == "true"
    images = {}
    if given["compressed"]:
        images["compressed"] = given["compressed"] == "true"
    own = {name: given[name] for name in ("model", "device", "backend") if given[name]}
    common = {
        "package": "ser_ros",
        "namespace": given["namespace"],
        "output": "screen",
        "ros_arguments": ["--log-level", given["log_level"]],
    }
    started = [
        Node(
            executable="caption_node",
            name="caption_node",
            parameters=[*files, {**shared, **images, **own}],
            remappings=camera,
            **common,
        )
    ]
    if given["memory"] == "true":
        started.append(
            Node(
                executable="memory_node",
                name="memory_node",
                parameters=[*files, shared],
                remappings=[("scene_graph", "caption_node/scene_graph")],
                **common,
            )
        )
    if given["viewer"] == "rerun":
        started.append(
            Node(
                executable="viewer_node",
                name="viewer_node",
                parameters=[*files, {**shared, **images}],
                remappings=camera,
                **common,
            )
        )
    # Foreign packages first: where one is missing, launch ends at it and would leave our nodes behind.
    elif given["viewer"] == "rviz":
        layout = ["-d", str(SHARE / "config/memory.rviz")]
        started.insert(0, Node(package="rviz2", executable="rviz2", arguments=layout, parameters=[shared]))
    elif given["viewer"] == "foxglove":
        bridge = Node(package="foxglove_bridge", executable="foxglove_bridge", parameters=[shared])
        started.insert(0, bridge)
    return started
