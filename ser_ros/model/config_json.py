"""Plain JSON types to a tree of dataclasses, refusing what it does not know."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from ser_ros.errors import UserError


def build(kind: Any, raw: Any, where: str) -> Any:
    """Make a dataclass from a JSON object; the types of its fields say what must stand there.

    Args:
        kind: the dataclass; its fields are plain types, dataclasses, tuples, dicts, or one of these or None.
        raw: what json.loads gave.
        where: how an error calls this place.

    Raises:
        UserError: no object, an unknown key, or a value of another type than its field's.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{where}: expected a JSON object, got {type(raw).__name__}")
    hints = get_type_hints(kind)
    unknown = sorted(set(raw) - {f.name for f in fields(kind)})
    if unknown:
        raise UserError(f"{where}: unknown keys {', '.join(unknown)}; another version or program wrote it")
    return kind(**{key: _value(hints[key], value, f"{where}: {key}") for key, value in raw.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        return _value(next(kind for kind in inner if kind is not NoneType), value, where)
    if is_dataclass(hint):
        return build(hint, value, where)
    if origin is tuple:
        items = _plain(list, value, where)
        kinds = [inner[0]] * len(items) if inner[-1] is ... else inner
        if len(kinds) != len(items):
            raise UserError(f"{where}: expected {len(kinds)} values, got {len(items)}")
        return tuple(_value(kind, item, where) for kind, item in zip(kinds, items, strict=True))
    if origin is dict:
        named = _plain(dict, value, where)
        return {name: _value(inner[1], item, f"{where}: {name}") for name, item in named.items()}
    return value if hint is Any else _plain(hint, value, where)


def _plain(expected: type, value: Any, where: str) -> Any:
    kinds = (int, float) if expected is float else expected
    if not isinstance(value, kinds) or (isinstance(value, bool) and expected is not bool):
        raise UserError(f"{where}: expected {expected.__name__}, got {value!r}")
    return value
