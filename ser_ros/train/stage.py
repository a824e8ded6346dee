"""One of the paper's three stages: data, what learns, Trainer, and the model folder at the end."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import transformers

from ser_ros import __version__
from ser_ros.errors import UserError
from ser_ros.model.ser_model import SerModel
from ser_ros.train.assemble import first_model
from ser_ros.train.callbacks import MetricsFile, ProgressBar, Samples, final_loss
from ser_ros.train.dataset import CaptionDataset, collate, encode
from ser_ros.train.features import FeatureStore, tower_features
from ser_ros.train.learner import Learner
from ser_ros.train.recipe import Recipe, Stage
from ser_ros.train.recipe_file import write_recipe
from ser_ros.train.rows import Row, stage_rows
from ser_ros.train.trainer import SerTrainer, last_checkpoint, loader_errors, training_arguments


def train_stage(recipe: Recipe, name: str, stage: Stage, folder: Path, start: Path | None) -> dict[str, Any]:
    """Train one stage, resuming where a killed run stopped.

    Args:
        recipe: the run.
        name: "pretrain", "stage1" or "stage2".
        stage: its parameters.
        folder: results go here; `folder/model` is the checkpoint folder.
        start: model of the stage before; None starts from `recipe.model`.

    Returns:
        The summary that also lies in `folder/summary.json`.
    """
    transformers.set_seed(recipe.seed)
    rows, reports = stage_rows(recipe, name, stage)
    checked = _validation_rows(recipe, name, stage)
    args = training_arguments(recipe, stage, folder)
    main = args.process_index == 0
    model = first_model(recipe, start)
    _check_parts(model, name, stage)
    _check_prompts(model, [*rows, *checked], recipe.max_length)
    model.train_only(stage.trains)
    layers = model.config.buffer_layers if name == "stage2" else model.config.connector.layers
    features = _features(recipe, stage, model, [*rows, *checked], layers, args)
    learner = Learner(model, layers)
    if args.use_cpu:  # PyTorch's fused attention has a slow backward pass there: a sixth of a step
        model.language.decoder.set_attn_implementation("eager")
    if recipe.gradient_checkpointing:
        learner.recompute_activations()
    if main:
        folder.mkdir(parents=True, exist_ok=True)
        write_recipe(recipe, folder / "recipe.yaml")
        (folder / "sources.json").write_text(json.dumps([dataclasses.asdict(r) for r in reports], indent=2))

    skip = recipe.missing_images == "skip"

    def dataset(some: Sequence[Row]) -> CaptionDataset:
        assert model.tokenizer is not None
        return CaptionDataset(
            some, model.tokenizer, max_length=recipe.max_length, features=features, skip_broken=skip
        )

    bar = ProgressBar(name)
    trainer = SerTrainer(
        model=learner,
        args=args,
        train_dataset=dataset(rows),
        eval_dataset=dataset(checked) if checked else None,
        data_collator=collate,
        callbacks=[bar, MetricsFile(folder)],
    )
    trainer.remove_callback(transformers.PrinterCallback)
    if recipe.sample_every and recipe.samples:
        shown = _spread(checked or rows, recipe.samples)
        trainer.add_callback(Samples(shown, folder, recipe.sample_every, int(name == "stage2"), skip))
    checkpoint = _agreed(last_checkpoint(folder) if main else None, args.world_size)
    with bar, loader_errors():
        outcome = trainer.train(resume_from_checkpoint=checkpoint)
    summary: dict[str, Any] = {
        "stage": name,
        "model": str(folder / "model"),
        "status": "done",
        "rows": len(rows),
        "steps": trainer.state.global_step,
        "loss": final_loss(trainer.state),
        "seconds": round(outcome.metrics["train_runtime"], 1),
    }
    if checked:
        with loader_errors():
            summary["validation_loss"] = trainer.evaluate()["eval_loss"]
    _finish(trainer, recipe, folder, summary)
    return summary


def _validation_rows(recipe: Recipe, name: str, stage: Stage) -> list[Row]:
    """Rows of the validation source; refinements only where it brings initial captions."""
    source = recipe.validation
    if source is None:
        return []
    paired = bool(source.pseudo or source.include_gt)
    kind = "stage1" if name == "stage2" and not paired else name
    return stage_rows(recipe, kind, dataclasses.replace(stage, data=[source], glance_rate=0.0))[0]


def _check_parts(model: SerModel, name: str, stage: Stage) -> None:
    if name == "stage2" and model.deeplens is None:
        raise UserError(
            "stage 2 needs a DeepLens but the start model has none; give it one (config.deeplens)"
        )
    if not stage.trains:
        raise UserError(f"stages.{name}.trains names no part, so nothing would learn")
    idle = {"deeplens"} if name != "stage2" else set() if stage.glance_rate else {"connector"}
    if idle & set(stage.trains):
        raise UserError(f"stages.{name}.trains names {idle.pop()}, which learns nothing there; leave it out")


def _check_prompts(model: SerModel, rows: Sequence[Row], max_length: int) -> None:
    """Now, and not when the first row of a style is drawn, learn that the model has no such prompt.

    Raises:
        UserError: a style without prompt or second glance, or no room for a caption after it.
    """
    assert model.tokenizer is not None
    for row in {(row.style, row.initial is None, row.in_prompt): row for row in rows}.values():
        encode(row, model.tokenizer, max_length)


def _features(
    recipe: Recipe, stage: Stage, model: SerModel, rows: Sequence[Row], layers: tuple[int, ...], args: Any
) -> FeatureStore | None:
    """The cached tower features of all pictures; the first process computes what is missing."""
    if not recipe.feature_cache:
        return None
    if "vision" in stage.trains:
        raise UserError(
            "feature_cache needs a frozen vision tower; set it to '' or leave 'vision' out of trains"
        )
    images = [row.image for row in rows]
    with args.main_process_first(local=False, desc="tower features"):
        store = FeatureStore.of_model(Path(recipe.feature_cache), model)
        if store.missing(images):
            model.to(args.device)
            skip = recipe.missing_images == "skip"
            store.build(images, tower_features(model, recipe.precision), skip_broken=skip)
    return store.only(layers)


def _spread(rows: Sequence[Row], count: int) -> list[Row]:
    """`count` rows of different pictures, evenly over all."""
    pictures = list({row.image: row for row in rows}.values())
    return pictures[:: max(1, len(pictures) // count)][:count]


def _agreed(checkpoint: Path | None, processes: int) -> str | None:
    """The first process's choice, told to all: files may appear to them at different times."""
    choice = [str(checkpoint) if checkpoint else None]
    if processes > 1:
        import torch.distributed as dist

        dist.broadcast_object_list(choice, src=0)
    return choice[0]


