"""Plain JSON types to a tree of dataclasses, refusing what it does not know."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

from ser_ros.errors import UserError


def build(kind: Any, raw: Any, where: str, parts: dict[str, type]) -> Any:
    """Make a dataclass from a JSON object.

    Args:
        kind: the dataclass.
        raw: what json.loads gave.
        where: how an error calls this place.
        parts: key -> dataclass, wherever a key holds one, a list of it or a mapping of names to it.

    Raises:
        UserError: no object, an unknown key, or a plain value of another type than the field's.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{where}: expected a JSON object, got {type(raw).__name__}")
    hints = get_type_hints(kind)
    unknown = sorted(set(raw) - {f.name for f in fields(kind)})
    if unknown:
        raise UserError(f"{where}: unknown keys {', '.join(unknown)}; another version or program wrote it")
    values: dict[str, Any] = {}
    for key, value in raw.items():
        at = f"{where}: {key}"
        if key in parts and isinstance(value, list):
            values[key] = tuple(build(parts[key], item, at, parts) for item in value)
        elif key == "prompts" and isinstance(value, dict):
            values[key] = {name: build(parts[key], item, at, parts) for name, item in value.items()}
        elif key in parts and value is not None:
            values[key] = build(parts[key], value, at, parts)
        elif isinstance(value, list):
            values[key] = tuple(value)
        else:
            values[key] = _plain(hints[key], value, at)
    return kind(**values)


def _plain(expected: Any, value: Any, where: str) -> Any:
    fits = not (expected is int and isinstance(value, bool))
    if expected in (int, str, bool, dict) and not (fits and isinstance(value, expected)):
        raise UserError(f"{where}: expected {expected.__name__}, got {value!r}")
    return value
