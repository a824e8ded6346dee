"""The paper's tables as recipes: all readable, listed with their data, and one run end to end on the home."""

from __future__ import annotations

import importlib.util
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
    assert len(on_sim(table).rows) == len(table.rows)


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


def run_on_sim(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> list[dict]:
    # Not importorskip: MuJoCo chooses its GL when first imported, and other tests render in this process.
    if importlib.util.find_spec("mujoco") is None:
        pytest.skip("needs MuJoCo")
    assert main(["reproduce", name, "--on", "sim", "--runs", str(runs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def test_a_table_on_the_simulated_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short, long = run_on_sim("table16", tmp_path, capsys)
    assert short["ours"]["CIDEr"] > long["ours"]["CIDEr"]
    assert (short["paper"]["CIDEr"], long["paper"]["CIDEr"]) == (36.1, 12.8)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run folder for all tables: they share the pictures and the models that rows have in common."""
    return tmp_path_factory.mktemp("reproduce")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_row_of_every_table_runs(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = load_table(name)
    rows = run_on_sim(name, runs, capsys)
    assert [row["name"] for row in rows] == [row.name for row in table.rows]
    for row in rows:
        measured = set(row["ours"])
        # Judges and BERTScore need a server or a model.
        assert set(row["paper"]) - {"CLAIR", "MLLM judge", "BERTScore"} <= measured
