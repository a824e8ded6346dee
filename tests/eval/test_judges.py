"""CLAIR and the judge: reading answers, and a real server that answers, babbles or is blind."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval.captions_files import pair_up
from ser_ros.eval.judges import clair, judge, parse_clair, parse_judge
from ser_ros.eval.llm import Server, ServerOptions
from tests.llm_server import save_tiny_llm, serve, serve_a_page, serve_with_filter


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("Score: 85\nReason: close", 85),
        ("Score: [72.5]\nReason:", 72.5),
        ('{"score": 40, "reason": "no"}', 40),
        ('```json\n{"score": "60"}\n```', 60),
        ("**Score:** 10", 10),
        ("90", 90),
        ("Score: 120", None),
        ("I am sorry, I cannot judge this.", None),
        ("There are 2 dogs.", None),
        ("", None),
    ],
)
def test_reading_clair(answer: str, score: float | None) -> None:
    assert parse_clair(answer) == score


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ("Score: [4]\nReason:", 4),
        ("Judgement: [[2]]", 2),
        ("Score: 3", 3),
        ("[9]", None),
        ("no", None),
        ("", None),
    ],
)
def test_reading_the_judge(answer: str, grade: float | None) -> None:
    assert parse_judge(answer) == grade


@pytest.fixture(scope="module")
def clear_server(tmp_path_factory: pytest.TempPathFactory):
    folder = save_tiny_llm(tmp_path_factory.mktemp("llm") / "judge", ["Score: 80\n", "Reason: ", "alike"])
    with serve(folder) as url:
        yield SimpleNamespace(url=url, model=str(folder))


@pytest.mark.slow
def test_clair_from_a_real_server_and_a_rerun_that_asks_nothing(
    files: SimpleNamespace, clear_server: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = files.folder / "cache.jsonl"
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    command += ["--metrics", "CLAIR", "--llm", clear_server.model, "--base-url", clear_server.url]
    command += [
        "--judge-images",
        "2",
        "--judge-seeds",
        "2",
        "--cache",
        str(cache),
        "--temperature",
        "0",
        "--json",
    ]
    assert main(command) == 0
    result = json.loads(capsys.readouterr().out)["metrics"]["CLAIR(paper)"]
    assert (result["value"], result["deviation"], result["unparsable"]) == (80, 0, 0)
    kept = cache.read_text().splitlines()
    assert len(kept) == 4
    cache.write_text("\n".join(kept[:3]) + "\n" + kept[3][:20])  # a crash in the last line
    options = ServerOptions(clear_server.model, clear_server.url, temperature=0.0)
    for asked in (1, 0):
        server = Server(options, cache)
        clair(pair_up(files.references, files.predictions), server, "paper", 2, 2)
        assert server.asked == asked


@pytest.mark.slow
def test_a_blind_judge_is_found_out(files: SimpleNamespace, clear_server: SimpleNamespace) -> None:
    from PIL import Image

    for number in (1, 2, 3):
        Image.new("RGB", (8, 8)).save(files.folder / f"{number}.png")
    server = Server(ServerOptions(clear_server.model, clear_server.url, temperature=0.0))
    with pytest.raises(UserError, match=r"does not see images|server refuses"):
        judge(pair_up(files.references, files.predictions), files.folder, server, "paper", 3, 1)


@pytest.mark.slow
def test_unparsable_answers_are_counted(files: SimpleNamespace, tmp_path: Path) -> None:
    folder = save_tiny_llm(tmp_path / "babbler", None)
    with serve(folder) as url:
        server = Server(ServerOptions(str(folder), url, max_tokens=8, tries=2))
        metric = clair(pair_up(files.references, files.predictions), server, "official", 3, 1)
    assert metric.value is None
    assert metric.details["unparsable"] == 3


def test_a_question_that_the_server_filters_has_no_score(files: SimpleNamespace) -> None:
    with serve_with_filter("Score: 70", "dogs") as url:
        metric = clair(
            pair_up(files.references, files.predictions), Server(ServerOptions("m", url)), "paper", 3, 2
        )
    assert metric.value == 70
    assert metric.details["unparsable"] == 2


def test_no_server(files: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    assert main([*command, "--metrics", "CLAIR"]) == 2
    assert "--llm" in capsys.readouterr().err
    options = ServerOptions("m", "http://127.0.0.1:9/v1", timeout=1)
    with pytest.raises(UserError, match="cannot be reached"):
        clair(pair_up(files.references, files.predictions), Server(options), "paper", 1, 1)


def test_a_page_is_no_judge(files: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    with serve_a_page("<html>Welcome</html>") as url:
        assert main([*command, "--metrics", "CLAIR", "--llm", "x", "--base-url", url]) == 2
    assert "the server answers no chat completion but '<html>" in capsys.readouterr().err
