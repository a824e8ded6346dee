"""`ser_ros data check` finds what would spoil a training run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from tests.train.conftest import Toy


def check(toy: Toy, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    page = str(toy.folder / "page.html")
    code = main(["data", "check", str(toy.recipe), "--html", page, "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_a_sound_recipe(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = check(toy, capsys, "--pictures", "3")
    assert (code, found["ok"]) == (0, True)
    stages = {source["stage"]: source for source in found["sources"]}
    assert list(stages) == ["pretrain", "stage1", "stage2", "validation"]
    assert (stages["stage2"]["images"], stages["stage2"]["initials"]) == (96, 96)
    page = Path(found["page"]).read_text()
    assert page.count("data:image/jpeg;base64,") == 4 * 3
    assert "from: a" in page
    assert "nothing wrong found" in page


def test_gaps_are_listed(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.folder / "train/images/5.png").unlink()
    (toy.folder / "train/images/7.png").write_bytes(b"x")
    lines = (toy.folder / "train/pseudo.jsonl").read_text().splitlines()
    (toy.folder / "train/pseudo.jsonl").write_text("\n".join(lines[:90]) + "\n")
    code, found = check(toy, capsys, "--set", "stages.stage1.data.0.expect_images=113287", "--decode", "0")
    assert (code, found["ok"]) == (1, False)
    stages = {source["stage"]: source for source in found["sources"]}
    assert stages["stage1"]["missing"] == ["5.png"]
    assert stages["stage1"]["broken"] == ["7.png"]
    assert "96 pictures, expected about 113,287" in stages["stage1"]["problems"]
    assert stages["stage2"]["unpaired"] == 6
    assert not stages["validation"]["problems"]


def test_captions_cannot_inject_html(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    path = toy.folder / "train/captions.json"
    path.write_text(path.read_text().replace("a red", "<script>alert(1)</script>"))
    check(toy, capsys)
    assert "<script>" not in (toy.folder / "page.html").read_text()


def test_a_missing_folder_is_a_problem_not_a_crash(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = check(toy, capsys, "--set", "stages.stage1.data.0.images=none")
    assert code == 1
    assert any("none does not exist" in problem for problem in found["sources"][1]["problems"])


def test_all_that_is_not_there_is_told_at_once(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    (toy.folder / "train/captions.json").write_text("{")
    (toy.folder / "train/pseudo.jsonl").unlink()
    code, found = check(toy, capsys, "--set", "stages.stage1.data.0.path=none.json")
    assert code == 1
    problems = {source["stage"]: source["problems"] for source in found["sources"]}
    assert "is not valid JSON" in problems["pretrain"][0]
    assert "none.json does not exist" in problems["stage1"][0]
    assert not problems["validation"]


def test_a_bad_recipe_is_one_sentence(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", str(toy.recipe), "--set", "stages.stage1.epoch=2"]) == 2
    assert "unknown parameter 'epoch'; did you mean 'epochs'?" in capsys.readouterr().err
    assert main(["data", "check", str(toy.recipe), "--html", "/none/page.html"]) == 2
    assert "cannot write /none/page.html" in capsys.readouterr().err
    assert main(["data", "check", str(toy.recipe), "--html", str(toy.folder)]) == 2
    assert f"cannot write {toy.folder}: Is a directory" in capsys.readouterr().err
    for option in ("--pictures", "--decode"):
        assert main(["data", "check", str(toy.recipe), option, "-3"]) == 2
        assert f"{option} must be at least 0" in capsys.readouterr().err
