"""Compile msg/ and srv/ with CMake against the ROS wheels and put them beside the Python package."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ros_wheels import ros_prefix
from setuptools.command.build_ext import build_ext

NAME = "ser_ros"
ROOT = Path(__file__).resolve().parents[1]
KINDS = ("msg", "srv")


class BuildInterfaces(build_ext):
    """`build_ext` that runs this tree's CMakeLists.txt."""

    def run(self) -> None:
        if self.inplace:
            _need_writable(ROOT / NAME)
        prefix = ros_prefix()
        if prefix is None:
            raise SystemExit(
                "ser_ros: the ROS message generators are not in this build environment; "
                "install without --no-build-isolation, so that pip brings them."
            )
        _need_compiler()
        build = Path(self.build_temp).resolve() / "interfaces"
        env = _environment(prefix)
        configure = [
            *("cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja"),
            *("-DCMAKE_BUILD_TYPE=Release", "-DBUILD_TESTING=OFF", "-DSER_ROS_PYTHON_ONLY=ON"),
            f"-DPython3_EXECUTABLE={sys.executable}",
            f"-DCMAKE_PROJECT_{NAME}_INCLUDE={ROOT / 'cmake' / 'pip_wheels.cmake'}",
        ]
        _run(configure, env)
        _run(["cmake", "--build", str(build), "--target", "ser_ros_python"], env)
        package = ROOT / NAME if self.inplace else Path(self.build_lib) / NAME
        generated = build / "rosidl_generator_py" / NAME
        self.copied = [
            *self._copy([p for kind in KINDS for p in generated.glob(f"{kind}/*.py")], generated, package),
            *self._copy(generated.glob("*.so"), generated, package),
            *self._copy(build.glob(f"lib{NAME}__*.so"), build, package),
        ]

    def _copy(self, files, base: Path, package: Path) -> list[str]:
        copied = []
        for file in sorted(files):
            target = package / file.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A library that a running process has loaded must not change under it.
            target.unlink(missing_ok=True)
            shutil.copy2(file, target)
            copied.append(str(target))
        return copied

    def get_outputs(self) -> list[str]:
        return getattr(self, "copied", [])

    def get_output_mapping(self) -> dict[str, str]:
        return {}


def _environment(prefix: Path) -> dict[str, str]:
    """The generators are programs of the wheels: they find each other's CMake files and libraries here."""
    libraries = [str(prefix / "lib"), *glob.glob(str(prefix / "lib/python3*/site-packages/ros_*.libs"))]
    return dict(
        os.environ,
        AMENT_PREFIX_PATH=str(prefix),
        CMAKE_PREFIX_PATH=str(prefix),
        LD_LIBRARY_PATH=os.pathsep.join([*libraries, os.environ.get("LD_LIBRARY_PATH", "")]),
        # Keeps the wheels' start-up hook from running each child twice.
        _ROS_WHEELS_BOOTSTRAP_COMPLETE="1",
    )


def _need_writable(package: Path) -> None:
    if not os.access(package, os.W_OK):
        raise SystemExit(
            f"ser_ros: cannot write to {package}: an editable install puts the compiled messages there; "
            "install without -e, or from a copy of the tree."
        )


def _need_compiler() -> None:
    for variable, program in (("CC", "cc"), ("CXX", "c++")):
        name = os.environ.get(variable, program).split()[0]
        if not shutil.which(name):
            raise SystemExit(
                f"ser_ros: no {name}: compiling the ROS messages needs a C and a C++ compiler "
                "(Debian, Ubuntu: apt install gcc g++), or set SER_ROS_INTERFACES=0 to install without nodes."
            )


def _run(command: list[str], env: dict[str, str]) -> None:
    if subprocess.run(command, env=env, check=False).returncode:
        raise SystemExit("ser_ros: the ROS messages did not compile; the reason stands above.")
