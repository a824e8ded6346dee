"""All scores of a replay: the graph F1 of this room and the caption metrics of `ser_ros/eval`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ser_ros.replay.record import FrameRecord
from ser_ros.replay.references import Reference
from ser_ros.replay.scoring import ScoreRow, score_records

CAPTION_METRICS = ("BLEU", "ROUGE_L", "CIDEr")  # those that need no Java and no model


def all_scores(
    records: Sequence[FrameRecord], references: Mapping[int, Reference], warnings: list[str]
) -> list[ScoreRow]:
    """Caption metrics, then graph F1; [] without a captioned frame that has a reference.

    What cannot be computed here is left out and named in `warnings`.
    """
    graph_rows = score_records(records, references)
    initial = caption_metrics({r.stamp: r.initial for r in records if not r.error}, references, warnings)
    refined = caption_metrics({r.stamp: r.refined for r in records if not r.error}, references, [])
    rows = [ScoreRow(name, value, refined[name]) for name, value in initial.items()]
    return [*rows, *graph_rows]


def caption_metrics(
    captions: Mapping[int, str], references: Mapping[int, Reference], warnings: list[str]
) -> dict[str, float]:
    """BLEU-1 to 4, ROUGE_L and CIDEr in per cent, over the frames that have reference sentences.

    Args:
        captions: by image stamp, nanoseconds.
        references: likewise.
        warnings: gets the sentence on what is missing.
    """
    from ser_ros.errors import UserError
    from ser_ros.eval.captions_files import CaptionPair
    from ser_ros.eval.coco_metrics import coco_metrics

    pairs = [
        CaptionPair(str(stamp), caption, list(references[stamp].captions))
        for stamp, caption in captions.items()
        if stamp in references and references[stamp].captions
    ]
    if not pairs:
        return {}
    try:
        metrics = coco_metrics(pairs, CAPTION_METRICS)
    except UserError as error:
        warnings.append(f"the captions are not scored: {error}")
        return {}
    return {metric.name: 100 * metric.value for metric in metrics if metric.value is not None}
