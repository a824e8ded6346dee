"""Captions against what is true of the frames, and two runs against each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.graph.frame_graph import to_networkx, to_node_link
from ser_ros.graph.parser import parse
from ser_ros.replay.compare import Comparison
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.references import beside, read_references
from ser_ros.replay.scores_verb import all_scores
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
    assert rows[0].refined == 100.0


def test_a_true_sentence_of_the_simulated_patrol_scores_full_marks():
    references = read_references(PATROL / "ground_truth.json", "default")
    assert len(references) == 180
    true = [record(stamp, r.captions[0], r.captions[0]) for stamp, r in references.items() if r.captions]
    assert {row.name: row.refined for row in score_records(true, references)} == {
        "graph F1": 100.0,
        "objects F1": 100.0,
        "attributes F1": 100.0,
        "relations F1": 100.0,
    }


def test_what_is_said_of_an_empty_simulated_frame_is_wrong():
    references = read_references(PATROL / "ground_truth.json", "default")
    empty = next(stamp for stamp, r in references.items() if not r.captions)
    assert score_records([record(empty, "", "a red chair")], references)[0].refined == 0.0


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


def test_caption_metrics_stand_beside_graph_f1(tmp_path):
    pytest.importorskip("pycocoevalcap", reason="pycocoevalcap is not installed (extra [eval])")
    frames = [(1, ["a red chair"], None), (2, ["a dog on a rug"], None)]
    write_truth(tmp_path / "t.json", frames)
    records = [record(1, "a cat", "a red chair"), record(2, "a tall lamp", "a dog on a rug")]
    rows = {row.name: row for row in all_scores(records, read_references(tmp_path / "t.json"), [])}
    assert list(rows)[:6] == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE_L", "CIDEr"]
    assert rows["ROUGE_L"].refined == pytest.approx(100.0)
    assert rows["CIDEr"].initial < rows["CIDEr"].refined
    assert rows["graph F1"].refined == 100.0


def test_without_the_metrics_package_a_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocoevalcap", None)
    write_truth(tmp_path / "t.json", [(1, ["a red chair"], None)])
    warnings: list[str] = []
    rows = all_scores([record(1, "a", "b")], read_references(tmp_path / "t.json"), warnings)
    assert rows[0].name == "graph F1"
    assert "pip install 'ser-ros[eval]'" in warnings[0]


def test_references_of_the_prompt_style_count(tmp_path):
    captions = {"default": ["a dog"], "detailed": ["a brown dog sleeps on a rug"]}
    (tmp_path / "t.json").write_text(json.dumps({"frames": [{"stamp": 1, "captions": captions}]}))
    assert read_references(tmp_path / "t.json", "detailed")[1].captions == ("a brown dog sleeps on a rug",)
    assert len(read_references(tmp_path / "t.json", "plain")[1].captions) == 2


@pytest.fixture
def two_runs(tmp_path) -> list[str]:
    """Folders of two replays that differ in the first of two captions; the second run says it right."""
    for name, said in (("a", ["a blue chair", "a dog"]), ("b", ["a red chair", "a dog"])):
        (tmp_path / name).mkdir()
        lines = [record(i, text, text).to_json() for i, text in enumerate(said)]
        (tmp_path / name / "captions.jsonl").write_text("\n".join(lines) + "\n")
    write_truth(tmp_path / "t.json", [(0, ["a red chair"], None)])
    return [str(tmp_path / "a"), str(tmp_path / "b")]


def test_compare_shows_what_changed_and_whether_it_is_better(tmp_path, two_runs, capsys):
    truth = ["--references", str(tmp_path / "t.json")]
    assert main(["replay", "--compare", *two_runs, *truth, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["frames"], result["changed"], result["better"], result["worse"]) == (2, 1, 1, 0)
    assert result["scores"]["graph F1"]["b"] == 100.0
    page = (tmp_path / "b" / "compare.html").read_text()
    assert "a <del>blue</del> chair" in page
    assert "a <ins>red</ins> chair" in page
    assert 'data-verdict="better"' in page
    assert '<span class="label">Reference</span>a red chair' in page


def test_compare_works_without_references(tmp_path, two_runs, capsys):
    assert main(["replay", "--compare", *two_runs, "--out", str(tmp_path / "page")]) == 0
    assert "1 of 2 captions differ." in capsys.readouterr().out
    assert (tmp_path / "page" / "compare.html").is_file()
    assert main(["replay", "--compare", two_runs[0], str(tmp_path)]) == 2


def test_runs_of_the_same_name_are_told_apart(tmp_path):
    comparison = Comparison(tmp_path / "old" / "run", tmp_path / "new" / "run", 1, [])
    assert comparison.names == ("old/run", "new/run")
