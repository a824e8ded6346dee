"""The numbers: against the Java pipeline, against hand-made cases, and what a run prints."""

from __future__ import annotations

import gzip
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair, pair_up
from ser_ros.eval.capture import capture
from ser_ros.eval.coco_metrics import coco_metrics
from ser_ros.eval.graph_metrics import graph_metrics, spice_ser
from ser_ros.eval.metric import mean_metric
from ser_ros.eval.ptb import tokenize_corpus
from ser_ros.eval.statistics import add_intervals, paired_difference

PURE = ("BLEU", "ROUGE_L", "CIDEr")


def coco_sample(shared_data: Path) -> list[CaptionPair]:
    entries = json.loads((shared_data / "coco_sample" / "captions.json").read_text())
    return [CaptionPair(str(e["image_id"]), e["captions"][0], e["captions"][1:]) for e in entries]


def odd_captions(_: Path) -> list[CaptionPair]:
    """Empty, of punctuation or emoji alone, repeated, in other scripts, with the jar's own separator."""
    said = {
        "": ["a red chair", "the chair is red"],
        "a man on a bench": ["...", "a man sits on a bench"],
        "😀😀": ["two dogs", "two dogs"],
        "un café — “bien” 3½ €": ["un café à côté", "naïve façade № 5"],
        "一只 红色 的 椅子": ["一只 红色 椅子", "椅子 😀"],
        "a ||| red ||| chair": ["a ||| red chair", "|||"],
        "it's a dog's 10:30 a.m. t.v. (new)": ["the dog's t.v.", "it's 10:30 a.m. [new]"],
        "   ": ["a cat"],
        "a dog and " * 100: ["a dog and a cat"],
    }
    return [CaptionPair(str(i), text, references) for i, (text, references) in enumerate(said.items())]


def many_captions(shared_data: Path) -> list[CaptionPair]:
    """Real captions as if five in a row were of one image; 33,665 to 33,669 end in "200 N."."""
    with gzip.open(shared_data / "ptb_pairs" / "dev_raw.txt.gz", "rt") as file:
        lines = [line.strip() for line in itertools.islice(file, 32_500, 34_000)]
    return [CaptionPair(str(i), lines[i], lines[i + 1 : i + 5]) for i in range(0, len(lines), 5)]


WITH_JAVA = pytest.mark.skipif(not shutil.which("java"), reason="the reference pipeline is Java")


