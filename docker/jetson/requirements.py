#!/usr/bin/env python3
"""What a robot installs from PyPI: the hard dependencies and the tokenizer, without a backend.

    docker/jetson/requirements.py pyproject.toml

The backend is left out because the board's vendor builds it. Python 3.10 has no TOML reader of its own, so
the one that pip brings is used there.
"""

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:
    from pip._vendor import tomli as tomllib  # type: ignore[no-redef]


def requirements(pyproject: Path) -> list[str]:
    """Requirement lines, as pip reads them."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    onnx = project["optional-dependencies"]["onnx"]
    return [*project["dependencies"], *(line for line in onnx if not line.startswith("onnx"))]


if __name__ == "__main__":
    print("\n".join(requirements(Path(sys.argv[1]))))
