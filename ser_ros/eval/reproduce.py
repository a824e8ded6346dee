"""One row of a table: train, predict, score, and our values on the paper's scale.

What was trained and predicted is kept in the run folder, so a second call goes on where the first ended,
and rows share what they have in common: a change that only stage 2 reads starts from the one stage 1 model,
and all rows whose recipes pretrain alike start from one pretrained connector.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.eval.judges import BlindError
from ser_ros.eval.metric import Metric
from ser_ros.eval.paper_tables import STAGES, Benchmark, Row, Table
from ser_ros.eval.predict import PredictRecipe, predict
from ser_ros.eval.score import ScoreOptions, score
from ser_ros.lock import locked
from ser_ros.train.recipe import Recipe
from ser_ros.train.recipe_file import write_recipe
from ser_ros.train.run import check_recipe, decides, is_model

ONLY_STAGE2 = ("stages.stage2.", "model.config.deeplens.")
"""Beginnings of changes to a training recipe that pretraining and stage 1 do not read."""

METRICS = {
    "BLEU-4": "BLEU", "METEOR": "METEOR", "CIDEr": "CIDEr", "BERTScore": "BERTScore",
    "CAPTURE": "CAPTURE", "CLAIR": "CLAIR", "MLLM judge": "judge",
}  # fmt: skip
"""Column of a table → metric of `ser_ros score`."""

ABSENT = {
    "BERTScore": "BERTScore: give --bert-model FOLDER (the paper names no model)",
    "CLAIR": "CLAIR: give --llm MODEL, the LLM that judges",
    "MLLM judge": "MLLM judge: give --llm MODEL, one that sees images",
    "memory GB": "memory and power: read them from nvidia-smi or tegrastats while it runs",
    "power W": "memory and power: read them from nvidia-smi or tegrastats while it runs",
}
"""Column that nothing here computes unasked → what to do."""

COLUMNS = (*METRICS, "seconds", "memory GB", "power W")
"""All columns in the paper's order."""


@dataclass(frozen=True)
class Place:
    """Where tables run.

    Attributes:
        root: data folder.
        runs: folder of models and predictions.
        recipe: training recipe of a row.
    """

    root: Path
    runs: Path
    recipe: Callable[[Row], Recipe]


