"""The trained reader: loading, decoding, and accuracy on labelled captions."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from ser_ros.errors import UserError
from ser_ros.graph import parse
from ser_ros.graph.arcs import Arc
from ser_ros.graph.decode import decode
from ser_ros.graph.factual import read_factual, to_factual
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.reader import FOLDER, TrainedReader, trained_reader
from ser_ros.graph.tokens import tokenize

MEGABYTES = 2**20


def probabilities(words: int, templates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores that say nothing: no thing, no predicate, no arc."""
    thing, template = np.full(words, 0.01), np.zeros((words, templates + 1))
    arc = np.zeros((words, words, len(Arc)))
    template[:, 0] = arc[..., 0] = 1
    return thing, template, arc


def test_a_predicate_needs_both_its_ends() -> None:
    thing, template, arc = probabilities(3, 1)
    thing[[0, 2]] = 0.9
    template[1] = [0.4, 0.6]
    arc[1, 0, Arc.SUBJECT] = 0.9
    assert not decode(thing, template, arc, ["on"]).templates
    arc[1, 2, Arc.OBJECT] = 0.45  # less likely than not, but the predicate and its subject are sure
    graph = decode(thing, template, arc, ["on"])
    assert graph.templates[1][0] == "on"
    assert graph.of(1, Arc.SUBJECT) == [0]
    assert graph.of(1, Arc.OBJECT) == [2]


def test_a_word_of_another_name_is_no_thing() -> None:
    thing, template, arc = probabilities(2, 1)
    thing[:] = 0.9
    arc[1, 0] = 0
    arc[1, 0, Arc.NAME] = 0.8
    assert set(decode(thing, template, arc, ["on"]).things) == {1}


def test_sentences_read_together_are_read_as_alone() -> None:
    reader = trained_reader()
    sentences = tokenize("a cat on a mat. two men. the old house is behind the tall green trees.")
    together = reader.read(sentences)
    alone = [reader.read([sentence])[0] for sentence in sentences]
    for a, b in zip(together, alone, strict=True):
        assert [m.name for m in a.mentions] == [m.name for m in b.mentions]
        assert [(x.subject, x.predicate, x.object) for x in a.links] == [
            (x.subject, x.predicate, x.object) for x in b.links
        ]
        assert [m.confidence for m in a.mentions] == pytest.approx(
            [m.confidence for m in b.mentions], abs=1e-4
        )


def test_the_files_are_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 20 * MEGABYTES


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reader\.json"):
        TrainedReader.load(tmp_path)
    shutil.copy(FOLDER / "reader.json", tmp_path)
    (tmp_path / "reader.npz").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"reader\.npz"):
        TrainedReader.load(tmp_path)


def facts(text: str) -> set[tuple[str, ...]]:
    return {
        tuple(part if i == 1 and len(fact) == 3 else noun_lemma(part) for i, part in enumerate(fact))
        for fact in read_factual(text)
    }


@pytest.mark.parametrize(("reader", "least"), [("rules", 0.58), ("trained", 0.68)])
def test_accuracy_on_labelled_captions(shared_data: Path, reader: str, least: float) -> None:
    """A third of random_dev; the bar on all of it stands in docs/parser.md."""
    with (shared_data / "factual" / "random_dev.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[::3]
    right = sum(facts(to_factual(parse(row["caption"], reader))) == facts(row["scene_graph"]) for row in rows)
    assert right / len(rows) >= least
