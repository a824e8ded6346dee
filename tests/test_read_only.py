"""Folders that cannot be written: what still installs from them, and the sentence where nothing can."""

from __future__ import annotations

import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.read_only import needs_mounts, read_only
from tests.test_build import copy_tree, run

pytestmark = needs_mounts


def run_read_only(folder: Path, *command: object, cwd: Path, **environment: str):
    """Run a command for which `folder` is mounted read-only."""
    return run(*read_only(folder), *command, cwd=cwd, **environment)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_tree(tmp_path)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment that borrows pip and setuptools from the one of the tests."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return folder


def install(environment: Path) -> list[object]:
    python = environment / "bin" / "python"
    return [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]


@pytest.mark.parametrize("ros", ["0", "kilted"])
def test_a_read_only_environment_is_named_before_anything_is_built(
    tree: Path, environment: Path, ros: str
) -> None:
    installed = run_read_only(environment, *install(environment), ".", cwd=tree, SER_ROS_INTERFACES=ros)
    assert installed.returncode != 0
    (site,) = environment.glob("lib/python3*/site-packages")
    assert f"ser_ros: cannot write to {site}: the environment is read-only" in installed.stderr
    assert "Traceback" not in installed.stderr


def test_a_read_only_environment_may_build_a_wheel_for_others(
    tree: Path, environment: Path, tmp_path: Path
) -> None:
    wheel = [word if word != "install" else "wheel" for word in install(environment)]
    command = [*wheel, "-w", tmp_path / "out", "."]
    built = run_read_only(environment, *command, cwd=tree, SER_ROS_INTERFACES="0")
    assert built.returncode == 0, built.stderr
    assert len(list((tmp_path / "out").iterdir())) == 1


def test_a_read_only_source_installs(tree: Path, environment: Path, tmp_path: Path) -> None:
    installed = run_read_only(tree, *install(environment), ".", cwd=tree, SER_ROS_INTERFACES="0")
    assert installed.returncode == 0, installed.stderr
    program = environment / "bin" / "ser_ros"
    assert run(program, "--version", cwd=tmp_path).stdout.startswith("ser_ros 0")


def test_a_read_only_source_cannot_take_compiled_messages(tree: Path, environment: Path) -> None:
    installed = run_read_only(tree, *install(environment), "-e", ".", cwd=tree, SER_ROS_INTERFACES="kilted")
    assert installed.returncode != 0
    assert (
        f"ser_ros: cannot write to {tree}/ser_ros: an editable install puts the compiled messages there"
        in (installed.stderr)
    )


def test_make_names_what_is_read_only(tree: Path, environment: Path) -> None:
    check = ["build_support/check_machine.sh", sys.executable, environment]
    for folder, said in ((tree, "work in a copy of the tree"), (environment, "make VENV=DIR")):
        checked = run_read_only(folder, *check, cwd=tree)
        assert checked.returncode == 1
        assert checked.stderr.startswith(f"ser_ros: cannot write to {folder}: it is read-only")
        assert checked.stderr.endswith(f"{said}\n")
        assert checked.stderr.count("\n") == 1
