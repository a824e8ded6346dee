"""The caption reader's training: alignment, longer sentences, and a reader that loads."""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from ser_ros.graph.arcs import Arc, Renames, to_reading
from ser_ros.graph.factual import read_factual, to_factual
from ser_ros.graph.reader import TrainedReader
from ser_ros.graph.reading import assemble
from ser_ros.graph.tokens import tokenize
from ser_ros.train.parser_align import Aligned, align
from ser_ros.train.parser_augment import longer, with_list, with_pronoun

torch = pytest.importorskip("torch")

ROWS = [
    ("a man holding an umbrella", "( man , hold , umbrella )"),
    ("two dogs sitting on red grass", "( dogs , sit on , grass ) , ( dogs , is , 2 ) , ( grass , is , red )"),
    ("the leg of the man", "( man , have , leg )"),
    ("grass covered in snow", "( snow , cover , grass )"),
    ("cell phone on a light blue table", "( cellphone , on , table ) , ( table , is , light blue )"),
    ("a cat next to trees and bushes", "( cat , next to , trees ) , ( cat , next to , bushes )"),
    ("the window is open", "( window , is , open )"),
    ("a man is walking down the street", "( man , walk down , street )"),
]  # fmt: skip
RENAMES = Renames({"cell phone": "cellphone"}, {})


def aligned(caption: str, graph: str) -> Aligned:
    return align([token for sentence in tokenize(caption) for token in sentence], read_factual(graph))


def said(example: Aligned) -> set[tuple[str, ...]]:
    reading = to_reading(example.graph, example.tokens, RENAMES)
    return set(read_factual(to_factual(assemble("", reading))))


@pytest.mark.parametrize(("caption", "graph"), ROWS)
def test_the_words_of_a_label_are_found(caption: str, graph: str) -> None:
    example = aligned(caption, graph)
    assert not example.lost
    assert said(example) == set(read_factual(graph))


def test_what_no_word_says_is_lost() -> None:
    example = aligned("a cat on a mat", "( cat , on , mat ) , ( cat , is , hungry )")
    assert example.lost == [("cat", "is", "hungry")]


def test_joined_captions_say_all_of_their_parts() -> None:
    examples = [aligned(*row) for row in ROWS]
    for tokens, graph in longer(examples, 200, random.Random(0)):
        n = len(tokens)
        assert set(graph.things) <= set(range(n))
        assert all(0 <= i < n and 0 <= j < n for i, j in graph.arcs)
        for (i, _), (label, _) in graph.arcs.items():
            assert (i in graph.templates) == (label in (Arc.SUBJECT, Arc.OBJECT, Arc.VERB))


def test_a_pronoun_takes_the_place_of_a_thing() -> None:
    example = with_pronoun(aligned(*ROWS[0]), random.Random(3))
    words = " ".join(token.text for token in example.tokens)
    assert words in ("he holding an umbrella", "a man holding it") or "one" in words
    assert len(said(example)) == 1


def test_listed_things_stand_in_the_same_relation() -> None:
    found = set()
    for seed in range(20):
        example = with_list(aligned(*ROWS[0]), [aligned(*ROWS[5])], random.Random(seed))
        found |= said(example)
    assert ("man", "hold", "cat") in found


def test_numpy_reads_what_torch_computes() -> None:
    from ser_ros.graph.features import COLUMNS
    from ser_ros.train.parser_model import ReaderModel

    torch.manual_seed(0)
    model = ReaderModel(words=30, templates=4).eval()
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    tables = {
        "words": [str(i) for i in range(28)],
        "templates": list("abcd"),
        "renamed_things": {},
        "renamed_attributes": {},
    }
    reader = TrainedReader(tables, model.to_numpy())
    rng = np.random.default_rng(0)
    rows = [rng.integers(1, 4, (n, len(COLUMNS))).astype(np.int32) for n in (3, 7, 1)]
    ids = torch.zeros(3, 7, len(COLUMNS), dtype=torch.long)
    for b, row in enumerate(rows):
        ids[b, : len(row)] = torch.from_numpy(row)
    with torch.no_grad():
        nodes, arcs = model(ids, torch.tensor([3, 7, 1]))
    for b, (thing, template, arc) in enumerate(reader._scores(rows)):
        n = len(rows[b])
        np.testing.assert_allclose(thing, nodes[b, :n, :2].softmax(-1)[:, 1], atol=1e-5)
        np.testing.assert_allclose(template, nodes[b, :n, 2:].softmax(-1), atol=1e-5)
        np.testing.assert_allclose(arc, arcs[b, :n, :n].softmax(-1), atol=1e-5)
    again = ReaderModel(words=30, templates=4).eval()
    again.load_numpy(model.to_numpy())
    with torch.no_grad():
        torch.testing.assert_close(again(ids, torch.tensor([3, 7, 1]))[0], nodes)


def test_training_writes_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_ros.train import parser

    file = tmp_path / "train.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["caption", "scene_graph"])
        writer.writerows(ROWS * 4)
    arguments = [
        "--train",
        str(file),
        "--dev",
        str(file),
        "--epochs",
        "1",
        "--words",
        "60",
        "--out",
        str(tmp_path),
    ]
    monkeypatch.setattr(sys, "argv", ["parser", *arguments])
    parser.main()
    reader = TrainedReader.load(tmp_path)
    assert "hold" not in reader.templates  # predicates of a verb are templates, "V"
    assert "V" in reader.templates
    assert len(reader.read(tokenize("a man holding an umbrella"))) == 1
    monkeypatch.setattr(sys, "argv", ["parser", *arguments, "--start", str(tmp_path), "--minutes", "0.001"])
    parser.main()
