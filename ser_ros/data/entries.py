"""Reading dataset files so that every complaint names file, entry and field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError

GZIP = b"\x1f\x8b"
"""First bytes of a file that gzip made."""

_NAMES: dict[type, str] = {str: "text", int: "a whole number", list: "a list", dict: "an object"}


def load_json(path: Path) -> Any:
    """The parsed file, a byte order mark or not; UserError where it is missing, unreadable or no JSON."""
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            raise UserError(f"{path} is compressed; unpack it first (gunzip)")
        return json.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path} is a folder, a JSON file is needed") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text (byte {error.start}), so it is no JSON file") from None
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path} is not valid JSON (line {error.lineno}, column {error.colno}: {error.msg}); "
            "a download may have been cut short"
        ) from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists a thousand deep
        raise UserError(f"{path} cannot be read as JSON ({' '.join(str(error).split())})") from None


class Entry:
    """One entry of a dataset file whose fields are checked when they are asked for."""

    def __init__(self, path: Path, name: str, value: Any) -> None:
        """`name` tells a person which entry: "entry 17", "images[3]"."""
        self.path, self.name, self.value = path, name, value
        if not isinstance(value, dict):
            raise self.wrong("itself", "an object", value)

    def wrong(self, field: str, wanted: str, found: Any) -> UserError:
        """The error for a field that is not what the format says."""
        shown = json.dumps(found, default=str)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return UserError(f"{self.path}, {self.name}: field '{field}' must be {wanted}, found {shown}")

    def missing(self, field: str) -> UserError:
        """The error for a field that is absent."""
        return UserError(f"{self.path}, {self.name}: field '{field}' is missing")

    def get(self, field: str, *kinds: type, default: Any = ...) -> Any:
        """The value of `field`, one of `kinds`; `default` where it is absent or null."""
        found = self.value.get(field)
        if found is None:
            if default is ...:
                raise self.missing(field)
            return default
        if not isinstance(found, kinds) or isinstance(found, bool):
            raise self.wrong(field, " or ".join(_NAMES.get(kind, kind.__name__) for kind in kinds), found)
        return found

    def text(self, field: str) -> str:
        """A text that is not blank, stripped."""
        found = self.get(field, str).strip()
        if not found:
            raise self.wrong(field, "text that is not blank", self.value[field])
        return found

    def id(self, field: str, default: Any = ...) -> str:
        """An id, number or text, as text."""
        return str(self.get(field, int, str, default=default))

    def child(self, field: str, index: int, value: Any) -> Entry:
        """The entry `field[index]` inside this one."""
        return Entry(self.path, f"{self.name}, {field}[{index}]", value)


def entries(path: Path, value: Any, kind: str, name: str = "entry") -> list[Entry]:
    """The entries of a JSON list; UserError where the file holds something else or nothing."""
    if not isinstance(value, list):
        raise UserError(f"{path} is no {kind} file: a JSON list is needed, found {type(value).__name__}")
    if not value:
        raise UserError(f"{path} holds no entries, so there is nothing to read from this {kind} file")
    return [Entry(path, f"{name} {number}", item) for number, item in enumerate(value)]
