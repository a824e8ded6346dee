"""A disk that fills up while a checkpoint is saved: one sentence, and the same command goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ser_ros.cli import main
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
