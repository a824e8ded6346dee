"""rclpy, the compiled messages, RMW, the Fast DDS profile, and what `ros2 launch` finds."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from importlib import metadata
from pathlib import Path

from ser_ros.health import Check, try_import
from ser_ros.share import MARKER, install_prefix, share_path

# Versions of the wheels ros-rclpy and ros-std-msgs by distribution.
WHEELS = {"kilted": ("9.1.", "5.5."), "jazzy": ("7.1.", "5.3.")}
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
# Bytes of shared memory a sender needs; several uncompressed 1080p images (docs/install.md).
SEGMENT_WANTED = 32 * 1024**2


def checks(*, needed: bool) -> list[Check]:
    """`needed`: whether the nodes are what this machine is for."""
    rclpy = _rclpy(needed)
    rows = [rclpy]
    if rclpy.status != "missing":
        rows += [_messages(needed), _rmw(needed), _profile(), _prefix()]
    return rows


def _rclpy(needed: bool) -> Check:
    module = try_import("rclpy")
    if module is None:
        fix = "only the nodes need it: source your ROS setup.bash, or `pip install 'ser-ros[ros]'` (x86_64)"
        return Check("rclpy", "missing", "not installed", fix, needed)
    if isinstance(module, str):
        return Check("rclpy", "missing", module, "install it again; it must fit this Python version", needed)
    sourced = os.environ.get("ROS_DISTRO", "")
    wheel, messages = _version("ros-rclpy"), _version("ros-std-msgs")
    if wheel is None:
        found = f"{sourced or 'unknown'} installation"
    else:
        distribution = _distribution(0, wheel)
        found = f"{distribution} wheel {wheel}"
        if messages and _distribution(1, messages) != distribution:
            fix = "use a new environment with the wheels of one: messages of one crash in the other"
            return Check("rclpy", "missing", f"{found}, but ros-std-msgs {messages}", fix, needed)
        if sourced:
            fix = "use one of them: a shell that has not sourced setup.bash, or an environment without wheels"
            return Check("rclpy", "warning", f"{found} and a sourced {sourced}", fix, needed)
    return Check("rclpy", "ok", f"{found}, {Path(module.__file__ or '').parent}", needed=needed)


def _distribution(part: int, version: str) -> str:
    return next((name for name, known in WHEELS.items() if version.startswith(known[part])), "unknown")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _messages(needed: bool) -> Check:
    fix = "build them: `pip install '.[ros]'` or `colcon build` in the source of ser_ros"
    messages = try_import("ser_ros.msg")
    if messages is None or isinstance(messages, str):
        return Check("messages", "missing", messages or "ser_ros.msg is not compiled", fix, needed)
    try:
        # Loads the compiled libraries; they fail here when they were built for another distribution.
        messages.Caption.__class__.__import_type_support__()
    except Exception as error:  # the generator raises its own class, a library an ImportError or OSError
        return Check("messages", "missing", f"ser_ros.msg does not load: {error}", fix, needed)
    return Check("messages", "ok", "ser_ros.msg, ser_ros.srv", needed=needed)


def _rmw(needed: bool) -> Check:
    import rclpy

    try:
        found = rclpy.get_rmw_implementation_identifier()
    except Exception as error:  # rclpy raises its own classes for a library that is not there
        wish = os.environ.get("RMW_IMPLEMENTATION", "")
        fix = f"RMW_IMPLEMENTATION={wish} is not installed; unset it" if wish else "install rmw_fastrtps_cpp"
        return Check("RMW", "missing", str(error).strip().partition("\n")[0], fix, needed)
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    return Check("RMW", "ok", f"{found}, domain {domain}, discovery {reach}", needed=needed)


def _profile() -> Check:
    """The default segment of 512 kB loses nearly all camera images between processes."""
    wish = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    if "fastrtps" not in wish:
        return Check("Fast DDS profile", "ok", f"not used by {wish}")
    variable = next((name for name in PROFILE_VARIABLES if os.environ.get(name)), None)
    profile = "config/fastdds_camera.xml"
    fix = f"export {PROFILE_VARIABLES[0]}={share_path(profile) or profile}"
    if variable is None:
        fix += " for the camera driver and nodes started by hand; the launch files set it for ours"
        return Check("Fast DDS profile", "warning", "default: images over 500 kB get lost", fix)
    path = Path(os.environ[variable])
    try:
        sizes = [int(e.text or 0) for e in ElementTree.parse(path).iter() if e.tag.endswith("segment_size")]
    except (OSError, ElementTree.ParseError, ValueError) as error:
        return Check("Fast DDS profile", "missing", f"{path} cannot be used ({error})", fix)
    if max(sizes, default=0) < SEGMENT_WANTED:
        return Check(
            "Fast DDS profile", "warning", f"{path}, shared memory {max(sizes, default=0)} bytes", fix
        )
    return Check("Fast DDS profile", "ok", f"{path}, shared memory {max(sizes) // 1024**2} MiB")


def _prefix() -> Check:
    listed = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    found = next((p for p in listed if (Path(p) / MARKER).is_file()), None)
    if found:
        return Check("AMENT_PREFIX_PATH", "ok", f"{found} holds ser_ros")
    prefix = install_prefix()
    if prefix is None:
        fix = "install this package with pip or colcon, and source install/setup.bash"
        return Check("AMENT_PREFIX_PATH", "warning", "ser_ros is not installed for `ros2 launch`", fix)
    fix = f"only for ros2 launch, run, interface: export AMENT_PREFIX_PATH={prefix}"
    value = os.pathsep.join(listed) or "not set"
    return Check("AMENT_PREFIX_PATH", "warning", f"{value}; no ser_ros there", fix)
