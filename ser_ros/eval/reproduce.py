"""The paper's tables as recipes: train, predict, score, and our number beside the paper's.

`config/reproduce/TABLE.yaml` has `benchmarks` (references, images, metrics) and `rows`. A row names the
training recipe in `config/train`, changes to it, the stage whose model predicts, and the paper's values.
What was trained and predicted is kept in the run folder, so a second call goes on where the first ended.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.eval.metric import Metric
from ser_ros.eval.predict import PredictRecipe, predict
from ser_ros.eval.score import ScoreOptions, score
from ser_ros.share import share_path

STAGES = ("pretrain", "stage1", "stage2")


@dataclass(frozen=True)
class Benchmark:
    """What is captioned and how it is scored; paths are relative to the data folder.

    Attributes:
        references: COCO or Karpathy caption file.
        images: folder of the pictures.
        metrics: metrics that need no server and no further model.
        authors_cut: cut predictions to three sentences, as the authors' script does.
        max_tokens: longest caption.
    """

    references: str
    images: str
    metrics: list[str]
    authors_cut: bool = False
    max_tokens: int = 77


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: as printed.
        benchmark: key of the table's benchmarks.
        paper: metric → the paper's value, on the scale it prints.
        train: recipe in config/train, without .yaml; "" where predictions come from elsewhere.
        stage: the stage whose model predicts.
        refinements: second glances.
        set: changes to the training recipe, KEY=VALUE.
        predictions: prediction file below the data folder, instead of a model of ours.
        limit: first images only; 0 is all.
        seconds: "each" or "all": also the time for each or all images, one at a time; "" does not measure.
    """

    name: str
    benchmark: str
    paper: dict[str, float]
    train: str = ""
    stage: str = ""
    refinements: int = 0
    set: list[str] = field(default_factory=list)
    predictions: str = ""
    limit: int = 0
    seconds: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the paper."""

    name: str
    title: str
    benchmarks: dict[str, Benchmark]
    rows: list[Row]


def tables() -> list[str]:
    """Names of the tables that have a recipe."""
    folder = share_path("config/reproduce")
    if folder is None:
        raise UserError("config/reproduce is missing from this installation")
    return sorted((path.stem for path in folder.glob("*.yaml")), key=lambda n: (n[:5], len(n), n))


def load_table(name: str) -> Table:
    """Read a table's recipe; UserError names what is wrong in it."""
    import yaml

    path = share_path(f"config/reproduce/{name}.yaml")
    if path is None:
        raise UserError(f"there is no recipe for {name}; choose from {', '.join(tables())}")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        benchmarks = {key: Benchmark(**value) for key, value in content["benchmarks"].items()}
        rows = [Row(**value) for value in content["rows"]]
    except (TypeError, KeyError) as error:
        raise UserError(f"{path}: {error}") from None
    for row in rows:
        if row.benchmark not in benchmarks or (row.train and row.stage not in STAGES):
            raise UserError(f"{path}: row {row.name} names an unknown benchmark or stage")
    return Table(name, content["title"], benchmarks, rows)


def needed(table: Table) -> list[str]:
    """Paths below the data folder that a table reads, training data included."""
    import yaml

    paths = [p for row in table.rows for p in [row.predictions] if p]
    for benchmark in table.benchmarks.values():
        paths += [benchmark.references, benchmark.images]
    for name in {row.train for row in table.rows if row.train}:
        recipe = share_path(f"config/train/{name}.yaml")
        if recipe is None:
            raise UserError(f"table {table.name} trains config/train/{name}.yaml, which is missing")
        for stage in yaml.safe_load(recipe.read_text(encoding="utf-8"))["stages"].values():
            for source in stage.get("data", []):
                paths += [source["path"], source["images"]]
    return sorted({path for path in paths if path != "."})