def java_tokens(pairs: list[CaptionPair]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """References and candidates through Stanford's tokeniser, as COCO's own evaluation does it."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    references = {p.image_id: [{"caption": r} for r in p.references] for p in pairs}
    candidates = {p.image_id: [{"caption": p.candidate}] for p in pairs}
    return PTBTokenizer().tokenize(references), PTBTokenizer().tokenize(candidates)


@WITH_JAVA
@pytest.mark.parametrize("data", [coco_sample, many_captions, odd_captions])
def test_equal_to_the_java_pipeline(shared_data: Path, data: Callable[[Path], list[CaptionPair]]) -> None:
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    pairs = data(shared_data)
    references, candidates = java_tokens(pairs)
    wanted = [*Bleu(4).compute_score(references, candidates, verbose=0)[0]]
    wanted += [scorer.compute_score(references, candidates)[0] for scorer in (Rouge(), Cider())]
    found = coco_metrics(pairs, PURE)
    assert [m.name for m in found] == ["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE_L", "CIDEr"]
    assert [m.value for m in found] == pytest.approx(wanted, abs=1e-6)
    tokens = iter(tokenize_corpus([text for pair in pairs for text in pair.references]))
    for pair in pairs:
        assert [" ".join(next(tokens)) for _ in pair.references] == references[pair.image_id]


@WITH_JAVA
@pytest.mark.parametrize("data", [coco_sample, many_captions, odd_captions])
def test_meteor_is_that_of_the_java_pipeline(
    shared_data: Path, data: Callable[[Path], list[CaptionPair]]
) -> None:
    """Its jar and its paraphrases come with pycocoevalcap; 300 images agree to the last printed digit."""
    from pycocoevalcap.meteor.meteor import Meteor

    pairs = data(shared_data)
    wanted, per_image = Meteor().compute_score(*java_tokens(pairs))
    (meteor,) = coco_metrics(pairs, ["METEOR"])
    assert meteor.value == wanted
    assert meteor.per_image.tolist() == per_image
    assert meteor.of(np.arange(len(pairs))) == pytest.approx(wanted)


def test_resampling_the_whole_set_is_the_score(files: SimpleNamespace) -> None:
    pairs = pair_up(files.references, files.predictions)
    for metric in coco_metrics(pairs, PURE):
        assert metric.of(np.arange(len(pairs))) == pytest.approx(metric.value, abs=1e-9)


def test_intervals_and_differences(files: SimpleNamespace) -> None:
    ours = coco_metrics(pair_up(files.references, files.perfect), PURE)
    theirs = coco_metrics(pair_up(files.references, files.predictions), PURE)
    add_intervals(ours, 3)
    for metric, other in zip(ours, theirs, strict=True):
        low, high = metric.details["interval"]
        assert low <= metric.value + 1e-9
        assert metric.value <= high + 1e-9
        assert paired_difference(metric, other)["difference"] > 0
        same = paired_difference(metric, metric)
        assert (same["difference"], same["p"]) == (0, 1)


def test_without_java_meteor_says_so(files: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (meteor,) = coco_metrics(pair_up(files.references, files.predictions), ["METEOR"])
    assert meteor.value is None
    assert "openjdk" in meteor.note


def test_nan_scores_are_counted_not_hidden() -> None:
    metric = mean_metric("x", [1.0, float("nan"), 0.0])
    assert metric.value == 0.5
    assert metric.details["without_score"] == 1
    assert mean_metric("x", [float("nan")]).value is None


def test_empty_captions_score_zero_and_are_told(
    files: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = json.loads(files.predictions.read_text())
    predictions[1]["caption"] = " "
    files.predictions.write_text(json.dumps(predictions))
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    assert main([*command, "--metrics", "BLEU,CIDEr,SPICE(ser),CAPTURE", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["empty_captions"] == 1
    assert 0 < result["metrics"]["CIDEr"]["value"] < 10
    files.predictions.write_text(json.dumps([{"image_id": i, "caption": ""} for i in (1, 2, 3)]))
    assert main([*command, "--metrics", "BLEU,ROUGE_L,CIDEr,SPICE(ser),CAPTURE", "--json"]) == 0
    metrics = json.loads(capsys.readouterr().out)["metrics"]
    assert {round(metric["value"], 6) for metric in metrics.values()} == {0}


def test_references_without_a_word_have_no_cider() -> None:
    pairs = [CaptionPair("1", "a red chair", ["..."]), CaptionPair("2", "two dogs", ["!", ""])]
    *_, cider = coco_metrics(pairs, PURE)
    assert (cider.name, cider.value) == ("CIDEr", None)
    assert "no word" in cider.note


def test_what_captions_say(files: SimpleNamespace) -> None:
    perfect = pair_up(files.references, files.perfect)
    said = pair_up(files.references, files.predictions)
    assert spice_ser(perfect).value > spice_ser(said).value > 0
    assert 1 >= capture(perfect).value > capture(said).value > 0
    alone = [CaptionPair("1", "A red chair.", ["A red chair."])]
    assert capture(alone).value == pytest.approx(1)
    assert spice_ser(alone).value == pytest.approx(1)


def test_true_graphs(tmp_path: Path) -> None:
    truth = {
        "image_id": 1,
        "objects": [
            {"noun": "chair", "count": 1, "attributes": ["red"]},
            {"noun": "table", "count": 1, "attributes": []},
        ],
        "relations": [[0, "next to", 1]],
        "allowed": [["chair", ["red"]], ["table", ["brown"]], ["lamp", []]],
    }
    graphs = tmp_path / "graphs.jsonl"
    graphs.write_text(json.dumps(truth) + "\n")
    good, bad = (
        {m.name: m.value for m in graph_metrics([CaptionPair("1", text, [""])], graphs)}
        for text in ("A red chair next to a table.", "A blue cat on a lamp.")
    )
    assert good == {
        "Graph F1": 1, "Object F1": 1, "Attribute F1": 1, "Relation F1": 1, "Hallucinated objects": 0,
    }  # fmt: skip
    assert bad["Graph F1"] == 0
    assert bad["Hallucinated objects"] == 0.5  # the cat; a lamp can be glimpsed


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"image_id": 1}', '{"image_id": 1, "objects": [5], "relations": []}',
     '{"image_id": 1, "objects": [{"noun": "cat"}], "relations": [[0, "on"]]}',
     '{"image_id": 1, "objects": [], "relations": [], "allowed": [1]}'],
)  # fmt: skip
def test_graphs_that_are_none(line: str, tmp_path: Path) -> None:
    graphs = tmp_path / "graphs.jsonl"
    graphs.write_text(line + "\n")
    with pytest.raises(UserError, match=r"graphs\.jsonl, line 1"):
        graph_metrics([CaptionPair("1", "a cat", [""])], graphs)


def test_what_cannot_be_done_is_said_before_scoring(
    files: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    for more, message in [
        (["--per-image", "/nowhere/x.jsonl"], "cannot write /nowhere/x.jsonl"),
        (["--metrics", ","], "names no metric"),
        (["--metrics", "graph"], "--graphs"),
        (["--metrics", "BERTScore"], "--bert-model"),
    ]:
        assert main([*command, *more]) == 2
        assert message in capsys.readouterr().err


def test_the_verb(files: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    out = tmp_path / "images.jsonl"
    command += ["--against", str(files.perfect), "--metrics", "CIDEr,SPICE", "--per-image", str(out)]
    assert main(command) == 0
    table = capsys.readouterr().out
    assert "CIDEr" in table
    assert "SPICE" in table
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["image_id"] for line in lines] == ["1", "2", "3"]
    assert main([*command, "--json", "--authors-cut"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["authors_cut"] is True
    assert result["against"]["CIDEr"]["difference"] < 0
    spice = result["metrics"]["SPICE"]
    assert spice["value"] is None
    assert "stanford-corenlp-3.6.0-models.jar" in spice["note"]
    assert main([*command[:5], "--metrics", "CIDER"]) == 2
    assert "there is no metric CIDER" in capsys.readouterr().err
