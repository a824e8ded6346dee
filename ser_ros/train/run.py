"""One training run: the stages of a recipe in order, each resumable, in one run folder.

RUN/recipe.yaml     the whole recipe of the last call, defaults included
RUN/run.json        git revision, versions, command, machine
RUN/train.lock      empty; held by the process that trains into RUN
RUN/STAGE/model     checkpoint folder the stage produced; its presence says the stage is done
RUN/STAGE/recipe.yaml   the whole recipe that the stage is trained with
RUN/STAGE/metrics.jsonl, samples.jsonl, tensorboard/, sources.json, summary.json
RUN/STAGE/checkpoint-N   to resume from; removed when the stage is done
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError, cannot_write
from ser_ros.lock import locked
from ser_ros.train.provenance import provenance
from ser_ros.train.recipe import Recipe
from ser_ros.train.recipe_file import changed, load_recipe, write_recipe
from ser_ros.train.rows import check_paths


def run(recipe: Recipe, only: Sequence[str] | None = None, restart: bool = False) -> list[dict[str, Any]]:
    """Run the stages that are not finished yet.

    Args:
        recipe: what to do.
        only: the stages to run; None runs all of the recipe.
        restart: forget the results and checkpoints of the stages to run.

    Returns:
        One summary per stage: stage, model, status ("done", or "kept" from an earlier call), rows,
        steps, loss, validation_loss, seconds.

    Raises:
        UserError: anything wrong with recipe, data or start model, or another training runs in the folder.
    """
    unknown = [name for name in only or () if name not in recipe.stages]
    if unknown:
        raise UserError(f"the recipe has no stage '{unknown[0]}'; it has {', '.join(recipe.stages)}")
    root = Path(recipe.output)
    wanted = [name for name in recipe.stages if only is None or name in only]
    main = int(os.environ.get("RANK", "0")) == 0
    check_paths(recipe, [name for name in wanted if restart or not is_model(root / name / "model")])
    with alone(root, main):
        if main:
            try:
                write_recipe(recipe, root / "recipe.yaml")
                (root / "run.json").write_text(json.dumps(provenance(), indent=2) + "\n")
            except OSError as error:
                raise cannot_write(error.filename or root, error) from None
        return _stages(recipe, wanted, restart, main)


def alone(folder: Path, main: bool) -> AbstractContextManager[object]:
    """Keep other trainings out of a run folder; of the processes of one training `main` does it for all.

    Raises:
        UserError: another training runs there, or the folder cannot be written.
    """
    busy = f"another training runs in {folder}; wait until it ends, or choose another output"
    return locked(folder / "train.lock", busy) if main else nullcontext()


def _stages(recipe: Recipe, wanted: Sequence[str], restart: bool, main: bool) -> list[dict[str, Any]]:
    root = Path(recipe.output)
    summaries = []
    start: Path | None = None
    for name, stage in recipe.stages.items():
        folder = root / name
        if name in wanted:
            if restart and main:
                shutil.rmtree(folder, ignore_errors=True)
            summaries.append(_stage(recipe, name, stage, folder, start, restart))
        if is_model(folder / "model"):
            start = folder / "model"
    return summaries


def _stage(
    recipe: Recipe, name: str, stage: Any, folder: Path, start: Path | None, restart: bool
) -> dict[str, Any]:
    summary = folder / "summary.json"
    if not restart:
        check_recipe(recipe, name, folder, "--restart trains it anew, another output keeps both")
    if name == "reconstruct":
        from ser_ros.train.reconstruct import reconstruct

        return reconstruct(recipe, stage, folder, restart)
    # After a restart the first process may not have removed the folder yet.
    if not restart and is_model(folder / "model") and summary.is_file():
        return {**json.loads(summary.read_text()), "status": "kept"}
    from ser_ros.train.stage import train_stage

    return train_stage(recipe, name, stage, folder, start)


def check_recipe(recipe: Recipe, name: str, folder: Path, advice: str) -> None:
    """Refuse to keep, or to go on with, what another recipe has begun.

    Args:
        recipe: the run.
        name: the stage.
        folder: the stage's folder.
        advice: what the error tells to do.

    Raises:
        UserError: names the parameters that differ, of those that decide the weights of this stage.
    """
    path = folder / "recipe.yaml"
    begun = is_model(folder / "model") or any(folder.glob("checkpoint-*")) or any(folder.glob("decoder.*"))
    if not begun or not path.is_file():
        return
    if differs := changed(decides(load_recipe(path), name), decides(recipe, name)):
        raise UserError(f"{folder} was trained with another recipe ({', '.join(differs)}); {advice}")


def decides(recipe: Recipe, name: str) -> dict[str, Any]:
    """The parameters that decide the weights of a stage.

    Folders of data and parts may have moved, and the model that the stage began with may be gone: not they.
    """
    stage = dataclasses.asdict(recipe.stages[name])
    del stage["micro_batch"]  # the result stays the same
    for source in stage["data"]:
        del source["expect_images"], source["expect_captions"]
    kept = {key: getattr(recipe, key) for key in ("seed", "precision", "max_length", "missing_images")}
    parts = ("vision_tower", "second_tower", "language_model")
    model = {part: Path(getattr(recipe.model, part)).name for part in parts}
    return {**kept, "model": {**model, "config": recipe.model.config}, "stages": {name: stage}}


def is_model(folder: Path) -> bool:
    """Whether a checkpoint was saved there."""
    return os.path.isfile(folder / "config.json")  # False, too, for a name that no file can have
