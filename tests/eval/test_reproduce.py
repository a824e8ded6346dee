"""The paper's tables as recipes: all readable, listed with their data, and one run end to end on the home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.eval.reproduce import load_table, needed, tables
from ser_ros.eval.reproduce_sim import on_sim
from ser_ros.train.recipe_file import load_recipe

ROOT = Path(__file__).resolve().parents[2]
WANTED = {f"table{n}" for n in (2, 3, 5, 6, 7, 8, 9, 10, 12, 16)} | {"figure9"}


def test_every_table_has_a_recipe() -> None:
    assert set(tables()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_rows_train_recipes_that_exist(name: str) -> None:
    table = load_table(name)
    assert needed(table)
    for row in table.rows:
        assert row.paper
        if row.train:
            load_recipe(ROOT / "config" / "train" / f"{row.train}.yaml", row.set)
    small, left_out = on_sim(table)
    assert len(small.rows) + len(left_out) == len(table.rows)


def test_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "dataset_coco.json").write_text("{}")
    assert main(["reproduce", "--root", str(tmp_path), "--json"]) == 0
    listed = {entry["table"]: entry for entry in json.loads(capsys.readouterr().out)["tables"]}
    assert "coco/dataset_coco.json" in listed["table10"]["present"]
    assert "LLaVA-Pretrain/images" in listed["table10"]["missing"]


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "table3", "--root", str(tmp_path)]) == 2
    assert "coco/dataset_coco.json" in capsys.readouterr().err
    assert main(["reproduce", "table4"]) == 2
    assert "no recipe for table4" in capsys.readouterr().err


@pytest.mark.slow
def test_on_the_simulated_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mujoco")
    command = ["reproduce", "table3", "--on", "sim", "--runs", str(tmp_path), "--rows", "MS COCO", "--json"]
    assert main(command) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["MS COCO: + SeR with 1+2"]["ours"]["CIDEr"] is not None
    assert rows["MS COCO: specialist"]["paper"]["CIDEr"] == 129.6
    assert "skipped" in rows["MS COCO: + SeR with 1"]
