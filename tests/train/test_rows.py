"""Which rows a stage learns from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.errors import UserError
from ser_ros.train.recipe import Pseudo, Recipe, Source, pretrain, stage1, stage2
from ser_ros.train.rows import load_pseudo, stage_rows
from tests.train.toy_home import make_pseudo, make_toy_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    make_pseudo(make_toy_home(tmp_path, 20), tmp_path / "pseudo.jsonl")
    return tmp_path


def recipe(home: Path, **changes: object) -> Recipe:
    return Recipe(root=str(home), **changes)  # type: ignore[arg-type]


def source(**changes: object) -> Source:
    return Source(path="captions.json", images="images", **changes)  # type: ignore[arg-type]


def test_pretrain_and_stage1_have_a_row_per_caption(home: Path) -> None:
    stage = pretrain()
    stage.data = [source()]
    rows, (report,) = stage_rows(recipe(home), "pretrain", stage)
    assert (report.images, report.captions, report.rows) == (20, 20, 20)
    assert {(row.style, row.initial) for row in rows} == {("plain", None)}
    assert rows[3].image == str(home / "images" / "3.png")
    stage = stage1()
    stage.data = [source(style="detailed", limit=5)]
    rows, _ = stage_rows(recipe(home), "stage1", stage)
    assert [row.style for row in rows] == ["detailed"] * 5


def test_stage2_has_a_row_per_initial_caption(home: Path) -> None:
    stage = stage2()
    (home / "more-1.jsonl").write_text(
        "".join(json.dumps({"key": f"{n}#0", "pseudo": ["a", "b", "c"]}) + "\n" for n in range(10))
    )
    (home / "more-2.jsonl").write_text(json.dumps({"key": "10#0", "pseudo": ["d"]}) + "\n")
    stage.data = [source(pseudo=[Pseudo("pseudo.jsonl", 1), Pseudo("more-*.jsonl", 2)], include_gt=True)]
    rows, (report,) = stage_rows(recipe(home), "stage2", stage)
    assert report.rows == len(rows) == 20 + (10 * 2 + 1) + 20
    assert sum(row.initial == row.caption for row in rows) == 20
    assert 0.6 < sum(row.in_prompt for row in rows) / len(rows) <= 1.0


def test_glance_rate_trains_some_rows_as_first_glances(home: Path) -> None:
    stage = stage2()
    stage.glance_rate = 0.5
    stage.data = [source(pseudo=[Pseudo("pseudo.jsonl")])]
    rows, _ = stage_rows(recipe(home), "stage2", stage)
    assert 4 <= sum(row.initial is None for row in rows) <= 16
    assert rows == stage_rows(recipe(home), "stage2", stage)[0]


def test_missing_pictures_stop_or_are_left_out(home: Path) -> None:
    (home / "images" / "4.png").unlink()
    stage = stage1()
    stage.data = [source()]
    with pytest.raises(UserError, match=r"1 of 20 pictures of captions.json are not in .*first: 4.png"):
        stage_rows(recipe(home), "stage1", stage)
    rows, (report,) = stage_rows(recipe(home, missing_images="skip"), "stage1", stage)
    assert (len(rows), report.missing) == (19, ["4.png"])


def test_stage2_without_initial_captions_says_so(home: Path) -> None:
    stage = stage2()
    stage.data = [source()]
    with pytest.raises(UserError, match="needs initial captions"):
        stage_rows(recipe(home), "stage2", stage)
    stage.data = [source(pseudo=[Pseudo("none-*.jsonl")])]
    with pytest.raises(UserError, match="no file of pseudo-initial captions matches"):
        stage_rows(recipe(home), "stage2", stage)
    (home / "bad.jsonl").write_text('{"key": "0#0"}\n')
    stage.data = [source(pseudo=[Pseudo("bad.jsonl")])]
    with pytest.raises(UserError, match=r"bad\.jsonl, line 1"):
        stage_rows(recipe(home), "stage2", stage)


def test_a_line_cut_by_a_kill_is_left_out(home: Path) -> None:
    (home / "cut.jsonl").write_text('{"key": "0#0", "pseudo": ["a"]}\n{"key": "1#0", "pse')
    stage = stage2()
    stage.data = [source(pseudo=[Pseudo("cut.jsonl")])]
    rows, (report,) = stage_rows(recipe(home), "stage2", stage)
    assert (len(rows), report.unpaired) == (1, 19)


def test_a_pseudo_line_cut_in_the_middle_of_a_letter_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    content = '{"key": "1#0", "pseudo": ["un café"]}\n{"key": "2#0", "pseudo": ["un bébé"]}\n'.encode()
    path.write_bytes(content[: content.rindex("é".encode()) + 1])
    assert load_pseudo([path], 3) == {"1#0": ["un café"]}
