"""Rows of `reproduce` that share a pretraining: what they learn, and two processes that want it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ser_ros.cli import main
from ser_ros.eval.paper_tables import Row
from ser_ros.eval.reproduce import Place, train_row
from ser_ros.train.recipe_file import load_recipe
from tests.model.toys import toy_model
from tests.train.conftest import RECIPE
from tests.train.toy_home import make_pseudo, make_toy_home

ROOT = Path(__file__).resolve().parents[2]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
ONE_ROW = """
import sys
from tests.eval.test_reproduce_sharing import place
from ser_ros.eval.paper_tables import Row
from ser_ros.eval.reproduce import train_row
from pathlib import Path
name, stage, steps = sys.argv[2:]
train_row(Row(name, {}, train=name, stage=stage), place(Path(sys.argv[1]), int(steps)))
"""


EPOCHS = {"a": 1, "b": 2}


def place(folder: Path, steps: int) -> Place:
    """Two training recipes, "a" and "b", that pretrain alike for so many steps and differ from stage 1 on."""

    def recipe(row: Row):
        changes = [f"stages.pretrain.max_steps={steps}", f"stages.stage1.epochs={EPOCHS[row.train]}"]
        return load_recipe(folder / "recipe.yaml", changes)

    return Place(folder, folder / "runs", recipe)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_pseudo(make_toy_home(tmp_path / "train", 96), tmp_path / "train/pseudo.jsonl")
    make_toy_home(tmp_path / "val", 16, seed=1)
    toy_model(spread=0.05).save_pretrained(tmp_path / "init")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    return tmp_path


def weights(model: Path) -> dict[str, torch.Tensor]:
    return load_file(model / "model.safetensors")


@pytest.mark.slow
def test_a_shared_pretraining_ends_with_the_weights_of_a_run_of_its_own(home: Path) -> None:
    shared = place(home, 6)
    models = {name: train_row(Row(name, {}, train=name, stage="stage1"), shared) for name in ("a", "b")}
    assert len(list((home / "runs/models").glob("pretrain-*/pretrain/model"))) == 1
    for name, model in models.items():
        alone = ["train", str(home / "recipe.yaml"), "--stage", "pretrain", "--stage", "stage1"]
        alone += ["--set", "stages.pretrain.max_steps=6", "--set", f"output={home}/{name}"]
        assert main([*alone, "--set", f"stages.stage1.epochs={EPOCHS[name]}"]) == 0
        own = weights(home / name / "stage1/model")
        assert all(torch.equal(own[key], weight) for key, weight in weights(model).items())


def start(home: Path, name: str, stage: str, steps: int, log: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", ONE_ROW, str(home), name, stage, str(steps)]
    with log.open("w") as file:
        return subprocess.Popen(command, env=ENV, cwd=ROOT, stderr=file, stdout=file)


def wait_for(found, process: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while not found():
        assert process.poll() is None, "it ended before it was seen"
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
def test_the_second_of_two_processes_waits_for_the_pretraining(home: Path, killed: bool) -> None:
    """Also where the first process is killed: the training it started goes on and holds the lock."""
    steps, logs = 300, [home / "first.log", home / "second.log"]
    first = start(home, "a", "stage1", steps, logs[0])
    wait_for(lambda: list(home.glob("runs/models/pretrain-*/pretrain/metrics.jsonl")), first)
    if killed:
        first.send_signal(signal.SIGKILL)
        first.wait()
    second = start(home, "b", "stage1", steps, logs[1])
    assert second.wait(240) == 0, logs[1].read_text()[-2000:]
    if not killed:
        assert first.wait(240) == 0, logs[0].read_text()[-2000:]
    trained = ["pretrain:" in log.read_text() for log in logs]
    assert trained == [True, False]
    (model,) = home.glob("runs/models/pretrain-*/pretrain/model")
    assert (home / "runs/models/b/stage1/model/config.json").is_file()
    steps_done = (model.parent / "metrics.jsonl").read_text().count('"loss"')
    assert steps_done == steps


@pytest.mark.slow
def test_two_processes_that_want_the_same_row_train_it_once(home: Path) -> None:
    logs = [home / "first.log", home / "second.log"]
    both = [start(home, "a", "stage1", 20, log) for log in logs]
    assert [process.wait(240) for process in both] == [0, 0], [log.read_text()[-2000:] for log in logs]
    assert sum("stage1:" in log.read_text() for log in logs) == 1
