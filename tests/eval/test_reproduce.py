"""The paper's tables as recipes: all readable, listed with their data, and one run end to end on the home."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval import reproduce
from ser_ros.eval.llm import ServerOptions
from ser_ros.eval.paper_tables import Benchmark, Row, Table, load_table, needed, tables, training_recipe
from ser_ros.eval.reproduce import ABSENT, METRICS, Place, RowResult, run_row, train_row
from ser_ros.eval.score import ScoreOptions
from ser_ros.train.recipe_file import load_recipe, write_recipe
from tests.llm_server import serve_with_filter

WANTED = {f"table{n}" for n in (2, 3, 5, 6, 7, 8, 9, 10, 12, 16)} | {"figure9"}


def test_every_table_has_a_recipe() -> None:
    assert set(tables()) == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_rows_train_recipes_that_exist(name: str) -> None:
    table = load_table(name)
    assert needed(table)
    for row in table.rows:
        assert set(row.paper) <= {*METRICS, *ABSENT, "seconds"}
        if row.train:
            training_recipe(row)


def record_training(monkeypatch: pytest.MonkeyPatch, fail: str = "") -> list[tuple[str, list[str], str]]:
    """Leave folders of models half a billion parameters large empty; (folder, stages, start) of each call."""
    trained: list[tuple[str, list[str], str]] = []

    def train(arguments: list[str], keep: tuple[int, ...] = ()) -> None:
        recipe = load_recipe(Path(arguments[1]))
        stages = [stage for flag, stage in itertools.pairwise(arguments) if flag == "--stage"]
        trained.append((Path(recipe.output).name, stages, recipe.model.start))
        if fail in stages:
            raise UserError("killed")
        for stage in stages:
            model = Path(recipe.output, stage, "model")
            model.mkdir(parents=True)
            (model / "config.json").touch()
            write_recipe(recipe, model.parent / "recipe.yaml")

    monkeypatch.setattr(reproduce, "call", train)
    return trained


def test_a_model_of_another_recipe_is_not_taken_for_the_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_training(monkeypatch)
    row = Row("specialist", {}, train="coco", stage="stage1")
    train_row(row, Place(tmp_path, tmp_path / "runs", training_recipe))
    train_row(row, Place(tmp_path / "moved", tmp_path / "runs", training_recipe))

    def place(change: str) -> Place:
        return Place(tmp_path, tmp_path / "runs", lambda row: training_recipe(replace(row, set=[change])))

    for change, parameter in (
        ("stages.stage1.epochs=3", "stages.stage1.epochs"),
        ("model.config.connector.hidden=64", "model.config.connector"),
    ):
        with pytest.raises(UserError, match=rf"coco/stage1 was .* another recipe \({parameter}\); delete it"):
            train_row(row, place(change))
    # What `ser_ros train` goes on with, as it decides no weight.
    for change in ("name=other", "log_every=1", "workers=0", "stages.stage1.micro_batch=1", "save_every=7"):
        train_row(row, place(change))


def test_rows_share_the_stages_that_their_changes_do_not_touch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One stage 1, ten epochs of COCO, serves all DeepLens rows of Table 10."""
    trained = record_training(monkeypatch)
    place = Place(tmp_path, tmp_path / "runs", training_recipe)
    layers = ["model.config.deeplens.layers=[23]"]
    single = Row("23", {}, train="coco", stage="stage2", set=layers)
    train_row(single, place)
    train_row(Row("specialist", {}, train="coco", stage="stage1"), place)
    train_row(single, place)
    (first, *_), (base, base_stages, start), (_, stages, deeplens_start) = trained
    assert first.startswith("pretrain-")
    assert (base, base_stages) == ("coco", ["stage1"])
    assert start == str(tmp_path / "runs/models" / first / "pretrain/model")
    assert stages == ["stage2"]
    assert deeplens_start == str(tmp_path / "runs/models/coco/stage1/model")


