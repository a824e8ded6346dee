"""The three stages end to end on a toy: what learns, what stays, and going on after a kill."""

from __future__ import annotations

import json
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
from ser_ros.model.ser_model import SerModel
from ser_ros.train.callbacks import read_metrics
from ser_ros.train.recipe_file import load_recipe
from tests.train.conftest import Toy

ROOT = Path(__file__).resolve().parents[2]
ENV = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def changed_parts(before: Path, after: Path) -> set[str]:
    old, new = weights(before), weights(after)
    assert old.keys() == new.keys()
    return {name.partition(".")[0] for name in old if not torch.equal(old[name], new[name])}


def train(toy: Toy, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "ser_ros.cli", "train", str(toy.recipe), "--json", *arguments]
    return subprocess.run(command, env=ENV, capture_output=True, text=True, check=True)


def test_three_stages(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", str(toy.recipe), "--json", "--set", f"feature_cache={toy.folder}/features"]
    arguments += ["--set", "sample_every=100", "--set", "samples=2"]
    assert main(arguments) == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [stage["stage"] for stage in stages] == ["pretrain", "stage1", "stage2"]
    run = toy.folder / "run"
    # Table 15: what learns; all the rest is bit for bit what it was.
    assert changed_parts(toy.folder / "init", run / "pretrain/model") == {"connector"}
    assert changed_parts(run / "pretrain/model", run / "stage1/model") == {"connector", "language"}
    assert changed_parts(run / "stage1/model", run / "stage2/model") == {"deeplens", "language"}
    for name in ("stage1", "stage2"):
        losses = [line["loss"] for line in read_metrics(run / name / "metrics.jsonl") if "loss" in line]
        assert losses[-1] < losses[0]
    samples = [json.loads(line) for line in (run / "stage2/samples.jsonl").read_text().splitlines()]
    assert {"step", "image", "truth", "initial", "refined"} == samples[0].keys()
    assert len({sample["image"] for sample in samples}) == 2
    assert list((run / "stage2/tensorboard").glob("events.*"))
    provenance = json.loads((run / "run.json").read_text())
    assert {"revision", "torch", "command"} <= provenance.keys()
    assert "rows: 96" in (run / "stage2/model/README.md").read_text()
    assert not list(run.glob("*/checkpoint-*"))
    # A second call keeps everything.
    assert main(arguments) == 0
    assert {stage["status"] for stage in json.loads(capsys.readouterr().out)["stages"]} == {"kept"}


def test_bf16_and_recomputed_activations_train_too(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", str(toy.recipe), "--json", "--stage", "stage1", "--set", "precision=bf16"]
    assert main([*arguments, "--set", "gradient_checkpointing=true"]) == 0
    (stage,) = json.loads(capsys.readouterr().out)["stages"]
    assert stage["validation_loss"] < 6.0
    saved = weights(toy.folder / "run/stage1/model")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32}


def test_errors_are_one_sentence(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(toy.recipe), "--set", "model.start=/none"]) == 2
    assert "no model folder /none" in capsys.readouterr().err
    blocked = toy.folder / "blocked"
    blocked.write_text("a file where the run folder should be made")
    assert main(["train", str(toy.recipe), "--set", f"output={blocked}/run"]) == 2
    assert str(blocked) in capsys.readouterr().err
    assert main(["train", str(toy.recipe), "--stage", "reconstruct"]) == 2
    assert "the recipe has no stage 'reconstruct'" in capsys.readouterr().err
    assert main(["train", str(toy.recipe), "--stage", "stage1", "--set", "stages.stage1.micro_batch=7"]) == 2
    assert "batch_size 16 is no multiple of micro_batch 7" in capsys.readouterr().err
    assert main(["train", str(toy.recipe), "--set", "fsdp=full_shrd"]) == 2
    assert "fsdp is 'full_shrd'" in capsys.readouterr().err
    paired = "validation={path: val/captions.json, images: val/images, pseudo: [{path: val/none.jsonl}]}"
    assert main(["train", str(toy.recipe), "--set", paired]) == 2
    said = capsys.readouterr().err
    assert f"{toy.folder}/val/none.jsonl (validation, made by `ser_ros pseudo`)" in said
    (toy.folder / "train/pseudo.jsonl").unlink()
    assert main(["train", str(toy.recipe)]) == 2
    assert f"{toy.folder}/train/pseudo.jsonl (stage2, made by `ser_ros pseudo`)" in capsys.readouterr().err
    assert not (toy.folder / "run/pretrain").exists()


