"""rclpy, the compiled messages, RMW, the Fast DDS profile, and what `ros2 launch` finds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from ser_ros.health import Check
from ser_ros.share import MARKER, install_prefix, share_path

# Versions of the wheels ros-rclpy and ros-std-msgs by distribution.
WHEELS = {"kilted": ("9.1.", "5.5."), "jazzy": ("7.1.", "5.3.")}
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
# Bytes of shared memory a sender needs; several uncompressed 1080p images (docs/install.md).
SEGMENT_WANTED = 32 * 1024**2
LAST_DOMAIN = 232  # DDS makes a port of it, and ports end at 65535


# Run in a child, because a wrong RMW or library of another ROS ends the process instead of raising.
# It gets our sys.path: its own begins with the working folder, which is the source tree after pip install.
PROBE = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import rclpy
print("rclpy", rclpy.__file__, flush=True)
print("RMW", rclpy.get_rmw_implementation_identifier(), flush=True)
from ser_ros.msg import Caption
Caption.__class__.__import_type_support__()
print("messages ser_ros.msg, ser_ros.srv", flush=True)
"""


def checks(*, needed: bool) -> list[Check]:
    """`needed`: whether the nodes are what this machine is for."""
    if find_spec("rclpy") is None:
        fix = "only for nodes: source your ROS setup.bash, or `pip install '.[ros]'` in the source (x86_64)"
        return [Check("rclpy", "missing", "not installed", fix, needed)]
    found, error = _probe()
    rows = [_rclpy(found, error, needed)]
    if "rclpy" in found:
        rows += [_rmw(found, error, needed)]
    if "RMW" in found:
        rows += [_messages(found, error, needed)]
    return [*rows, _profile(), _prefix()]


def _probe() -> tuple[dict[str, str], str]:
    """What rclpy answered as far as it came, and the last line of its complaint."""
    command = [sys.executable, "-c", PROBE, json.dumps(sys.path)]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return {}, "importing rclpy takes over a minute"
    found = dict(line.split(" ", 1) for line in child.stdout.splitlines())
    return found, (child.stderr.strip().splitlines() or [f"ended with {child.returncode}"])[-1]


def _rclpy(found: dict[str, str], error: str, needed: bool) -> Check:
    if "rclpy" not in found:
        wish = os.environ.get("RMW_IMPLEMENTATION")
        fix = "install it again; it must fit this Python version"
        if wish and wish in error:
            fix = f"RMW_IMPLEMENTATION={wish} is not installed; unset it or install it"
        return Check("rclpy", "missing", error, fix, needed)
    sourced = os.environ.get("ROS_DISTRO", "")
    wheel, messages = _version("ros-rclpy"), _version("ros-std-msgs")
    if wheel is None:
        name = f"{sourced or 'unknown'} installation"
    else:
        distribution = _distribution(0, wheel)
        name = f"{distribution} wheel {wheel}"
        if messages and _distribution(1, messages) != distribution:
            fix = "use a new environment with the wheels of one: messages of one crash in the other"
            return Check("rclpy", "missing", f"{name}, but ros-std-msgs {messages}", fix, needed)
        if sourced:
            fix = "use one of them: a shell that has not sourced setup.bash, or an environment without wheels"
            return Check("rclpy", "warning", f"{name} and a sourced {sourced}", fix, needed)
    return Check("rclpy", "ok", f"{name}, {Path(found['rclpy']).parent}", needed=needed)


def _distribution(part: int, version: str) -> str:
    return next((name for name, known in WHEELS.items() if version.startswith(known[part])), "unknown")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _rmw(found: dict[str, str], error: str, needed: bool) -> Check:
    if "RMW" not in found:
        return Check("RMW", "missing", error, "install rmw_fastrtps_cpp, or unset RMW_IMPLEMENTATION", needed)
    domain = os.environ.get("ROS_DOMAIN_ID") or "0"
    reach = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    words = f"{found['RMW']}, domain {domain}, discovery {reach}"
    if not domain.isdecimal() or int(domain) > LAST_DOMAIN:
        return Check("RMW", "missing", words, f"set ROS_DOMAIN_ID to a number of 0 to {LAST_DOMAIN}", needed)
    return Check("RMW", "ok", words, needed=needed)


def _messages(found: dict[str, str], error: str, needed: bool) -> Check:
    if "messages" not in found:
        fix = "build them: `pip install '.[ros]'` or `colcon build` in the source of ser_ros"
        return Check("messages", "missing", error, fix, needed)
    return Check("messages", "ok", found["messages"], needed=needed)


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