def _finish(trainer: SerTrainer, recipe: Recipe, folder: Path, summary: dict[str, Any]) -> None:
    """Write `folder/model` so that it is either whole or not there."""
    whole = trainer.accelerator.get_state_dict(trainer.model) if recipe.fsdp else None
    if trainer.args.should_save:
        model: SerModel = trainer.accelerator.unwrap_model(trainer.model).model
        if whole is not None:  # FSDP keeps only shards in each process
            model = SerModel(model.config, model.tokenizer)
            model.load_state_dict({name.removeprefix("model."): value for name, value in whole.items()})
        part = folder / "model.part"
        shutil.rmtree(part, ignore_errors=True)
        model.save_pretrained(part, card=_card(recipe, summary))
        (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        shutil.rmtree(folder / "model", ignore_errors=True)  # one whose summary is gone
        os.replace(part, folder / "model")
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
    trainer.accelerator.wait_for_everyone()


def _card(recipe: Recipe, summary: dict[str, Any]) -> str:
    stage = recipe.stages[summary["stage"]]
    data = "\n".join(f"* {source.path} ({source.format}, {source.split})" for source in stage.data)
    numbers = "\n".join(f"* {key}: {value}" for key, value in summary.items() if key != "model")
    return (
        f"# {recipe.name}, after {summary['stage']}\n\n"
        f"Trained by ser_ros {__version__}; the recipe is `recipe.yaml` and the revision `run.json` of the "
        f"run folder.\n\n## Data\n{data}\n\n## Training\n{numbers}\n"
    )
