"""Recipes as YAML files: strict reading, `--set` overrides, and writing back in full."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ser_ros.errors import UserError
from ser_ros.train.recipe import SCHEDULES, STAGES, Recipe, Reconstruct, Source

T = TypeVar("T")


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe of a YAML file, with `--set KEY.SUBKEY=VALUE` applied.

    Raises:
        UserError: no such file, no YAML, an unknown key (the nearest is named), a wrong type.
    """
    return check(_build(Recipe, read_yaml(path, overrides), str(path)), str(path))


def read_yaml(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The mapping in a YAML file, with `--set KEY.SUBKEY=VALUE` applied.

    Raises:
        UserError: no such file, no YAML, no mapping, or an override that is none.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"recipe {path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"recipe {path} is not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"recipe {path} must be a mapping of parameters")
    for override in overrides:
        _apply(content, override)
    return content


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
    import yaml

    path.write_text(yaml.safe_dump(dataclasses.asdict(recipe), sort_keys=False), encoding="utf-8")


def _apply(content: dict[str, Any], override: str) -> None:
    import yaml

    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override}: write KEY=VALUE, e.g. stages.stage1.epochs=2")
    try:
        value = yaml.safe_load(text) if text else ""
    except yaml.YAMLError:
        raise UserError(f"--set {override}: {text} is not valid YAML") from None
    place: Any = content
    *parents, last = key.split(".")
    for parent in parents:
        if isinstance(place, list) and parent.isdigit() and int(parent) < len(place):
            place = place[int(parent)]
            continue
        if not isinstance(place, dict):
            raise UserError(f"--set {override}: '{parent}' is not inside a mapping of the recipe")
        place = place.setdefault(parent, {})
    if isinstance(place, list) and last.isdigit() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise UserError(f"--set {override}: '{last}' is not inside a mapping of the recipe")


def _build(kind: type[T], content: Any, where: str, base: T | None = None) -> T:
    """A dataclass from parsed YAML; fields that are absent keep the value of `base`."""
    if not isinstance(content, dict):
        raise UserError(f"{where} must be a mapping of parameters, found {content!r}")
    hints = typing.get_type_hints(kind)
    made = base if base is not None else kind()
    for key, value in content.items():
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; it has {', '.join(hints)}"
            raise UserError(f"{where}: unknown parameter '{key}'{hint}")
        place = f"{where}: {key}" if ": " not in where else f"{where}.{key}"
        if kind is Recipe and key == "stages":
            setattr(made, key, _stages(value, place))
        else:
            setattr(made, key, _value(hints[key], value, place))
    return made


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
            made[name] = _build(type(base), content[name] or {}, f"{where}.{name}", base)
    return made


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return _value(next(arg for arg in args if arg is not type(None)), value, where)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, where)
    if origin is list:
        if not isinstance(value, list):
            raise UserError(f"{where} must be a list, found {value!r}")
        return [_value(args[0], item, f"{where}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise UserError(f"{where} must be a mapping, found {value!r}")
        return value
    if origin is typing.Literal:
        if value not in args:
            raise UserError(f"{where} must be one of {', '.join(map(str, args))}, found {value!r}")
        return value
    return _scalar(hint, value, where)


def _scalar(hint: type, value: Any, where: str) -> Any:
    if hint is float and isinstance(value, str):
        # YAML 1.1 reads 1e-4 (no dot) as text.
        try:
            return float(value)
        except ValueError:
            pass
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise UserError(f"{where} must be {hint.__name__}, found {value!r}")
    return value
