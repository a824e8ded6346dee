"""BLEU, ROUGE_L, CIDEr (pure Python) and METEOR (its jar) of pycocoevalcap, on our PTB tokens.

The tokens equal those of the Java pipeline, so the scores do. Scores are on the scale 0 to 1
(CIDEr 0 to 10), as pycocoevalcap gives them; tables print them times 100.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.metric import Metric
from ser_ros.eval.ptb import tokenize_corpus

COCO_METRICS = ("BLEU", "ROUGE_L", "CIDEr", "METEOR")
NO_JAVA = "needs Java: install openjdk-17-jre-headless (or any Java 8+) and run again"


def coco_metrics(pairs: Sequence[CaptionPair], wanted: Sequence[str] = COCO_METRICS) -> list[Metric]:
    """The COCO metrics of a set; METEOR without Java is a row without value that says why.

    Raises:
        UserError: pycocoevalcap is not installed.
    """
    try:
        import pycocoevalcap  # noqa: F401
    except ImportError:
        raise UserError("COCO metrics need pycocoevalcap; pip install 'ser-ros[eval]'") from None
    words = iter(tokenize_corpus([text for pair in pairs for text in pair.references]))
    references = {i: [" ".join(next(words)) for _ in pair.references] for i, pair in enumerate(pairs)}
    said = tokenize_corpus([pair.candidate for pair in pairs])
    candidates = {i: [" ".join(tokens)] for i, tokens in enumerate(said)}
    metrics: list[Metric] = []
    if "BLEU" in wanted:
        metrics += _bleu(references, candidates)
    if "ROUGE_L" in wanted:
        from pycocoevalcap.rouge.rouge import Rouge

        value, scores = Rouge().compute_score(references, candidates)
        metrics.append(Metric("ROUGE_L", float(value), np.asarray(scores, np.float64)))
    if "CIDEr" in wanted:
        metrics.append(_cider(references, candidates))
    if "METEOR" in wanted:
        metrics.append(_meteor(references, candidates))
    return metrics


def _cider(references: dict[int, list[str]], candidates: dict[int, list[str]]) -> Metric:
    from pycocoevalcap.cider.cider import Cider

    if not any(text for texts in references.values() for text in texts):
        return Metric("CIDEr", None, note="the references have no word, only punctuation")
    value, scores = Cider().compute_score(references, candidates)
    note = "of one image: its document frequencies are empty" if len(references) == 1 else ""
    return Metric("CIDEr", float(value), np.asarray(scores, np.float64), note)


def _bleu(references: dict[int, list[str]], candidates: dict[int, list[str]]) -> list[Metric]:
    from pycocoevalcap.bleu.bleu_scorer import BleuScorer

    scorer = BleuScorer(n=4)
    for i, texts in references.items():
        scorer += (candidates[i][0], texts)
    with contextlib.redirect_stdout(io.StringIO()):
        values, scores = scorer.compute_score(option="closest", verbose=0)
    counts = _BleuCounts(scorer.ctest)
    return [
        Metric(
            f"BLEU-{n + 1}",
            float(values[n]),
            np.asarray(scores[n], np.float64),
            resample=partial(counts.bleu, n=n),
        )
        for n in range(4)
    ]


class _BleuCounts:
    """BLEU of any resampled set: its counts add up over images."""

    def __init__(self, stats: list[dict[str, Any]]) -> None:
        self.guess = np.array([s["guess"] for s in stats], np.float64)  # [N, 4]
        self.correct = np.array([s["correct"] for s in stats], np.float64)
        self.length = np.array([s["testlen"] for s in stats], np.float64)
        closest = [min((abs(r - s["testlen"]), r) for r in s["reflen"])[1] for s in stats]
        self.reference = np.array(closest, np.float64)

    def bleu(self, images: np.ndarray, n: int) -> float:
        """Corpus BLEU-(n+1), with pycocoevalcap's smoothing constants."""
        guess, correct = self.guess[images].sum(0), self.correct[images].sum(0)
        precision = (correct[: n + 1] + 1e-15) / (guess[: n + 1] + 1e-9)
        ratio = (self.length[images].sum() + 1e-15) / (self.reference[images].sum() + 1e-9)
        penalty = np.exp(1 - 1 / ratio) if ratio < 1 else 1.0
        return float(np.prod(precision) ** (1 / (n + 1)) * penalty)


def _meteor(references: dict[int, list[str]], candidates: dict[int, list[str]]) -> Metric:
    if shutil.which("java") is None:
        return Metric("METEOR", None, note=NO_JAVA)
    from pycocoevalcap.meteor.meteor import Meteor

    meteor = Meteor()
    try:
        # The jar's protocol separates fields by "|||".
        clean = {i: [t.replace("|||", " ") for t in texts] for i, texts in references.items()}
        value, scores = meteor.compute_score(clean, {i: [t[0]] for i, t in candidates.items()})
    except (BrokenPipeError, ValueError, OSError) as error:
        return Metric("METEOR", None, note=f"the METEOR jar failed ({error}); try another Java")
    per_image = np.asarray(scores, np.float64)
    # The set's score is not the mean of the images; resampling moves it by as much as their mean moves.
    shift = float(value) - float(per_image.mean())
    return Metric(
        "METEOR", float(value), per_image, resample=lambda images: float(per_image[images].mean()) + shift
    )
