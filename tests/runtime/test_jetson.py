"""What can be checked of the Jetson files without a Jetson; `make check-jetson` also asks for the wheels."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
JETSON = ROOT / "docker" / "jetson"


@pytest.mark.parametrize("board", ["nano", "orin"])
def test_parameters_are_the_node_s(board):
    pytest.importorskip("rclpy")
    from ser_ros.node.caption_parameters import CaptionParameters
    from ser_ros.node.parameters import convert, rules

    file = yaml.safe_load((ROOT / "config" / f"jetson_{board}.yaml").read_text())
    assert list(file) == ["/**/caption_node"]
    known = rules(CaptionParameters)
    for name, value in file["/**/caption_node"]["ros__parameters"].items():
        convert(name, value, *known[name])


def test_a_robot_installs_no_backend_from_here():
    """pip would replace the one that the board's vendor built."""
    program = [sys.executable, JETSON / "requirements.py", ROOT / "pyproject.toml"]
    lines = subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines()
    assert {"numpy", "networkx", "tokenizers"} <= {line.split(">")[0] for line in lines}
    assert not [line for line in lines if line.startswith(("torch", "onnx", "ros-"))]


def test_the_image_copies_files_that_are_there():
    lines = (JETSON / "Dockerfile").read_text().splitlines()
    own = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert own
    assert all((ROOT / name).exists() for name in own)
    assert os.access(JETSON / "entrypoint.sh", os.X_OK)


@pytest.mark.parametrize("script", ["entrypoint.sh", "check_wheels.sh"])
def test_shell_scripts_parse(script):
    subprocess.run(["bash", "-n", JETSON / script], check=True)


def test_the_service_starts_a_launch_file_and_parameters_that_exist():
    unit = configparser.RawConfigParser(strict=False, allow_no_value=True)
    unit.optionxform = str
    unit.read(JETSON / "ser_ros.service")
    assert "caption.launch.py" in unit["Service"]["ExecStart"]
    text = (JETSON / "ser_ros.service").read_text()
    assert (ROOT / "config" / text.split("PARAMS=")[1].split()[0]).is_file()
    if program := shutil.which("systemd-analyze"):
        done = subprocess.run([program, "verify", JETSON / "ser_ros.service"], capture_output=True, text=True)
        problems = [line for line in done.stderr.splitlines() if "docker" not in line]  # not installed
        assert not problems


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed: make check-jetson")
def test_the_dockerfile_is_clean():
    subprocess.run(["hadolint", JETSON / "Dockerfile"], check=True)
