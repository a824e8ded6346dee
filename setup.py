"""Python package plus, where the ROS wheels are at hand, its compiled messages; metadata: pyproject.toml.

With the generators in the build environment (build_support/ros_wheels.py decides) this makes a
platform wheel that holds ser_ros.msg and ser_ros.srv, without them a pure Python wheel.
"""

import sys
import tempfile
from pathlib import Path

from setuptools import Distribution, Extension, setup

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "build_support"))

from build_interfaces import KINDS, NAME, BuildInterfaces  # noqa: E402
from installer import need_writable_environment  # noqa: E402
from ros_wheels import wanted_distribution  # noqa: E402

INDEX = "share/ament_index/resource_index"

# Outside the tree: it may be read-only, and setuptools never empties build/, so a removed module or another
# ROS would live on there.
scratch = tempfile.TemporaryDirectory(prefix="ser_ros_build_")


class RosDistribution(Distribution):
    # An editable install asks this name before it lays down data_files; without it ROS finds no launch files.
    has_data = Distribution.has_data_files


def files(pattern: str) -> list[str]:
    return sorted(str(p.relative_to(ROOT)) for p in ROOT.glob(pattern) if p.is_file())


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """`folder` with its subfolders under share/ser_ros."""
    folders = [ROOT / folder, *sorted(p for p in (ROOT / folder).rglob("*") if p.is_dir())]
    rows = [(p.relative_to(ROOT), files(f"{p.relative_to(ROOT)}/*")) for p in folders]
    return [(f"share/{NAME}/{path}", names) for path, names in rows if names and path.name != "__pycache__"]


need_writable_environment()
data_files = [
    (f"{INDEX}/packages", [f"resource/{NAME}"]),
    (f"share/{NAME}", ["package.xml"]),
    (f"lib/{NAME}", files("scripts/*")),
    *tree("launch"),
    *tree("config"),
    # Also without ROS: a replay writes bags with our messages.
    *(row for kind in KINDS for row in tree(kind)),
]
command: dict = {}
extensions: list[Extension] = []
if wanted_distribution():
    command["build_ext"] = BuildInterfaces
    extensions.append(Extension(f"{NAME}._interfaces", sources=[]))
    marker = Path(scratch.name) / "rosidl_interfaces" / NAME
    marker.parent.mkdir(parents=True)
    marker.write_text("".join(f"{file}\n" for kind in KINDS for file in files(f"{kind}/*")))
    data_files += [(f"{INDEX}/rosidl_interfaces", [str(marker)])]

setup(
    distclass=RosDistribution,
    cmdclass=command,
    ext_modules=extensions,
    data_files=data_files,
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
)
