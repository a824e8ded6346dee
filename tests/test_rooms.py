"""The rooms of docs/architecture.md: a room imports only rooms above it, and never what its row rules out."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ser_ros"
ROOMS = ["model", "runtime", "graph", "replay", "node", "data", "train", "eval"]
NEVER = {
    "model": {"rclpy", "networkx"},
    "runtime": {"rclpy"},
    "graph": {"rclpy", "torch"},
    "replay": {"rclpy"},
    "data": {"rclpy"},
    "train": {"rclpy"},
    "eval": {"rclpy"},
}
# Modules of verbs stand with cli.py, below all rooms.
VERB_MODULES = ("_command.py", "_verb.py")


def imports(path: Path) -> set[str]:
    """Dotted names of everything `path` imports, in functions as well."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_rooms_above_it(room):
    below = ROOMS[ROOMS.index(room) + 1 :]
    if room == "eval":
        below = ["model"]  # predictions come as files
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in (PACKAGE / room).rglob("*.py")
        if not path.name.endswith(VERB_MODULES)
        for name in imports(path)
        if name.startswith("ser_ros.") and name.split(".")[1] in below
    }
    assert not wrong


@pytest.mark.parametrize("room", NEVER)
def test_room_never_imports_what_its_row_rules_out(room):
    wrong = {
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in (PACKAGE / room).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in NEVER[room]
    }
    assert not wrong
