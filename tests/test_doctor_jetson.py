"""The doctor's row of a Jetson: boards as folders with the files of a board, nvpmodel as a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_ros.health import Check, jetson
from ser_ros.health.captioning import nvidia_driver

ORIN = "NVIDIA Jetson Orin Nano Developer Kit"


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root folder of an Orin Nano with JetPack 6, without nvpmodel in the PATH."""
    model = tmp_path / jetson.MODEL
    model.parent.mkdir(parents=True)
    model.write_bytes(ORIN.encode() + b"\0")
    release = tmp_path / jetson.RELEASE
    release.parent.mkdir()
    release.write_text("# R36 (release), REVISION: 4.0\n")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def nvpmodel(board: Path, script: str) -> None:
    program = board / "bin" / "nvpmodel"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_board_is_named(board: Path) -> None:
    assert jetson.checks(board) == [Check("Jetson", "ok", ORIN)]
    assert nvidia_driver(board)


def test_other_machines_have_no_row(tmp_path: Path, board: Path) -> None:
    assert jetson.checks(tmp_path / "empty") == []
    assert not nvidia_driver(tmp_path / "empty")
    (board / jetson.MODEL).write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    assert jetson.checks(board) == []


def test_a_board_without_jetpack_is_a_container_that_lacks_its_runtime(board: Path) -> None:
    (board / jetson.RELEASE).unlink()
    (row,) = jetson.checks(board)
    assert (row.status, row.found) == ("warning", f"{ORIN}, no JetPack")
    assert "--runtime nvidia" in row.fix


@pytest.mark.parametrize(
    ("answer", "status"), [("NV Power Mode: MAXN\n0", "ok"), ("NV Power Mode: 15W\n0", "warning")]
)
def test_a_power_mode_that_costs_speed_is_named(board: Path, answer: str, status: str) -> None:
    # -q as NVIDIA documents it: name, then number; it may complain of the fan before
    nvpmodel(board, f'[ "$1" = -q ] && printf "NVPM WARN: fan mode is not set!\\n{answer}\\n"')
    (row,) = jetson.checks(board)
    assert row.status == status
    assert row.found == f"{ORIN}, power mode {answer.split()[3]}"
    assert ("sudo nvpmodel -m ID" in row.fix) == (status == "warning")


@pytest.mark.parametrize("script", ["exit 1", "echo 'NVPM ERROR: no permission' >&2; exit 255", "echo"])
def test_an_nvpmodel_that_does_not_tell_changes_nothing(board: Path, script: str) -> None:
    nvpmodel(board, script)
    assert jetson.checks(board) == [Check("Jetson", "ok", ORIN)]
