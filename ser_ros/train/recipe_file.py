"""Training recipes as YAML files: read with all that can be wrong in them named, and written back in full."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ser_ros.errors import UserError
from ser_ros.train.recipe import SCHEDULES, STAGES, Recipe, Reconstruct, Source
from ser_ros.train.yaml_file import build, read_yaml


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file, with `--set KEY.SUBKEY=VALUE` applied.

    Raises:
        UserError: what `read_yaml`, `build` and `check` refuse.
    """
    content = read_yaml(path, overrides)
    stages = content.pop("stages", {})
    recipe = build(Recipe, content, str(path))
    recipe.stages = _stages(stages, f"{path}: stages")
    return check(recipe, str(path))


AT_LEAST_ONE = ("log_every", "save_every", "keep_checkpoints", "max_length")
AT_LEAST_ZERO = ("workers", "validate_every", "sample_every", "samples")
CHOICES = {
    "precision": ("bf16", "fp16", "fp32"),
    "device": ("auto", "cpu", "cuda"),
    "missing_images": ("error", "skip"),
}


def check(recipe: Recipe, where: str) -> Recipe:
    """Ranges and choices that the types cannot say.

    Raises:
        UserError: a value is out of range; the sentence begins with `where` and names it.
    """
    for name, allowed in CHOICES.items():
        choose(getattr(recipe, name), allowed, f"{where}: {name}")
    for name in AT_LEAST_ONE:
        _reach(getattr(recipe, name), 1, f"{where}: {name}")
    for name in AT_LEAST_ZERO:
        _reach(getattr(recipe, name), 0, f"{where}: {name}")
    if not 0 <= recipe.seed < 2**32:
        raise UserError(f"{where}: seed must be from 0 to {2**32 - 1}, not {recipe.seed}")
    if not recipe.stages:
        raise UserError(f"{where}: 'stages' names no stage; choose among {', '.join(STAGES)}")
    for name, stage in recipe.stages.items():
        place = f"{where}: stages.{name}"
        if not stage.data:
            raise UserError(f"{place}.data names no dataset")
        for key in ("epochs", "learning_rate", "batch_size", "micro_batch"):
            if not 0 < getattr(stage, key) < math.inf:
                raise UserError(f"{place}.{key} must be above 0")
        for key in ("warmup", "glance_rate", "caption_in_prompt"):
            if not 0 <= getattr(stage, key, 0) <= 1:
                raise UserError(f"{place}.{key} must be from 0 to 1")
        if not 0 <= stage.weight_decay < math.inf:
            raise UserError(f"{place}.weight_decay must be at least 0")
        _reach(stage.max_steps, 0, f"{place}.max_steps")
        choose(getattr(stage, "schedule", SCHEDULES[0]), SCHEDULES, f"{place}.schedule")
        if isinstance(stage, Reconstruct):
            _check_probe(stage, place)
        for number, source in enumerate(stage.data):
            _check_source(source, f"{place}.data[{number}]")
    if recipe.validation is not None:
        _check_source(recipe.validation, f"{where}: validation")
    return recipe


def _check_source(source: Source, place: str) -> None:
    if not source.path:
        raise UserError(f"{place}.path names no annotation file")
    for key in ("limit", "expect_images", "expect_captions"):
        _reach(getattr(source, key), 0, f"{place}.{key}")
    for pseudo in source.pseudo:
        if not pseudo.path:
            raise UserError(f"{place}.pseudo names no file of `ser_ros pseudo`")
        _reach(pseudo.per_caption, 1, f"{place}.pseudo.per_caption")


def _check_probe(probe: Reconstruct, place: str) -> None:
    for key in ("width", "depth", "heads", "grid"):
        _reach(getattr(probe, key), 1, f"{place}.{key}")
    if probe.width % probe.heads or probe.width % 4:
        raise UserError(
            f"{place}.width is {probe.width}; it must be a multiple of heads ({probe.heads}) and of 4"
        )
    if not 0 <= probe.beta2 < 1:
        raise UserError(f"{place}.beta2 must be at least 0 and below 1")
    if not probe.layers:
        raise UserError(f"{place}.layers names no layer of the tower")


def choose(value: str, allowed: Sequence[str], where: str) -> None:
    """Raise a UserError, `where` before it, unless the value is one of those allowed."""
    if value not in allowed:
        raise UserError(f"{where} must be one of {', '.join(allowed)}, not '{value}'")


def _reach(value: int, least: int, where: str) -> None:
    if value < least:
        raise UserError(f"{where} must be at least {least}, not {value}")


def changed(old: Any, new: Any, key: str = "") -> list[str]:
    """Parameters that differ between two recipes, as plain mappings, such as "stages.stage1.epochs"."""
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            found
            for name in {**old, **new}
            for found in changed(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if old == new else [key]


def write_recipe(recipe: Recipe, path: Path) -> None:
    """The whole recipe with every default written out, so that a run can be repeated."""
    path.write_text(yaml.safe_dump(dataclasses.asdict(recipe), sort_keys=False), encoding="utf-8")


def _stages(content: Any, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise UserError(f"{where} must be a mapping from stage to its parameters")
    unknown = [name for name in content if name not in STAGES]
    if unknown:
        raise UserError(f"{where}: unknown stage '{unknown[0]}'; choose among {', '.join(STAGES)}")
    made = {}
    for name, default in STAGES.items():  # always in the order of training
        if name in content:
            base = default()
            made[name] = build(type(base), content[name] or {}, f"{where}.{name}", base)
    return made