def run_row(
    table: Table, row: Row, root: Path, runs: Path, options: ScoreOptions, prediction: dict[str, Any],
    recipe: Path | None = None,
) -> dict[str, float | None]:  # fmt: skip
    """Train where needed, predict, score: metric → our value on the paper's scale.

    Args:
        table: where the row stands.
        row: what to do.
        root: data folder.
        runs: folder of models and predictions.
        options: servers and models of further metrics.
        prediction: fields of `PredictRecipe` that differ from the defaults (device, batch, ...).
        recipe: training recipe file instead of the row's and its changes.
    """
    benchmark = table.benchmarks[row.benchmark]
    ours: dict[str, float | None] = {}
    if row.predictions:
        predictions = root / row.predictions
    else:
        model = train_row(row, root, runs, recipe)
        predictions = runs / table.name / f"{_slug(row.name)}.json"
        predictions.parent.mkdir(parents=True, exist_ok=True)
        task = PredictRecipe(
            model=str(model),
            references=str(root / benchmark.references),
            images=str(root / benchmark.images),
            out=str(predictions),
            limit=row.limit,
            refinements=row.refinements,
            max_tokens=benchmark.max_tokens,
            **(prediction | ({"batch": 1} if row.seconds else {})),
        )
        if row.seconds:
            shutil.rmtree(predictions.with_suffix(".lines"), ignore_errors=True)
        summary = predict(task)
        if row.seconds:
            share = 1 if row.seconds == "all" else summary["images"]
            ours["seconds"] = summary["seconds"] / share
    if not row.limit:
        ours |= scores_of(root / benchmark.references, predictions, benchmark, row, options)
    return ours


def scores_of(
    references: Path, predictions: Path, benchmark: Benchmark, row: Row, options: ScoreOptions
) -> dict[str, float | None]:
    """The benchmark's metrics and those of the row for which there is a server or model."""
    wanted = list(benchmark.metrics)
    if options.bert_model and "BERTScore" in row.paper:
        wanted.append("BERTScore")
    if options.server.model:
        wanted += [name for key, name in (("CLAIR", "CLAIR"), ("MLLM judge", "judge")) if key in row.paper]
    chosen = ScoreOptions(**{**vars(options), "metrics": wanted, "authors_cut": benchmark.authors_cut})
    _, metrics = score(references, predictions, chosen)
    return {_plain(metric): _on_paper_scale(metric) for metric in metrics}


def train_row(row: Row, root: Path, runs: Path, recipe: Path | None = None) -> Path:
    """The model folder of a row's stage; `ser_ros train` skips what is done."""
    mark = hashlib.sha256("\n".join(row.set).encode()).hexdigest()[:8] if row.set else ""
    output = runs / "models" / "-".join(filter(None, [row.train, mark]))
    changes = [f"root={root}", f"output={output}"]
    if recipe is None:
        recipe = share_path(f"config/train/{row.train}.yaml")
        changes += row.set
    if recipe is None:
        raise UserError(f"config/train/{row.train}.yaml is missing")
    wanted = STAGES[: STAGES.index(row.stage) + 1]
    if not all((output / stage / "model" / "config.json").is_file() for stage in wanted):
        stages = [part for stage in wanted for part in ("--stage", stage)]
        call(["train", str(recipe), *stages, *as_sets(changes)])
    return output / row.stage / "model"


def call(arguments: Sequence[str]) -> None:
    """Run a verb in a process of its own; its output goes to stderr."""
    stderr = 2  # the descriptor: sys.stderr need not be a file
    done = subprocess.run([sys.executable, "-m", "ser_ros.cli", *arguments], stdout=stderr, check=False)
    if done.returncode:
        verb = " ".join(["ser_ros", *arguments[:2]])
        raise UserError(f"{verb} ended with exit code {done.returncode}; its message is above")


def as_sets(changes: Sequence[str]) -> list[str]:
    return [part for change in changes for part in ("--set", change)]


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _plain(metric: Metric) -> str:
    return (
        metric.name.partition("(")[0] if metric.name.startswith(("CLAIR", "CAPTURE", "MLLM")) else metric.name
    )


def _on_paper_scale(metric: Metric) -> float | None:
    if metric.value is None or metric.name.startswith(("CLAIR", "MLLM")):
        return metric.value
    return 100 * metric.value
