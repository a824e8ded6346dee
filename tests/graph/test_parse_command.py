"""`ser_ros parse` as a person and a program use it."""

from __future__ import annotations

import io
import json
import xml.dom.minidom
from pathlib import Path

import pytest

from ser_ros.cli import main

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "report.png"


def test_triples_a_line_for_each_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "captions.txt"
    file.write_text("a man holding a red umbrella\n\na cat on a mat\r\n", encoding="utf-8")
    assert main(["parse", "--format", "triples", str(file)]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "( man , hold , umbrella ) , ( umbrella , is , red )", "", "( cat , on , mat )", "",
    ]  # fmt: skip


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(b"a cat on a mat\n\xff\xfe\n"), encoding="ascii")
    )
    assert main(["parse", "--format", "json", "-"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert [node["label"] for node in json.loads(lines[0])["nodes"]] == ["cat", "mat"]


def test_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--caption", "a cat on a mat", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["graphs"][0]["edges"][0]["predicate"] == "on"


def test_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "--caption", "two red cups on a [bold]table"]) == 0
    out = capsys.readouterr().out
    assert "cup" in out
    assert "red" in out
    assert main(["parse", "--caption", "hello!"]) == 0


def test_files_of_one_graph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name for name in ("g.svg", "g.graphml", "g.dot")]
    options = [x for path in paths for x in (f"--{path.suffix[1:]}", str(path))]
    assert main(["parse", "--caption", "a red cup on a table", *options]) == 0
    svg, graphml, dot = (path.read_text(encoding="utf-8") for path in paths)
    assert xml.dom.minidom.parseString(svg).documentElement.tagName == "svg"
    assert "cup" in svg
    assert "on" in svg
    assert "graphml" in graphml
    assert dot.startswith("digraph")
    assert "things 2, relations 1" in capsys.readouterr().out


def test_a_caption_of_nothing_still_draws(tmp_path: Path) -> None:
    assert main(["parse", "--caption", "", "--svg", str(tmp_path / "g.svg")]) == 0
    xml.dom.minidom.parse(str(tmp_path / "g.svg"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["no_such_file.txt"], "no_such_file.txt"),
        ([str(PICTURE)], "no text file"),
        (["--caption", "a cat", "--svg", "/no/such/folder/x.svg"], "x.svg"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["parse", *arguments]) == 2
    assert word in capsys.readouterr().err


def test_one_picture_needs_one_caption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "captions.txt"
    file.write_text("a cat\na dog\n", encoding="utf-8")
    assert main(["parse", str(file), "--dot", str(tmp_path / "x.dot")]) == 2
    assert "2 captions" in capsys.readouterr().err