def test_a_run_folder_that_cannot_be_is_one_sentence(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.folder / "taken/recipe.yaml").mkdir(parents=True)
    for folder, reason in (
        (toy.recipe, "a file stands where a folder should be"),
        (toy.folder / "taken", "that is a folder"),
        (toy.folder / ("x" * 300), "choose a shorter name"),
        (Path("/proc/run"), "choose another place"),
    ):
        assert main(["train", str(toy.recipe), "--set", f"output={folder}"]) == 2
        said = capsys.readouterr().err
        assert said.startswith("ser_ros train: cannot write ")
        assert reason in said


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "stages.stage1.trains=[deeplens]",
            "stages.stage1.trains names deeplens, which learns nothing there",
        ),
        ("stages.stage1.data.0.style=detailed", "no style 'detailed'"),
        ("max_length=4", "max_length 4 leaves no room for a caption"),
    ],
)
def test_a_stage_that_cannot_learn_ends_before_its_first_step(
    toy: Toy, change: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(toy.recipe), "--stage", "stage1", "--set", change]) == 2
    assert message in capsys.readouterr().err
    assert not (toy.folder / "run/stage1").exists()


def test_a_restart_does_not_keep_what_another_process_has_not_removed_yet(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["train", str(toy.recipe), "--stage", "stage1", "--set", "stages.stage1.max_steps=1"]
    assert main(command) == 0
    model = toy.folder / "run/stage1/model/model.safetensors"
    before = model.stat().st_ino
    monkeypatch.setenv("RANK", "1")  # not the process that removes
    assert main([*command, "--restart"]) == 0
    assert model.stat().st_ino != before


def test_what_another_recipe_trained_is_neither_kept_nor_gone_on_with(
    toy: Toy, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(toy.recipe), "--stage", "stage1"]
    assert main([*command, "--set", "stages.stage1.max_steps=1"]) == 0
    faster = [*command, "--set", "stages.stage1.max_steps=1", "--set", "stages.stage1.learning_rate=1"]
    assert main(faster) == 2
    said = capsys.readouterr().err
    assert f"{toy.folder}/run/stage1 was trained with another recipe (stages.stage1.learning_rate)" in said
    deeper = [*command, "--set", "stages.stage1.max_steps=1", "--set", "model.config.deeplens={depth: 2}"]
    assert main(deeper) == 2
    assert "another recipe (model.config.deeplens)" in capsys.readouterr().err
    assert main([*command, "--set", "stages.stage1.max_steps=1", "--set", "stages.stage1.micro_batch=4"]) == 0
    assert main([*faster, "--restart"]) == 0
    assert load_recipe(toy.folder / "run/stage1/recipe.yaml").stages["stage1"].learning_rate == 1
    assert main(faster) == 0


def test_a_second_training_is_refused_until_the_first_ends_or_is_killed(
    toy: Toy, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = ["train", str(toy.recipe), "--stage", "stage1", "--set", "workers=1"]
    first = subprocess.Popen(
        [sys.executable, "-m", "ser_ros.cli", *command, "--set", "stages.stage1.epochs=100000"],
        env=ENV,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(first, toy.folder / "run/stage1/checkpoint-4")
        for mode in ([], ["--restart"]):
            assert main([*command, *mode]) == 2
            said = capfd.readouterr().err
            assert said == (
                f"ser_ros train: another training runs in {toy.folder}/run; wait until it ends, "
                "or choose another output\n"
            )
        assert list(toy.folder.glob("run/stage1/checkpoint-*")), "what the first has is touched"
    finally:
        first.kill()
        first.wait()
    # Its data loaders live on for a moment; the folder is free at once.
    assert main([*command, "--restart", "--set", "stages.stage1.max_steps=1"]) == 0


def wait_for(process: subprocess.Popen, path: Path) -> None:
    until = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "it ended before it was seen"
        assert time.monotonic() < until
        time.sleep(0.01)


def kill_when(process: subprocess.Popen, path: Path) -> None:
    """SIGKILL as soon as `path` exists."""
    wait_for(process, path)
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(toy: Toy) -> None:
    steps = ["--stage", "stage1", "--set", "stages.stage1.epochs=4"]
    steps += ["--set", "sample_every=12", "--set", "samples=1"]
    train(toy, *steps)
    whole = weights(toy.folder / "run/stage1/model")
    curve = [line["loss"] for line in read_metrics(toy.folder / "run/stage1/metrics.jsonl") if "loss" in line]
    killed = toy.folder / "killed"
    command = [sys.executable, "-m", "ser_ros.cli", "train", str(toy.recipe), *steps]
    command += ["--set", f"output={killed}"]
    process = subprocess.Popen(command, env=ENV, stderr=subprocess.DEVNULL)
    kill_when(process, killed / "stage1/checkpoint-8/trainer_state.json")
    with (killed / "stage1/samples.jsonl").open("a") as file:
        file.write('{"step": 12, "image": "of a step after the checkpoint"}\n')
    subprocess.run(command, env=ENV, check=True, capture_output=True)
    again = [line["loss"] for line in read_metrics(killed / "stage1/metrics.jsonl") if "loss" in line]
    assert again == curve
    resumed = weights(killed / "stage1/model")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    samples = (toy.folder / "run/stage1/samples.jsonl").read_text()
    assert (killed / "stage1/samples.jsonl").read_text() == samples
    summaries = [
        json.loads((run / "stage1/summary.json").read_text()) for run in (toy.folder / "run", killed)
    ]
    assert summaries[0]["loss"] == summaries[1]["loss"] == curve[-1]


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(toy: Toy) -> None:
    arguments = ["--set", f"feature_cache={toy.folder}/features"]
    train(toy, *arguments)
    two = toy.folder / "two"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "ser_ros.cli", "train", str(toy.recipe), "--json", *arguments]
    command += ["--set", f"output={two}"]
    done = subprocess.run(command, env=ENV, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.strip().splitlines()) == 1
    for stage in ("pretrain", "stage1", "stage2"):
        one = weights(toy.folder / "run" / stage / "model")
        other = weights(two / stage / "model")
        for name in one:
            torch.testing.assert_close(one[name], other[name], atol=2e-3, rtol=2e-2)


@pytest.mark.slow
def test_sharded_processes_learn_what_one_learns(toy: Toy) -> None:
    train(toy, "--stage", "stage1", "--set", "stages.stage1.max_steps=4")
    two = toy.folder / "two"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "ser_ros.cli", "train", str(toy.recipe), "--stage", "stage1"]
    command += ["--set", f"output={two}", "--set", "fsdp=full_shard", "--set", "stages.stage1.max_steps=4"]
    subprocess.run(command, env=ENV, capture_output=True, text=True, check=True)
    one, other = weights(toy.folder / "run/stage1/model"), weights(two / "stage1/model")
    for name in one:
        torch.testing.assert_close(one[name], other[name], atol=2e-3, rtol=2e-2)


@pytest.mark.slow
def test_the_second_glance_beats_the_first_on_new_scenes(toy: Toy) -> None:
    """Stage 2 corrects a stage 1 model that was stopped early: more whole captions are right than its own."""
    from ser_ros.model.images import load_image
    from tests.train.toy_home import make_pseudo, make_toy_home

    captions = make_toy_home(toy.folder / "train", 400, seed=2)
    make_pseudo(captions, toy.folder / "train" / "pseudo.jsonl")
    held_out = make_toy_home(toy.folder / "val", 64, seed=1)
    steps = ["--set", "stages.stage1.epochs=12", "--set", "stages.stage2.epochs=30"]
    train(toy, *steps, "--set", f"feature_cache={toy.folder}/features", "--set", "save_every=1000")
    annotations = json.loads(held_out.read_text())["annotations"]
    pictures = [load_image(toy.folder / "val/images" / f"{a['image_id']}.png") for a in annotations]

    def right(stage: str, refinements: int) -> int:
        model = SerModel.from_pretrained(toy.folder / "run" / stage / "model")
        found = model.describe(pictures, refinements=refinements)
        said = [d.refined if refinements else d.initial for d in found]
        return sum(caption == a["caption"] for caption, a in zip(said, annotations, strict=True))

    first, second = right("stage1", 0), right("stage2", 1)
    assert second > first
    assert second >= 40
