"""Recipes: the YAML reference equals the dataclasses, and mistakes are named."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from ser_ros.errors import UserError
from ser_ros.train.recipe import Pseudo, Recipe, Reconstruct, Source, pretrain, stage1, stage2
from ser_ros.train.recipe_file import load_recipe, write_recipe

CONFIG = Path(__file__).resolve().parents[2] / "config" / "train"
RECIPES = sorted(
    path for path in CONFIG.glob("*.yaml") if path.stem != "recipe" and "sim_clip" not in path.stem
)
DATA = "data: [{path: captions.json, images: images}]"


def recipe(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    return path


def commented(title: str) -> dict:
    """The commented block of recipe.yaml under a line that begins with `title`, as YAML."""
    text = (CONFIG / "recipe.yaml").read_text()
    block = re.search(rf"^# {title}.*\n((?:#   .*\n)+)", text, re.MULTILINE)
    assert block, title
    return yaml.safe_load(re.sub(r"^#   ", "", block[1], flags=re.MULTILINE))


def test_the_reference_equals_the_dataclass() -> None:
    assert yaml.safe_load((CONFIG / "recipe.yaml").read_text()) == dataclasses.asdict(Recipe())


@pytest.mark.parametrize(
    ("title", "default"),
    [("One dataset", Source()), ("One stage", pretrain()), ("The reconstruction probe", Reconstruct())],
)
def test_the_commented_reference_equals_the_dataclass(title: str, default: object) -> None:
    assert commented(title) == dataclasses.asdict(default)  # type: ignore[call-overload]


def test_the_defaults_are_the_papers() -> None:
    first, second, third = pretrain(), stage1(), stage2()
    assert [stage.epochs for stage in (first, second, third)] == [1, 10, 2]
    assert [stage.learning_rate for stage in (first, second, third)] == [1e-4, 2e-5, 2e-5]
    assert [stage.trains for stage in (first, second, third)] == [
        ["connector"],
        ["connector", "language"],
        ["deeplens", "language"],
    ]
    assert {stage.warmup for stage in (first, second, third)} == {0.03}
    assert {stage.weight_decay for stage in (first, second, third)} == {0.0}
    assert {stage.batch_size for stage in (first, second, third)} == {256}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_loads_and_is_written_back_whole(path: Path, tmp_path: Path) -> None:
    loaded = load_recipe(path)
    write_recipe(loaded, tmp_path / "whole.yaml")
    assert load_recipe(tmp_path / "whole.yaml") == loaded


def test_stages_run_in_the_order_of_training(tmp_path: Path) -> None:
    text = f"stages:\n  stage2: {{{DATA}}}\n  pretrain: {{{DATA}}}\n  stage1: {{{DATA}}}\n"
    assert list(load_recipe(recipe(tmp_path, text)).stages) == ["pretrain", "stage1", "stage2"]


def test_set_changes_nested_parameters(tmp_path: Path) -> None:
    path = recipe(tmp_path, f"stages:\n  stage1: {{{DATA}}}\n")
    changes = ["stages.stage1.epochs=2", "stages.stage1.data.0.limit=7", "root=/data", "model.start=x"]
    changed = load_recipe(path, changes)
    assert changed.stages["stage1"].epochs == 2.0
    assert changed.stages["stage1"].data[0] == Source(path="captions.json", images="images", limit=7)
    assert (changed.root, changed.model.start) == ("/data", "x")
    assert load_recipe(path, ["model.start="]).model.start == ""


def test_numbers_without_a_dot_are_numbers(tmp_path: Path) -> None:
    text = f"stages:\n  stage1: {{{DATA}, learning_rate: 3e-4, epochs: 2}}\n"
    stage = load_recipe(recipe(tmp_path, text)).stages["stage1"]
    assert (stage.learning_rate, stage.epochs) == (3e-4, 2.0)


def test_pseudo_files_are_read(tmp_path: Path) -> None:
    text = "stages: {stage2: {data: [{path: a, pseudo: [{path: p.jsonl, per_caption: 2}]}]}}"
    (source,) = load_recipe(recipe(tmp_path, text)).stages["stage2"].data
    assert source.pseudo == [Pseudo("p.jsonl", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "must be a mapping"),
        ("a: [", "not valid YAML"),
        ("learning_rte: 1\nstages: {}", "unknown parameter 'learning_rte'"),
        ("precison: bf16", "did you mean 'precision'"),
        ("precision: fp8\nstages: {stage1: {data: [{path: a}]}}", "precision must be one of bf16"),
        ("stages: {}", "names no stage"),
        ("stages: {stage3: {}}", "unknown stage 'stage3'"),
        ("stages: {stage1: {}}", "stages.stage1.data names no dataset"),
        ("stages: {stage1: {data: [{path: 3}]}}", r"stages.stage1.data\[0\].path must be str, found 3"),
        ("stages: {stage1: {data: [{path: a}], epochs: yes}}", "epochs must be float, found True"),
        ("stages: {stage1: {data: [{path: a}], trains: [head]}}", r"trains\[0\] must be one of vision"),
        ("stages: {stage2: {data: [{path: a}], glance_rate: 2}}", "glance_rate must be from 0 to 1"),
        ("stages: {stage1: {data: [{path: a}], batch_size: 0}}", "batch_size must be above 0"),
        ("stages: {stage1: {data: [{path: a}], learning_rate: .nan}}", "learning_rate must be above 0"),
        ("stages: {stage1: {data: [{path: a}], max_steps: -1}}", "max_steps must be at least 0, not -1"),
        ("stages: {stage1: {data: [{path: a}], schedule: cosin}}", "schedule must be one of cosine, linear"),
        ("stages: {stage1: {data: [{path: a, limit: -1}]}}", r"data\[0\]\.limit must be at least 0"),
        ("log_every: 0\nstages: {stage1: {data: [{path: a}]}}", "log_every must be at least 1, not 0"),
        ("seed: x\nstages: {stage1: {data: [{path: a}]}}", "seed must be int"),
        ("seed: -1\nstages: {stage1: {data: [{path: a}]}}", "seed must be from 0 to 4294967295, not -1"),
        ("stages: {stage1: {data: [{path: a}], weight_decay: .nan}}", "weight_decay must be at least 0"),
        ("stages: {stage1: {data: [{}]}}", r"data\[0\]\.path names no annotation file"),
        ("stages: {stage2: {data: [{path: a, pseudo: [{}]}]}}", "pseudo names no file of `ser_ros pseudo`"),
        (
            "validation: {path: a, limit: -4}\nstages: {stage1: {data: [{path: a}]}}",
            "validation.limit must be",
        ),
        ("stages: {reconstruct: {data: [{path: a}], heads: 0}}", "heads must be at least 1, not 0"),
        (
            "stages: {reconstruct: {data: [{path: a}], width: 36, heads: 8}}",
            "width is 36; it must be a multiple",
        ),
        ("stages: {reconstruct: {data: [{path: a}], beta2: 1}}", "beta2 must be at least 0 and below 1"),
        ("stages: {reconstruct: {data: [{path: a}], layers: []}}", "layers names no layer"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_recipe(recipe(tmp_path, text))


@pytest.mark.parametrize("override", ["epochs", "=3", "name=[", "name.x=1", "stages.stage1.data.9.limit=1"])
def test_wrong_overrides_are_named(tmp_path: Path, override: str) -> None:
    with pytest.raises(UserError, match="--set"):
        load_recipe(recipe(tmp_path, f"name: x\nstages:\n  stage1: {{{DATA}}}\n"), [override])


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.yaml cannot be read"):
        load_recipe(tmp_path / "none.yaml")
