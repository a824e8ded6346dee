"""Scores over what captions say: SPICE(ser), and facts and hallucinations against a true graph."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.metric import Metric, mean_metric
from ser_ros.graph import wordnet
from ser_ros.graph.parser import parse
from ser_ros.graph.scores import GraphScores, Score, compare
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span


def spice_ser(pairs: Sequence[CaptionPair]) -> Metric:
    """SPICE's F1 with our parser instead of Stanford's: mean over images, references taken together."""
    scores = [
        compare(parse(pair.candidate), union([parse(text) for text in pair.references])) for pair in pairs
    ]
    return mean_metric("SPICE(ser)", [score.all.f1 for score in scores], "with the parser of ser_ros")


def union(graphs: Sequence[SceneTriples]) -> SceneTriples:
    """One graph that says what all of them say."""
    objects: list[SceneObject] = []
    relations: list[SceneRelation] = []
    for graph in graphs:
        first = len(objects)
        objects += graph.objects
        relations += [
            SceneRelation(r.subject + first, r.predicate, r.object + first, r.span) for r in graph.relations
        ]
    return SceneTriples(" ".join(graph.caption for graph in graphs), tuple(objects), tuple(relations))


def graph_metrics(pairs: Sequence[CaptionPair], graphs: Path) -> list[Metric]:
    """Facts and hallucinations against the true graphs of the simulated home (`graphs.jsonl`).

    Graph F1 is micro averaged over all facts. An object is hallucinated when nothing that can be
    glimpsed in the picture has its name, a synonym, or is a kind of it.

    Raises:
        UserError: an image has no true graph.
    """
    truths = _read_graphs(graphs)
    missing = [pair.image_id for pair in pairs if pair.image_id not in truths]
    if missing:
        raise UserError(f"{graphs} has no graph for image {missing[0]} ({len(missing)} missing in all)")
    counts, wrong, named = [], [], []
    for pair in pairs:
        said = parse(pair.candidate)
        truth = truths[pair.image_id]
        counts.append(compare(said, truth.triples))
        heads = [thing.label for thing in said.objects]
        named.append(len(heads))
        wrong.append(sum(not any(_may_be_called(noun, label) for noun in truth.allowed) for label in heads))
    wrong_counts, named_counts = np.asarray(wrong, np.float64), np.asarray(named, np.float64)

    def chair(images: np.ndarray) -> float:
        return float(wrong_counts[images].sum() / max(1.0, named_counts[images].sum()))

    rate = chair(np.arange(len(pairs)))
    return [
        _micro("Graph F1", counts, lambda s: s.all),
        _micro("Object F1", counts, lambda s: s.objects),
        _micro("Attribute F1", counts, lambda s: s.attributes),
        _micro("Relation F1", counts, lambda s: s.relations),
        Metric(
            "Hallucinated objects", rate, wrong_counts / np.maximum(1, named_counts), "lower is better",
            chair, {"wrong": int(wrong_counts.sum()), "named": int(named_counts.sum())},
        ),
    ]  # fmt: skip


def _micro(name: str, scores: Sequence[GraphScores], part: Any) -> Metric:
    kinds: list[Score] = [part(score) for score in scores]
    counts = np.array([(k.matched, k.found, k.wanted) for k in kinds], np.float64)  # [N, 3]

    def f1(images: np.ndarray) -> float:
        matched, found, wanted = counts[images].sum(0)
        return float(2 * matched / max(1.0, found + wanted))

    total = sum(kinds, Score())
    details = {"precision": total.precision, "recall": total.recall}
    return Metric(name, f1(np.arange(len(kinds))), np.array([k.f1 for k in kinds]), "", f1, details)


def _may_be_called(noun: str, label: str) -> bool:
    head = label.split()[-1]
    return (
        noun in (label, head)
        or noun.split()[-1] == label
        or wordnet.are_synonyms(noun, label, "n")
        or wordnet.is_a(noun, label)
    )


@dataclass(frozen=True)
class _Truth:
    """What is in a picture, and every noun that would not be hallucinated."""

    triples: SceneTriples
    allowed: frozenset[str]


def _read_graphs(path: Path) -> dict[str, _Truth]:
    truths: dict[str, _Truth] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    truth = json.loads(line)
                    allowed = frozenset(noun for noun, _ in truth.get("allowed", []))
                    truths[str(truth["image_id"])] = _Truth(_as_triples(truth), allowed)
                except json.JSONDecodeError as error:
                    raise UserError(f"{path}, line {number} is not JSON ({error})") from None
                except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                    form = "image_id, objects [{noun, attributes}], relations [[subject, predicate, object]]"
                    raise UserError(f"{path}, line {number}: a graph has {form} ({error!r})") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: {error}") from None
    return truths


def _as_triples(truth: dict[str, Any]) -> SceneTriples:
    nowhere = Span(0, 0)
    objects = [
        SceneObject(
            index, thing["noun"], thing["noun"].split()[-1], thing["noun"], thing.get("count") or None,
            tuple(Attribute(word, nowhere) for word in thing.get("attributes", [])), nowhere,
        )
        for index, thing in enumerate(truth["objects"])
    ]  # fmt: skip
    wall = len(objects)  # the truth writes the wall as -1
    if any(-1 in (subject, thing) for subject, _, thing in truth["relations"]):
        objects.append(SceneObject(wall, "wall", "wall", "wall", None, (), nowhere))
    relations = [
        SceneRelation(wall if s == -1 else s, predicate, wall if o == -1 else o, nowhere)
        for s, predicate, o in truth["relations"]
    ]
    return SceneTriples("", tuple(objects), tuple(relations))
