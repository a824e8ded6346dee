"""Captions against what is true of the frames, and two runs against each other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.graph.frame_graph import to_networkx, to_node_link
from ser_ros.graph.parser import parse
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.references import beside, read_references
from ser_ros.replay.scoring import score_records

PATROL = Path(__file__).resolve().parents[2] / "demo" / "patrol"


def record(stamp: int, initial: str, refined: str) -> FrameRecord:
    return FrameRecord(stamp, stamp, "/camera", "camera", initial=initial, refined=refined)


def write_truth(path, frames) -> None:
    rows = [
        {"stamp": s, "captions": c, "graph": to_node_link(to_networkx(parse(g))) if g else None}
        for s, c, g in frames
    ]
    path.write_text(json.dumps({"frames": rows}))


def test_refinement_that_finds_the_truth_scores_higher(tmp_path):
    write_truth(tmp_path / "ground_truth.json", [(1, ["a red chair"], "a red chair next to a table")])
    references = read_references(tmp_path / "ground_truth.json")
    rows = score_records([record(1, "a blue chair", "a red chair next to a table")], references)
    scores = {row.name: (float(row.initial), float(row.refined)) for row in rows}
    assert scores["graph F1"][1] == 100.0
    assert scores["attributes F1"] == (0.0, 100.0)
    assert scores["objects F1"][0] < 100.0


def test_without_a_graph_the_best_fitting_sentence_counts(tmp_path):
    write_truth(tmp_path / "t.json", [(1, ["a red chair", "a dog on a rug"], None)])
    rows = score_records([record(1, "a cat", "a dog on a rug")], read_references(tmp_path / "t.json"))
    assert rows[0].refined == "100.0"


def test_reads_the_truth_of_the_simulated_patrol():
    references = read_references(PATROL / "ground_truth.json")
    frame = next(r for r in references.values() if r.triples is not None and len(r.triples.relations) > 1)
    assert len(references) == 180
    assert frame.captions[0].startswith(("A ", "An ", "The ", "There ", "Two ", "Three "))
    assert all(relation.object < len(frame.triples.objects) for relation in frame.triples.relations)


def test_frames_without_reference_or_caption_do_not_count(tmp_path):
    write_truth(tmp_path / "t.json", [(1, ["a dog"], None)])
    failed = FrameRecord(1, 1, "/camera", "camera", error="broken")
    assert score_records([failed, record(2, "a", "b")], read_references(tmp_path / "t.json")) == []


def test_ground_truth_is_found_in_the_bag_or_next_to_it(tmp_path):
    bag = tmp_path / "bag"
    bag.mkdir()
    assert beside(bag) is None
    (tmp_path / "ground_truth.json").touch()
    assert beside(bag) == tmp_path / "ground_truth.json"
    (bag / "ground_truth.json").touch()
    assert beside(bag) == bag / "ground_truth.json"


@pytest.mark.parametrize("text", ["", "[]", '{"frames": [{}]}', '{"frames": 3}'])
def test_other_files_are_named(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UserError, match=r"t\.json: is no ground truth"):
        read_references(tmp_path / "t.json")


def test_compare_shows_what_changed_and_whether_it_is_better(tmp_path, capsys):
    for name, said in (("a", ["a blue chair", "a dog"]), ("b", ["a red chair", "a dog"])):
        (tmp_path / name).mkdir()
        lines = [record(i, text, text).to_json() for i, text in enumerate(said)]
        (tmp_path / name / "captions.jsonl").write_text("\n".join(lines) + "\n")
    write_truth(tmp_path / "t.json", [(0, ["a red chair"], None)])
    runs = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert main(["replay", "--compare", *runs, "--references", str(tmp_path / "t.json"), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["changed"], result["better"], result["worse"]) == (2, 1, 1, 0)
    assert main(["replay", "--compare", *runs]) == 0
    assert "1 of 2 captions differ." in capsys.readouterr().out
    assert main(["replay", "--compare", runs[0], str(tmp_path)]) == 2
