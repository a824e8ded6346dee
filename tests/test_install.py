"""Every installed path that `ros2 launch`, `ros2 run`, `ros2 interface` and a program look for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

import ser_ros
from ser_ros.share import install_prefix, share_path

ROOT = Path(__file__).resolve().parents[1]
PREFIX = Path(sys.prefix)
INDEX = "share/ament_index/resource_index"
SCRIPTS = sorted(path.name for path in ROOT.glob("scripts/*"))
SHARED = sorted(
    str(path.relative_to(ROOT))
    for folder in ("launch", "config", "msg", "srv")
    for path in (ROOT / folder).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
)

with_messages = pytest.mark.skipif(find_spec("ser_ros.msg") is None, reason="messages are not compiled")
installed = pytest.mark.skipif(
    not (PREFIX / INDEX / "packages" / "ser_ros").is_file(),
    reason="ser_ros is not installed here: make install",
)


def test_the_version_stands_in_two_places_only_and_is_one() -> None:
    assert ElementTree.parse(ROOT / "package.xml").findtext("version") == ser_ros.__version__
    assert re.search(r'^dynamic = \["version"\]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


@installed
def test_the_package_is_in_the_resource_index() -> None:
    assert (PREFIX / INDEX / "packages" / "ser_ros").read_bytes() == b""
    assert metadata.version("ser-ros") == ser_ros.__version__
    assert install_prefix() == PREFIX


@installed
@with_messages
def test_the_interfaces_are_in_the_resource_index() -> None:
    listed = (PREFIX / INDEX / "rosidl_interfaces" / "ser_ros").read_text().split()
    assert listed == [name for name in SHARED if name.startswith(("msg/", "srv/"))]


@installed
@with_messages
@pytest.mark.parametrize("name", [*SHARED, "package.xml"])
def test_shared_files_are_the_tree_s(name: str) -> None:
    copy = PREFIX / "share" / "ser_ros" / name
    assert copy.is_file(), "run `make install` after adding a file"
    if name.startswith(("msg/", "srv/")):
        assert copy.read_bytes() == (ROOT / name).read_bytes(), (
            "run `make install` after changing an interface"
        )


@installed
@pytest.mark.parametrize("name", SCRIPTS)
def test_programs_run_with_the_python_of_their_prefix(name: str) -> None:
    program = PREFIX / "lib" / "ser_ros" / name
    assert os.access(program, os.X_OK)
    assert (PREFIX / "bin" / "ser_ros").is_file()
    clean = {k: v for k, v in os.environ.items() if k not in ("PATH", "PYTHONPATH", "VIRTUAL_ENV")}
    if name == "ser_ros":
        answer = subprocess.run(
            [program, "--version"],
            env=clean | {"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.stdout == f"ser_ros {ser_ros.__version__}\n", answer.stderr


def test_every_program_has_its_module_and_its_line_in_cmake() -> None:
    programs = re.search(r"install\(PROGRAMS (.+?)\s+DESTINATION", (ROOT / "CMakeLists.txt").read_text())
    assert programs
    assert sorted(programs.group(1).split()) == [f"scripts/{name}" for name in SCRIPTS]
    for name in SCRIPTS:
        module = re.search(r"-m (\S+)", (ROOT / "scripts" / name).read_text())
        assert module
        assert find_spec(module.group(1)), name


def test_shared_files_are_found_in_the_tree() -> None:
    assert share_path("config/fastdds_camera.xml") == ROOT / "config" / "fastdds_camera.xml"
    assert share_path("config/nothing.xml") is None