@dataclass
class RowResult:
    """Our side of a row.

    Attributes:
        ours: column → our value on the paper's scale; None where it could not be computed.
        notes: with what a value was computed, or why there is none.
        pretrained: folder of the pretraining that the row's model began with; "" without a model of ours.
    """

    ours: dict[str, float | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pretrained: str = ""


def run_row(
    table: Table, row: Row, place: Place, options: ScoreOptions, prediction: dict[str, Any]
) -> RowResult:
    """Train where needed, predict, time, score.

    Args:
        table: where the row stands.
        row: what to do.
        place: data, run folder and recipes.
        options: servers and models of further metrics.
        prediction: fields of `PredictRecipe` that differ from the defaults (device, batch, ...).

    Raises:
        UserError: what `ser_ros train`, `predict` or `score` refuse.
    """
    if row.why:
        return RowResult()
    benchmark = table.benchmarks[row.benchmark]
    scored = [column for column in row.paper if column in METRICS]
    result = RowResult()
    predictions = place.root / row.predictions
    if row.train:
        predictions = place.runs / table.name / f"{_slug(row.name)}.json"
        task = PredictRecipe(
            model=str(train_row(row, place)),
            references=str(place.root / benchmark.references),
            images=str(place.root / benchmark.images),
            out=str(predictions),
            refinements=row.refinements,
            **prediction,
        )
        result.pretrained = str(_pretraining(place.recipe(_before_stage2(row)), place)[0])
        with locked(predictions.with_suffix(".lock")):
            if row.timed:
                _time(replace(task, limit=row.timed, out=str(predictions.with_suffix(".timed.json"))), result)
            if scored:
                predict(task)
    if scored:
        _score(predictions, benchmark, scored, place.root, options, result)
    result.notes += [ABSENT[column] for column in row.paper if column in ABSENT and column not in result.ours]
    return result


def _time(task: PredictRecipe, result: RowResult) -> None:
    shutil.rmtree(Path(task.out).with_suffix(".lines"), ignore_errors=True)
    summary = predict(replace(task, batch=1))
    result.ours["seconds"] = summary["seconds"]
    result.notes.append(f"seconds: for {summary['images']} images one at a time, the model loaded before")


def _score(
    predictions: Path, benchmark: Benchmark, columns: Sequence[str], root: Path, options: ScoreOptions,
    result: RowResult,
) -> None:  # fmt: skip
    """The row's metrics for which there is a server or model."""
    have = {
        "BERTScore": options.bert_model,
        "CLAIR": options.server.model,
        "MLLM judge": options.server.model,
    }
    wanted = [METRICS[column] for column in columns if have.get(column, True)]
    chosen = replace(options, authors_cut=benchmark.authors_cut, images=root / benchmark.images)

    def scores(names: list[str]) -> list[Metric]:
        return score(root / benchmark.references, predictions, replace(chosen, metrics=names))[1]

    metrics = scores([name for name in wanted if name != "judge"])
    if "judge" in wanted:
        try:
            metrics += scores(["judge"])
        except BlindError as error:  # it may still answer CLAIR's questions
            result.notes.append(f"MLLM judge: {error}")
            result.ours["MLLM judge"] = None
    for metric in metrics:
        column = metric.name if metric.name in METRICS else metric.name.partition("(")[0]
        result.ours[column] = _on_paper_scale(metric)
        if metric.note:
            result.notes.append(f"{metric.name}: {metric.note}")


def train_row(row: Row, place: Place) -> Path:
    """The model folder of a row's stage; what is there already is not trained again.

    Raises:
        UserError: what is there was trained with another recipe.
    """
    if row.stage != "stage2":
        row = _before_stage2(row)
    if row.stage == "pretrain":
        return _pretrain(place.recipe(row), place)
    output = place.runs / "models" / _model_name(row)
    recipe = place.recipe(row)
    recipe.root, recipe.output = str(place.root), str(output)
    stages = STAGES[1 : STAGES.index(row.stage) + 1]
    if _before_stage2(row) != row:
        stages = ("stage2",)
    path = output.with_name(f"{output.name}.yaml")
    with locked(output.with_name(f"{output.name}.lock")) as lock:
        for stage in stages:
            check_recipe(recipe, stage, output / stage, "delete it or give another --runs")
        if not all(is_model(output / stage / "model") for stage in stages):
            before = "stage1" if stages == ("stage2",) else "pretrain"
            recipe.model.start = str(train_row(replace(row, stage=before), place))
            write_recipe(recipe, path)
            call(
                ["train", str(path), *(part for stage in stages for part in ("--stage", stage))], keep=(lock,)
            )
    return output / row.stage / "model"


def _before_stage2(row: Row) -> Row:
    """The row without the changes that only stage 2 reads."""
    return replace(row, set=[change for change in row.set if not change.startswith(ONLY_STAGE2)])


def _pretraining(recipe: Recipe, place: Place) -> tuple[Path, Recipe]:
    """The folder of a recipe's pretraining, named after all that decides it, and its recipe."""
    alone = replace(recipe, name="pretrain", validation=None, stages={"pretrain": recipe.stages["pretrain"]})
    decided_by = json.dumps(decides(alone, "pretrain"), sort_keys=True)
    output = place.runs / "models" / f"pretrain-{hashlib.sha256(decided_by.encode()).hexdigest()[:12]}"
    return output, replace(alone, root=str(place.root), output=str(output))


def _pretrain(recipe: Recipe, place: Place) -> Path:
    """The pretrained model of a recipe, trained once for all recipes that pretrain alike."""
    output, alone = _pretraining(recipe, place)
    with locked(output.with_name(f"{output.name}.lock")) as lock:
        if not is_model(output / "pretrain" / "model"):
            path = output.with_name(f"{output.name}.yaml")
            write_recipe(alone, path)
            call(["train", str(path), "--stage", "pretrain"], keep=(lock,))
    return output / "pretrain" / "model"


def call(arguments: Sequence[str], keep: Sequence[int] = ()) -> None:
    """Run a verb in a process of its own, which inherits the descriptors `keep`; its output goes to stderr.

    Raises:
        UserError: the verb failed.
    """
    stderr = 2  # the descriptor: sys.stderr need not be a file
    command = [sys.executable, "-m", "ser_ros.cli", *arguments]
    done = subprocess.run(command, stdout=stderr, pass_fds=keep, check=False)
    if done.returncode:
        verb = " ".join(["ser_ros", *arguments[:2]])
        raise UserError(f"{verb} ended with exit code {done.returncode}; its message is above")


def _model_name(row: Row) -> str:
    mark = hashlib.sha256("\n".join(row.set).encode()).hexdigest()[:8] if row.set else ""
    return "-".join(filter(None, [row.train, mark]))


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _on_paper_scale(metric: Metric) -> float | None:
    if metric.value is None or metric.name.startswith(("CLAIR", "MLLM")):
        return metric.value
    return 100 * metric.value
