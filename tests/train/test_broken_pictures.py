"""Pictures that cannot be decoded: named in one sentence, or left out with `missing_images: skip`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from tests.train.conftest import Toy
from tests.train.test_reconstruct import PROBE


@pytest.fixture
def broken(toy: Toy) -> Path:
    """A training picture that was cut short; the first validation picture is empty."""
    path = toy.folder / "train/images/5.png"
    path.write_bytes(path.read_bytes()[:60])
    (toy.folder / "val/images/0.png").write_bytes(b"")
    return path


@pytest.mark.parametrize("workers", [0, 1])
def test_the_picture_is_named_in_one_sentence(
    toy: Toy, broken: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A loader's process hands its whole traceback over, in which the sentence is the last line."""
    assert main(["train", str(toy.recipe), "--stage", "stage1", "--set", f"workers={workers}"]) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith(f"ser_ros train: {broken} cannot be read as an image")
    assert "Traceback" not in said


@pytest.mark.parametrize("cache", [False, True])
def test_skipped_pictures_stop_neither_samples_nor_the_cache(toy: Toy, broken: Path, cache: bool) -> None:
    command = ["train", str(toy.recipe), "--stage", "stage1", "--set", "missing_images=skip"]
    command += ["--set", "sample_every=3", "--set", "samples=16"]
    if cache:
        command += ["--set", f"feature_cache={toy.folder}/features"]
    assert main(command) == 0
    lines = (toy.folder / "run/stage1/samples.jsonl").read_text().splitlines()
    pictures = [Path(json.loads(line)["image"]).name for line in lines]
    assert len(pictures) == 2 * 15
    assert "0.png" not in pictures


def test_the_probe_skips_them_too(toy: Toy, broken: Path) -> None:
    (toy.folder / "train/images/0.png").write_bytes(b"")  # the first that is held out
    toy.recipe.write_text(PROBE.format(folder=toy.folder, name="probe", layers="[1]"))
    assert main(["train", str(toy.recipe), "--set", "stages.reconstruct.max_steps=8"]) == 2
    assert (
        main(
            [
                "train",
                str(toy.recipe),
                "--set",
                "stages.reconstruct.max_steps=8",
                "--set",
                "missing_images=skip",
            ]
        )
        == 0
    )
    assert (toy.folder / "probe/reconstruct/grid.png").is_file()
