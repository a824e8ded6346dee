"""The paper's tables as recipes: `config/reproduce/TABLE.yaml`, with `benchmarks` and `rows`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.share import share_path
from ser_ros.train.recipe import Recipe
from ser_ros.train.recipe_file import load_recipe
from ser_ros.train.yaml_file import build, read_yaml

STAGES = ("pretrain", "stage1", "stage2")


@dataclass(frozen=True)
class Benchmark:
    """What is captioned and how it is scored; paths are relative to the data folder.

    Attributes:
        references: COCO or Karpathy caption file.
        images: folder of the pictures.
        authors_cut: cut predictions to three sentences, as the authors' script does.
    """

    references: str
    images: str
    authors_cut: bool = False


@dataclass(frozen=True)
class Row:
    """One line of a table: a model of ours, a prediction file, or `why` there is neither.

    Attributes:
        name: as printed.
        paper: column → the paper's value on the scale it prints; null where the paper has none. Columns
            are metrics, "seconds", "memory GB" and "power W".
        benchmark: key of the table's benchmarks.
        train: recipe in config/train, without .yaml.
        stage: the stage whose model predicts.
        refinements: second glances.
        set: changes to the training recipe, KEY=VALUE.
        predictions: prediction file below the data folder, instead of a model of ours.
        timed: also caption so many images one at a time, for the column "seconds"; 0 does not.
        why: reason for a row of the paper that cannot be run here.
    """

    name: str
    paper: dict[str, float | None]
    benchmark: str = ""
    train: str = ""
    stage: str = ""
    refinements: int = 0
    set: list[str] = field(default_factory=list)
    predictions: str = ""
    timed: int = 0
    why: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the paper."""

    name: str
    title: str
    benchmarks: dict[str, Benchmark]
    rows: list[Row]


def tables() -> list[str]:
    """Names of the tables that have a recipe.

    Raises:
        UserError: the installation has no config/reproduce.
    """
    folder = share_path("config/reproduce")
    if folder is None:
        raise UserError("config/reproduce is missing from this installation")
    return sorted((path.stem for path in folder.glob("*.yaml")), key=lambda n: (n[:5], len(n), n))


def load_table(name: str) -> Table:
    """Read a table's recipe; UserError names what is wrong in it."""
    path = share_path(f"config/reproduce/{name}.yaml")
    if path is None:
        raise UserError(f"there is no recipe for {name}; choose from {', '.join(tables())}")
    table = build(Table, {"name": name, **read_yaml(path)}, str(path))
    for row in table.rows:
        if sum(map(bool, (row.train, row.predictions, row.why))) != 1:
            raise UserError(f"{path}: row {row.name} needs exactly one of train, predictions and why")
        if (not row.why and row.benchmark not in table.benchmarks) or (row.train and row.stage not in STAGES):
            raise UserError(f"{path}: row {row.name} names an unknown benchmark or stage")
    return table


def training_recipe(row: Row) -> Recipe:
    """The row's recipe of config/train with its changes.

    Raises:
        UserError: the recipe is missing, or a change does not fit it.
    """
    path = share_path(f"config/train/{row.train}.yaml")
    if path is None:
        raise UserError(f"config/train/{row.train}.yaml is missing, which row {row.name} trains")
    return load_recipe(path, row.set)


def needed(table: Table) -> list[str]:
    """Paths and patterns below the data folder that a table reads, training data included."""
    paths = {row.predictions for row in table.rows}
    for row in table.rows:
        if row.benchmark:
            benchmark = table.benchmarks[row.benchmark]
            paths |= {benchmark.references, benchmark.images}
        if row.train:
            recipe = training_recipe(row)
            for name in STAGES[: STAGES.index(row.stage) + 1]:
                for source in recipe.stages[name].data:
                    paths |= {source.path, source.images, *(pseudo.path for pseudo in source.pseudo)}
    return sorted(paths - {"", "."})


def is_there(root: Path, path: str) -> bool:
    """Whether a path or pattern of `needed` exists below the data folder."""
    return next(root.glob(path), None) is not None
