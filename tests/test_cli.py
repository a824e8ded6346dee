"""The command itself: it answers at once, knows its verbs, and says bad input in one sentence."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ser_ros import __version__, cli
from ser_ros.errors import UserError
from tests.processes import python_module

ROOT = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = python_module("ser_ros.cli", *arguments)
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_help_lists_every_verb() -> None:
    answer = run("--help")
    assert answer.returncode == 0
    for verb, (_, summary) in cli.VERBS.items():
        assert re.search(rf"^ +{re.escape(verb)}( |$)", answer.stdout, re.MULTILINE)
        assert summary.split()[0] in answer.stdout


def test_help_imports_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "ser_ros.cli", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in answer.stderr.splitlines()}
    assert "argparse" in loaded
    assert not loaded & {"numpy", "torch", "transformers", "rclpy", "networkx", "PIL", "rich", "onnxruntime"}


def test_a_terminal_without_the_letters_of_a_caption_shows_question_marks() -> None:
    command = python_module("ser_ros.cli", "parse", "--caption", "a caf\N{LATIN SMALL LETTER E WITH ACUTE}")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    answer = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert answer.stdout.startswith(b"a caf?\n")


def test_a_node_explains_itself_instead_of_starting(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["node", "caption", "--help"]) == 0
    assert "--params-file FILE" in capsys.readouterr().out


def test_version() -> None:
    assert run("--version").stdout == f"ser_ros {__version__}\n"


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("doctor", "--nonsense")])
def test_wrong_words_exit_with_2_and_usage(arguments: tuple[str, ...]) -> None:
    answer = run(*arguments)
    assert answer.returncode == 2
    assert answer.stderr.startswith("usage: ser_ros")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_explains_its_arguments(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(cli.VERBS[verb][0])
    assert callable(module.run)
    with pytest.raises(SystemExit) as end:
        cli.main([verb, "--help"])
    assert end.value.code == 0
    assert f"usage: ser_ros {verb}" in capsys.readouterr().out


@pytest.fixture
def failing_verb(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """A verb whose run() raises what the test puts into `error`."""
    (tmp_path / "failing_verb.py").write_text(
        "def add_arguments(parser): pass\ndef run(args): raise error\nerror = None\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(cli.VERBS, "fail", ("failing_verb", "fails"))
    yield importlib.import_module("failing_verb")
    del sys.modules["failing_verb"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UserError("a.jpg: no image; give a JPEG"), 2, "ser_ros fail: a.jpg: no image; give a JPEG\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            ModuleNotFoundError("no module", name="tokenizers"),
            2,
            "ser_ros fail: needs tokenizers, which is not installed here: "
            "`pip install 'ser-ros[torch]'` or `pip install 'ser-ros[onnx]'`\n",
        ),
        (
            ModuleNotFoundError("no module", name="networkx.algorithms"),
            2,
            "ser_ros fail: needs networkx, which is not installed here: `ser_ros doctor` says how to get it\n",  # noqa: E501
        ),
    ],
)
def test_errors_become_exit_codes(failing_verb, capsys, error: BaseException, code: int, said: str) -> None:
    failing_verb.error = error
    assert cli.main(["fail"]) == code
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("start", [("ser_ros.node.caption_node",), ("ser_ros.cli", "node", "caption")])
def test_a_node_without_ros_says_what_is_missing(start: tuple[str, ...]) -> None:
    command = [sys.executable, "-S", "-m", *start]  # -S: without any installed package
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 2
    assert "the nodes need ROS 2: source your ROS setup.bash" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_the_extras_that_are_named_exist() -> None:
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for module, names in cli.EXTRAS.items():
        for name in names:
            brought = " ".join(extras[name])
            assert module in brought or f"{module}-sdk" in brought, f"[{name}] does not bring {module}"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"'{sys.executable}' -m ser_ros.cli doctor --json | head -c 1"
    answer = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert answer.stdout == "{"
    assert "Traceback" not in answer.stderr
