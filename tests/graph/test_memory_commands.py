"""`ser_ros query` and `ser_ros memory`, called as a person calls them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import networkx as nx
import pytest

from ser_ros.cli import main
from ser_ros.graph.memory import Memory, MemoryConfig
from tests.graph.memory_scenes import SECOND, START, pose, seen


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "memory.db"
    with Memory.open(path, MemoryConfig(robot="anna")) as memory:
        memory.observe(
            [seen("A kitchen with a white cup on a wooden table."), seen("a red chair", 60, pose(5))]
        )
    return path


def test_query_prints_a_sentence_and_a_table(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(store), "where", "is", "the", "cup?"]) == 0
    printed = capsys.readouterr().out
    assert "I last saw the white cup a minute ago in the kitchen, on the table." in printed
    assert "score" in printed


def test_query_prints_one_json_object(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", str(store), "red chair", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    (match,) = answer["matches"]
    assert (match["label"], match["attributes"], match["last_seen"]) == (
        "chair",
        ["red"],
        START + 60 * SECOND,
    )
    assert match["robot_pose"]["x"] == 5.0
    assert answer["understood"] == "find red chair"


def test_info_tells_people_the_time_of_the_newest_image(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["memory", "info", str(store)]) == 0
    newest = datetime.fromtimestamp((START + 60 * SECOND) / 1e9)
    assert f"{newest:%Y-%m-%d %H:%M:%S}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["query", "none.db", "chair"], "there is no memory at"),
        (["query", "STORE", "?!"], "names nothing to look for"),
        (["query", "STORE", "chair", "--max-matches", "0"], "--max-matches is 0"),
        (["query", "STORE", "chair", "--min-score", "7"], "--min-score is 7.0; it takes 0 to 1"),
        (["query", "STORE", "where is the cup?", "where is the chair?"], "ask for one at a time"),
        (["query", "STORE", "chair", "--timezone", "Nowhere"], "Europe/Berlin"),
        (["query", "STORE", "chair", "--embeddings", "/nowhere"], "no model.safetensors"),
        (["memory", "info", "none.db"], "there is no memory at"),
        (["memory", "export", "STORE", "graph.png"], "must end in"),
        (["memory", "export", "STORE", "/nowhere/graph.json"], "cannot write /nowhere/graph.json"),
        (["memory", "upgrade", "none.db"], "there is no memory at"),
        (["memory", "merge", "STORE", "STORE", "--out", "STORE"], "exists"),
        (["memory", "merge", "STORE", "--out", "o.db", "--transform", "x=1,2"], "X,Y,Z,YAW"),
        (["memory", "merge", "STORE", "--out", "o.db", "--transform", "x=1,2,3,4"], "none of the stores"),
    ],
)
def test_bad_input_is_one_sentence(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    assert main([str(store) if word == "STORE" else word for word in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert reason in printed.err
    assert printed.err.count("\n") == 1


def test_info_and_export(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["memory", "info", str(store), "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["robot"], info["frame_id"], info["objects"], info["rooms"]) == (
        "anna",
        "map",
        3,
        ["kitchen"],
    )
    out = tmp_path / "graph.json"
    assert main(["memory", "export", str(store), str(out)]) == 0
    graph = nx.node_link_graph(json.loads(out.read_text()), edges="edges")
    with Memory.open(store, read_only=True) as memory:
        original = memory.to_networkx()
    assert nx.utils.graphs_equal(graph, original)
    assert main(["memory", "export", str(store), str(tmp_path / "graph.graphml")]) == 0
    flat = nx.read_graphml(tmp_path / "graph.graphml", force_multigraph=True)
    assert set(flat) == set(original)
    assert flat.number_of_edges() == original.number_of_edges()
    chair = next(node for _, node in flat.nodes(data=True) if node.get("label") == "chair")
    assert json.loads(chair["evidence"])[0]["caption"] == "a red chair"


def test_merge(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, out = tmp_path / "bert.db", tmp_path / "both.db"
    with Memory.open(other, MemoryConfig(robot="bert", frame_id="bert/odom")) as memory:
        memory.observe(seen("a red chair", 90, pose(4, frame="bert/odom")))
    merge = ["memory", "merge", str(store), str(other), "--out", str(out)]
    assert main(merge) == 2
    assert "--transform" in capsys.readouterr().err
    assert main([*merge, "--frame", "map", "--transform", f"{other}=1,0,0,0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["robots"] == ["anna", "bert"]
    with Memory.open(out, read_only=True) as memory:
        (chair,) = memory.query("red chair").matches
    assert chair.times_seen == 2
    assert chair.pose is not None
    assert chair.pose.x == 5.0
