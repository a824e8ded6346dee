"""The paper's prompts, answers good and bad, and a real OpenAI-compatible server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.data.pseudo.prompts import DETAILED, SHORT, parse_answer
from tests.llm_server import save_tiny_llm, serve, serve_a_page, serve_with_filter

CAPTION = "a red ball on the left"
ANSWER = ['1. "a green ball on the left"\n', '2. "a red box on the left"\n', '3. "a red ball on the right"']


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    path = tmp_path / "captions.json"
    images = [{"id": n, "file_name": f"{n}.png"} for n in range(6)]
    annotations = [{"image_id": n, "caption": CAPTION} for n in range(6)]
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_the_prompts_are_the_papers() -> None:
    assert SHORT.startswith(
        "You are a caption rewriting assistant. Your task is to generate a new image caption"
    )
    assert "modifying one or two details—or possibly leaving it unchanged" in SHORT
    assert SHORT.count("Example") == 4
    assert "modifying **3 to 5 details** or possibly leaving it unchanged" in DETAILED
    assert DETAILED.count("Example") == 3
    for prompt in (SHORT, DETAILED):
        assert prompt.endswith('1. "caption"\n2. "caption"\n3. "caption"')


@pytest.mark.parametrize(
    "text",
    [
        "".join(ANSWER),
        "Sure! Here they are:\n\n" + "".join(ANSWER) + "\n\nLet me know.",
        "1) a green ball on the left\n2) a red box on the left\n3) a red ball on the right\n4) more",
        "**1.** “a green ball on the left”\n**2.** “a red box on the left”\n**3.** “a red ball on the right”",
    ],
)
def test_good_answers(text: str) -> None:
    assert parse_answer(text, CAPTION) == [
        "a green ball on the left",
        "a red box on the left",
        "a red ball on the right",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I'm sorry, I cannot help with that.",
        "1. a green ball on the left\n2. a red box on the left",
        "1. a\n2. b\n3. c",
        "1. I'm sorry, as an AI\n2. a red box on the left\n3. a red ball on the right",
        "".join(f"{n}. {'word ' * 60}\n" for n in (1, 2, 3)),
    ],
)
def test_bad_answers(text: str) -> None:
    assert parse_answer(text, CAPTION) is None


def test_the_estimate_asks_nobody(captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pseudo", "--data", str(captions), "--out", str(tmp_path / "p.jsonl"), "--generator", "llm"]
    assert main([*arguments, "--estimate", "--json", "--price-in", "1", "--price-out", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["requests"] == 6
    assert found["US dollars"] == pytest.approx(
        (found["tokens_in"] + 2 * found["tokens_out"]) / 1e6, abs=1e-4
    )
    assert not (tmp_path / "p.jsonl").exists()


def test_no_server_is_one_sentence(
    captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["pseudo", "--data", str(captions), "--out", str(tmp_path / "p.jsonl"), "--generator", "llm"]
    assert main([*arguments, "--base-url", "http://127.0.0.1:9/v1"]) == 2
    assert "http://127.0.0.1:9/v1 cannot be reached" in capsys.readouterr().err


def test_the_prompts_make_three_captions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["pseudo", "--data", "gt.json", "--out", str(tmp_path / "p.jsonl"), "--generator", "llm"]
    assert main([*arguments, "--per-caption", "4"]) == 2
    assert "from 1 to 3" in capsys.readouterr().err


def test_a_caption_that_the_server_filters_has_failed(
    captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.loads(captions.read_text())
    content["annotations"][2]["caption"] = "a bloody knife on the left"
    captions.write_text(json.dumps(content))
    arguments = ["pseudo", "--data", str(captions), "--out", str(tmp_path / "p.jsonl"), "--generator", "llm"]
    with serve_with_filter("".join(ANSWER), "bloody") as url:
        assert main([*arguments, "--base-url", url, "--json"]) == 0
    shown = capsys.readouterr()
    counts = json.loads(shown.out)
    assert (counts["done"], counts["failed"]) == (5, 1)
    assert "without a usable answer: 1" in shown.err


def test_ctrl_c_keeps_what_was_answered(captions: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    command = [sys.executable, "-m", "ser_ros.cli", "pseudo", "--data", str(captions), "--out", str(out)]
    command += ["--generator", "llm", "--per-minute", "60"]
    with serve_with_filter("".join(ANSWER), "nothing") as url:
        process = subprocess.Popen([*command, "--base-url", url], stderr=subprocess.PIPE, text=True)
        while not out.exists() or not out.read_text():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, shown = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in shown
    assert 1 <= len(out.read_text().splitlines()) < 6


@pytest.mark.slow
def test_a_real_server_that_answers_well(
    captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    llm = save_tiny_llm(tmp_path / "llm", ANSWER)
    out = tmp_path / "p.jsonl"
    with serve(llm) as url:
        arguments = ["pseudo", "--data", str(captions), "--out", str(out), "--generator", "llm", "--json"]
        arguments += ["--base-url", url, "--llm", str(llm)]
        assert main([*arguments, "--limit", "2", "--per-minute", "600"]) == 0
        assert json.loads(capsys.readouterr().out)["done"] == 2
        assert main(arguments) == 0
        counts = json.loads(capsys.readouterr().out)
        assert main([*arguments, "--llm", str(tmp_path / "other")]) == 0  # nothing left to ask
        capsys.readouterr()
        (tmp_path / "q").mkdir()
        arguments[arguments.index(str(out))] = str(tmp_path / "q" / "p.jsonl")
        assert main([*arguments, "--llm", str(tmp_path / "other")]) == 2
        assert "the server refuses" in capsys.readouterr().err
    assert counts == {
        "captions": 6, "done": 6, "failed": 0, "pseudo": 18, "unchanged": 0, "retries": 0, "file": str(out),
    }  # fmt: skip
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [record["key"] for record in records] == [f"{n}#0" for n in range(6)]
    assert records[5]["pseudo"][1] == "a red box on the left"


@pytest.mark.slow
def test_a_real_server_that_babbles(
    captions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    llm = save_tiny_llm(tmp_path / "llm", None)
    out = tmp_path / "p.jsonl"
    with serve(llm) as url:
        arguments = ["pseudo", "--data", str(captions), "--out", str(out), "--generator", "llm", "--json"]
        assert main([*arguments, "--base-url", url, "--llm", str(llm), "--tries", "2"]) == 0
    counts = json.loads(capsys.readouterr().out)
    assert (counts["done"], counts["failed"], counts["retries"]) == (0, 6, 6)
    assert len(out.read_text().splitlines()) == 6


@pytest.mark.parametrize(
    ("body", "kind", "shown"),
    [
        ("<html>Welcome</html>", "text/html", "'<html>Welcome</html>'"),
        ("null", "application/json", "'None'"),
        ('{"cut', "application/json", "cut"),
        ('{"error": {"message": "no such model"}}', "application/json", "no such model"),
    ],
)
def test_something_else_than_an_llm_is_one_sentence(
    captions: Path, body: str, kind: str, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["pseudo", "--data", str(captions), "--out", str(tmp_path / "p.jsonl"), "--generator", "llm"]
    with serve_a_page(body, kind) as url:
        assert main([*command, "--llm", "x", "--base-url", url]) == 2
    said = capsys.readouterr().err
    assert "the server answers no chat completion but" in said
    assert shown in said