def test_recipes_that_pretrain_alike_pretrain_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data sets differ from stage 1 on; another seed, language model or connector pretrains its own."""
    trained = record_training(monkeypatch)
    place = Place(tmp_path, tmp_path / "runs", training_recipe)
    for name in ("coco", "sharegpt_dci", "glamm"):
        train_row(Row(name, {}, train=name, stage="stage1"), place)
    (first, stages, _), *others = trained
    assert stages == ["pretrain"]
    assert [(name, stages) for name, stages, _ in others] == [
        (name, ["stage1"]) for name in ("coco", "sharegpt_dci", "glamm")
    ]
    assert {start for *_, start in others} == {str(tmp_path / "runs/models" / first / "pretrain/model")}
    for change in ("seed=1", "model.language_model=facebook/opt-1.3b", "model.config.connector.hidden=64"):
        before = len(trained)
        train_row(Row(change, {}, train="coco", stage="stage1", set=[change]), place)
        assert [stages for _, stages, _ in trained[before:]] == [["pretrain"], ["stage1"]]


def test_a_killed_run_goes_on_from_the_pretraining_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = record_training(monkeypatch, fail="stage1")
    place = Place(tmp_path, tmp_path / "runs", training_recipe)
    with pytest.raises(UserError, match="killed"):
        train_row(Row("a", {}, train="coco", stage="stage1"), place)
    again = record_training(monkeypatch)
    train_row(Row("a", {}, train="coco", stage="stage1"), place)
    assert [stages for _, stages, _ in trained] == [["pretrain"], ["stage1"]]
    assert again == [trained[1]]


def test_our_number_beside_the_papers(files: SimpleNamespace) -> None:
    """A row from a prediction file, on the paper's scale; what is absent says how to get it."""
    benchmark = Benchmark("references.json", ".")
    paper = {"BLEU-4": 39.4, "CAPTURE": 45.9, "BERTScore": 69.4, "MLLM judge": 2.74}
    ours = Row("ours", paper, benchmark="b", predictions="perfect.json")
    other = Row("BLIP", {"CIDEr": 100.0}, why="another project's model")
    table = Table("t", "a table", {"b": benchmark}, [ours, other])
    place = Place(files.folder, files.folder / "runs", training_recipe)
    found = run_row(table, ours, place, ScoreOptions(intervals=False), {})
    assert found.ours["BLEU-4"] == pytest.approx(100)
    assert 30 < found.ours["CAPTURE"] < 100
    assert [note.partition(":")[0] for note in found.notes] == ["CAPTURE(variant)", "BERTScore", "MLLM judge"]
    assert run_row(table, other, place, ScoreOptions(), {}) == RowResult()


def test_an_llm_that_sees_nothing_still_scores_captions(files: SimpleNamespace) -> None:
    from PIL import Image

    for number in (1, 2, 3):
        Image.new("RGB", (8, 8)).save(files.folder / f"{number}.png")
    row = Row("ours", {"CLAIR": 76.3, "MLLM judge": 2.74}, benchmark="b", predictions="perfect.json")
    table = Table("t", "a table", {"b": Benchmark("references.json", ".")}, [row])
    place = Place(files.folder, files.folder / "runs", training_recipe)
    with serve_with_filter("Score: 80", "nothing") as url:
        found = run_row(table, row, place, ScoreOptions(server=ServerOptions("m", url)), {})
    assert found.ours == {"CLAIR": 80, "MLLM judge": None}
    assert "m does not see images" in found.notes[0]


def test_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco" / "dataset_coco.json").write_text("{}")
    assert main(["reproduce", "--root", str(tmp_path), "--json"]) == 0
    listed = {entry["table"]: entry for entry in json.loads(capsys.readouterr().out)["tables"]}
    assert "coco/dataset_coco.json" in listed["table10"]["present"]
    assert {"LLaVA-Pretrain/images", "coco/pseudo*.jsonl"} <= set(listed["table10"]["missing"])


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "table3", "--root", str(tmp_path)]) == 2
    assert "coco/dataset_coco.json" in capsys.readouterr().err
    assert main(["reproduce", "table4"]) == 2
    assert "no recipe for table4" in capsys.readouterr().err
    assert main(["reproduce", "table3", "--rows", "BLIP"]) == 2
    assert "no row of table3 has 'BLIP' in its name" in capsys.readouterr().err


def run_on_sim(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> dict:
    # Not importorskip: MuJoCo chooses its GL when first imported, and other tests render in this process.
    if importlib.util.find_spec("mujoco") is None:
        pytest.skip("needs MuJoCo")
    assert main(["reproduce", name, "--on", "sim", "--runs", str(runs), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_table_on_the_simulated_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_on_sim("table16", tmp_path, capsys)
    short, long = result["rows"]
    assert short["ours"]["CIDEr"] > long["ours"]["CIDEr"]
    assert (short["paper"]["CIDEr"], long["paper"]["CIDEr"]) == (36.1, 12.8)
    assert any(note.startswith("BERTScore: give --bert-model") for note in result["notes"])
    assert any(note.startswith("CAPTURE(variant): parser of ser_ros") for note in result["notes"])
    assert main(["reproduce", "table16", "--on", "sim", "--runs", str(tmp_path)]) == 0
    assert "nothing about the method" in capsys.readouterr().out


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run folder for all tables: they share the pictures and the models that rows have in common."""
    return tmp_path_factory.mktemp("reproduce")


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_row_of_every_table_runs(name: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_on_sim(name, runs, capsys)
    for row, wanted in zip(result["rows"], load_table(name).rows, strict=True):
        assert row["name"] == wanted.name
        if wanted.why:
            assert not row["ours"]
            assert row["why"] == wanted.why
        else:
            assert set(row["paper"]) - set(ABSENT) <= set(row["ours"])
