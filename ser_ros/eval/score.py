"""Score one prediction file: which metrics there are, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair, pair_up, three_sentences
from ser_ros.eval.coco_metrics import COCO_METRICS, coco_metrics
from ser_ros.eval.llm import Server, ServerOptions
from ser_ros.eval.metric import Metric
from ser_ros.eval.statistics import add_intervals

DEFAULT_METRICS = (*COCO_METRICS, "SPICE(ser)")
METRICS = (*DEFAULT_METRICS, "SPICE", "CAPTURE", "BERTScore", "graph", "CLAIR", "judge")


@dataclass(frozen=True)
class ScoreOptions:
    """What to compute and with what.

    Attributes:
        metrics: names of `METRICS`.
        style: reference captions of this style only; "" takes all.
        authors_cut: cut predictions to three sentences as the authors' script does.
        graphs: true graphs (`graphs.jsonl`), for "graph".
        images: folder of the pictures, for "judge".
        encoder: text encoder folder, for CAPTURE's soft matching; "installed" is that of the extra [embed].
        bert_model: encoder folder of BERTScore, with its layer and baseline.
        spice_jar: the original SPICE.
        wording: "paper" or "official" prompts of both judges.
        judge_images: images the judges see.
        judge_seeds: times each is judged.
        server: the judges' LLM.
        cache: file of the LLM's answers.
        intervals: whether to compute bootstrap intervals.
        seed: of the bootstrap.
    """

    metrics: Sequence[str] = DEFAULT_METRICS
    style: str = ""
    authors_cut: bool = False
    graphs: Path | None = None
    images: Path | None = None
    encoder: Path | None = None
    bert_model: Path | None = None
    bert_layer: int = 17
    bert_baseline: float = 0.0
    spice_jar: Path | None = None
    wording: str = "paper"
    judge_images: int = 100
    judge_seeds: int = 10
    server: ServerOptions = field(default_factory=lambda: ServerOptions(""))
    cache: Path | None = None
    intervals: bool = True
    seed: int = 0


def score(
    references: Path, predictions: Path, options: ScoreOptions
) -> tuple[list[CaptionPair], list[Metric]]:
    """All wanted metrics of one prediction file; UserError for bad files and missing options."""
    for name in options.metrics:
        if name not in METRICS:
            raise UserError(f"there is no metric {name}; choose from {', '.join(METRICS)}")
    pairs = pair_up(references, predictions, options.style)
    if options.authors_cut:
        pairs = [
            CaptionPair(p.image_id, three_sentences(p.candidate), p.references, p.file_name) for p in pairs
        ]
    metrics: list[Metric] = []
    coco = [name for name in COCO_METRICS if name in options.metrics]
    if coco:
        metrics += coco_metrics(pairs, coco)
    for name in METRICS:
        if name in options.metrics and name not in COCO_METRICS:
            metrics += _one(name, pairs, options)
    if options.intervals:
        add_intervals(metrics, len(pairs), options.seed)
    return pairs, metrics


def _one(name: str, pairs: Sequence[CaptionPair], options: ScoreOptions) -> list[Metric]:
    if name == "SPICE(ser)":
        from ser_ros.eval.graph_metrics import spice_ser

        return [spice_ser(pairs)]
    if name == "SPICE":
        from ser_ros.eval.spice_jar import spice

        return [spice(pairs, options.spice_jar)]
    if name == "CAPTURE":
        from ser_ros.eval.capture import TextEncoder, capture
        from ser_ros.graph.memory.embeddings import find_folder

        encoder = TextEncoder(find_folder(str(options.encoder))) if options.encoder else None
        return [capture(pairs, encoder)]
    if name == "BERTScore":
        from ser_ros.eval.bert_score_metric import bert_score

        if options.bert_model is None:
            raise UserError(
                "BERTScore needs --bert-model FOLDER (the paper does not say which model it used)"
            )
        return [bert_score(pairs, options.bert_model, options.bert_layer, options.bert_baseline)]
    if name == "graph":
        from ser_ros.eval.graph_metrics import graph_metrics

        if options.graphs is None:
            raise UserError("the graph metrics need --graphs GRAPHS.jsonl with the true graphs")
        return graph_metrics(pairs, options.graphs)
    from ser_ros.eval.judges import clair, judge

    server = Server(options.server, options.cache)
    if name == "CLAIR":
        return [clair(pairs, server, options.wording, options.judge_images, options.judge_seeds)]
    if options.images is None:
        raise UserError("the judge looks at the pictures: give --images FOLDER")
    return [judge(pairs, options.images, server, options.wording, options.judge_images, options.judge_seeds)]
