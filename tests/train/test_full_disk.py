"""A disk that fills up: one sentence, never a trace, and the same command goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ser_ros.cli import main
from ser_ros.train.callbacks import read_metrics
from ser_ros.train.tensorboard_file import TensorBoardFile
from ser_ros.train.trainer import RESUMES
from tests.train.conftest import Toy


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        ("40k", []),  # the weights (safetensors) find no room
        ("280k", []),  # AdamW's state (torch) finds none
        ("600k", ["checkpoint-4"]),  # that of the last step
    ],
)
def test_a_run_goes_on_when_there_is_room_again(
    toy: Toy,
    small_disk: Callable[[str], Path],
    size: str,
    kept: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stage = small_disk(size) / "run/stage1"
    command = ["train", str(toy.recipe), "--stage", "stage1"]
    full = [*command, "--set", f"output={stage.parent}"]
    assert main(full) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"ser_ros train: cannot write {stage}/checkpoint-")
    assert said.endswith(f"free some space on its disk; {RESUMES}")
    # What was cut short takes no room.
    assert [path.name for path in stage.glob("checkpoint-*")] == kept
    small_disk("16m")
    assert main(full) == 0
    assert main(command) == 0
    whole, resumed = (
        load_file(run / "model/model.safetensors") for run in (toy.folder / "run/stage1", stage)
    )
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_without_room_for_tensorboard_the_training_goes_on(
    toy: Toy, small_disk: Callable[[str], Path], tmp_path: Path
) -> None:
    disk = small_disk("4k")
    (disk / "full").write_bytes(bytes(4096))
    board = toy.folder / "run/stage1/tensorboard"
    board.parent.mkdir(parents=True)
    board.symlink_to(disk)
    command = [sys.executable, "-m", "ser_ros.cli", "train", str(toy.recipe), "--stage", "stage1"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert done.stderr.count("no TensorBoard curves from here on") == 1
    assert f"cannot write {board}: No space left on device; free some space on its disk" in done.stderr
    assert len(read_metrics(board.parent / "metrics.jsonl")) >= 6


def test_tensorboard_reads_its_file(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    killed = TensorBoardFile(tmp_path, 1)
    for step in (1, 2, 3):
        killed.add({"loss": 1.0 / step, "epoch": step, "note": "no number"}, step)
    killed.path.rename(tmp_path / "events.out.tfevents.1.killed")
    resumed = TensorBoardFile(tmp_path, 3)
    resumed.add({"loss": 0.25}, 3)
    curves = EventAccumulator(str(tmp_path)).Reload()
    assert sorted(curves.Tags()["scalars"]) == ["epoch", "loss"]
    assert [(point.step, point.value) for point in curves.Scalars("loss")] == [(1, 1.0), (2, 0.5), (3, 0.25)]
