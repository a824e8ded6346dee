"""YAML files that people write, as dataclasses: strict reading, with `--set KEY.SUBKEY=VALUE` on top."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ser_ros.errors import UserError

T = TypeVar("T")

NO_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
"""What PyYAML raises: its own, and what it stumbles over in a tag like `!!bool x` or a thousand brackets."""
MERGE = "tag:yaml.org,2002:merge"


class _TwiceError(Exception):
    """A mapping has a key twice; lines count from 1."""

    def __init__(self, key: str, first: int, second: int) -> None:
        self.key, self.first, self.second = key, first, second


class _Loader(yaml.SafeLoader):
    """Refuses equal keys in one mapping, of which PyYAML takes the last without a word."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                continue
            line = key.start_mark.line + 1
            if (key.tag, key.value) in lines:
                raise _TwiceError(key.value, lines[key.tag, key.value], line)
            lines[key.tag, key.value] = line
        return node


def read_yaml(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The mapping in a YAML file, with `--set KEY.SUBKEY=VALUE` applied; an empty file is an empty one.

    Raises:
        UserError: no such file, no YAML, a key that stands twice, no mapping, or an override that is none.
    """
    try:
        content = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"recipe {path} cannot be read: {error.strerror}") from None
    except _TwiceError as twice:
        raise UserError(
            f"recipe {path}, line {twice.second}: '{twice.key}' is already given in line {twice.first}; "
            "keep one of the two"
        ) from None
    except NO_YAML as error:
        raise UserError(f"recipe {path} is not valid YAML: {' '.join(str(error).split())}") from None
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise UserError(f"recipe {path} must be a mapping of parameters")
    for override in overrides:
        _apply(content, override)
    return content


def _parse(text: str) -> Any:
    return yaml.load(text, _Loader)


def _apply(content: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise UserError(f"--set {override}: write KEY=VALUE, e.g. stages.stage1.epochs=2")
    try:
        value = _parse(text) if text else ""
    except _TwiceError as twice:
        raise UserError(f"--set {override}: '{twice.key}' is given twice; keep one of the two") from None
    except NO_YAML:
        raise UserError(f"--set {override}: {text} is not valid YAML") from None
    place: Any = content
    *parents, last = key.split(".")
    for parent in parents:
        if isinstance(place, list) and parent.isdecimal() and int(parent) < len(place):
            place = place[int(parent)]
            continue
        if not isinstance(place, dict):
            raise UserError(f"--set {override}: '{parent}' is not inside a mapping of the recipe")
        place = place.setdefault(parent, {})
    if isinstance(place, list) and last.isdecimal() and int(last) < len(place):
        place[int(last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise UserError(f"--set {override}: '{last}' is not inside a mapping of the recipe")


def build(kind: type[T], content: Any, where: str, base: T | None = None) -> T:
    """A dataclass from what `read_yaml` read; the types of its fields say what must stand there.

    Args:
        kind: the dataclass; its fields are plain types, dataclasses, lists, tuples of one type, dicts,
            literals, Any, or one of these or None.
        content: the mapping.
        where: how an error calls this place.
        base: fields that are absent keep its values; None takes the defaults.

    Raises:
        UserError: no mapping, an unknown parameter (the nearest is named), a wrong type, or one missing.
    """
    if not isinstance(content, dict):
        raise UserError(f"{where} must be a mapping of parameters, found {content!r}")
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in content.items():
        if key not in hints:
            near = difflib.get_close_matches(str(key), hints, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; it has {', '.join(hints)}"
            raise UserError(f"{where}: unknown parameter '{key}'{hint}")
        values[key] = _value(hints[key], value, f"{where}: {key}" if ": " not in where else f"{where}.{key}")
    if base is not None:
        return dataclasses.replace(base, **values)  # type: ignore[type-var]
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            raise UserError(f"{where}: {field.name} is missing")
    return kind(**values)


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        if value is None and types.NoneType in args:
            return None
        return _value(next(arg for arg in args if arg is not types.NoneType), value, where)
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint), value, where)
    if origin in (list, tuple):
        if not isinstance(value, list):
            raise UserError(f"{where} must be a list, found {value!r}")
        return origin(_value(args[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise UserError(f"{where} must be a mapping, found {value!r}")
        return {name: _value(args[1], item, f"{where}.{name}") for name, item in value.items()}
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
        quotes = "; put it in quotes" if hint is str and not isinstance(value, list | dict | None) else ""
        raise UserError(f"{where} must be {hint.__name__}, found {value!r}{quotes}")
    return value
