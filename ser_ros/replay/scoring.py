"""How much of what is true of the frames a replay says: graph scores before and after refinement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ser_ros.graph.parser import parse
from ser_ros.graph.scores import GraphScores, compare
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.references import Reference

KINDS = ("objects", "attributes", "relations")


@dataclass(frozen=True)
class ScoreRow:
    """One measure of both captions, in per cent."""

    name: str
    initial: float
    refined: float


def score_records(records: Sequence[FrameRecord], references: Mapping[int, Reference]) -> list[ScoreRow]:
    """F1 of objects, attributes and relations over the frames that have a reference; [] without any."""
    pairs = [(record, references[record.stamp]) for record in records if record.stamp in references]
    pairs = [(record, reference) for record, reference in pairs if not record.error]
    if not pairs:
        return []
    initial = sum((score_caption(r.initial, reference) for r, reference in pairs), GraphScores())
    refined = sum((score_caption(r.refined, reference) for r, reference in pairs), GraphScores())
    rows = [("graph F1", initial.all.f1, refined.all.f1)]
    rows += [(f"{kind} F1", getattr(initial, kind).f1, getattr(refined, kind).f1) for kind in KINDS]
    return [ScoreRow(name, 100 * a, 100 * b) for name, a, b in rows]


def score_caption(caption: str, reference: Reference) -> GraphScores:
    """One caption against the true graph, or against the reference sentence that it fits best."""
    found = _graph(caption)
    if reference.triples is not None:
        return compare(found, reference.triples)
    sentence = best_sentence(caption, reference)
    return compare(found, _graph(sentence)) if sentence else GraphScores()


def best_sentence(caption: str, reference: Reference) -> str:
    """The reference sentence that says most of what `caption` says, the first of equals; "" without any."""
    found = _graph(caption)
    fits = {text: compare(found, _graph(text)).all.f1 for text in reference.captions}
    return max(fits, key=lambda text: fits[text], default="")


@lru_cache(maxsize=10_000)
def _graph(sentence: str) -> SceneTriples:
    """Sentences come back: both glances of a frame often say the same, and each meets every reference."""
    return parse(sentence)
