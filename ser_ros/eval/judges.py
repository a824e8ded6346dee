"""LLMs as judges: CLAIR (Chan et al. 2023) and MLLM-as-a-judge (Chen et al. 2024).

Both exist in two wordings: "paper" is this paper's Fig. 19, "official" that of the original code.
As in the paper, 100 random images are judged with 10 seeds; the result is the mean over images of
each seed, then mean and standard deviation over the seeds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.judge_prompts import CLAIR_PROMPTS, JUDGE_PROMPTS, JUDGE_SYSTEM
from ser_ros.eval.llm import Question, Server
from ser_ros.eval.metric import Metric

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


class BlindError(UserError):
    """The server's model does not see images."""


def parse_clair(answer: str) -> float | None:
    """The score 0 to 100 of a CLAIR answer, JSON or "Score: 85"; None if there is none in range."""
    match = re.search(r"\{.*\}", answer, re.DOTALL)
    if match:
        try:
            value = float(json.loads(match.group())["score"])
            return value if 0 <= value <= 100 else None
        except (json.JSONDecodeError, KeyError, TypeError, ValueError):
            pass
    return _scored(answer, 0, 100)


def parse_judge(answer: str) -> float | None:
    """The grade 1 to 5 of an answer like "Score: [4]" or "[[4]]"; None if there is none."""
    bracket = re.search(r"\[+\s*([1-5])\s*\]+", answer)
    return float(bracket.group(1)) if bracket else _scored(answer, 1, 5)


def _scored(answer: str, low: float, high: float) -> float | None:
    """The number after "score", or the whole answer where it is one number."""
    match = re.search(r"score\W{0,8}?(-?\d+(?:\.\d+)?)", answer, re.IGNORECASE)
    text = match.group(1) if match else answer.strip() if _NUMBER.fullmatch(answer.strip()) else None
    value = float(text) if text else None
    return value if value is not None and low <= value <= high else None


def clair(pairs: Sequence[CaptionPair], server: Server, wording: str, images: int, seeds: int) -> Metric:
    """CLAIR on a random sample; the LLM sees captions only."""
    chosen = _sample(pairs, images)
    prompt = CLAIR_PROMPTS[wording]
    questions = [
        Question(
            prompt.format(
                candidate=f"- {pairs[i].candidate}",
                references="\n".join(f"- {r}" for r in pairs[i].references),
            ),
            seed=seed,
        )
        for seed in range(seeds)
        for i in chosen
    ]
    answers = server.ask_all(questions, parse_clair, "CLAIR")
    return _summary(f"CLAIR({wording})", answers, chosen, len(pairs), server)


def judge(
    pairs: Sequence[CaptionPair], folder: Path, server: Server, wording: str, images: int, seeds: int
) -> Metric:
    """MLLM-as-a-judge on a random sample, after a probe that the model sees images at all.

    Raises:
        UserError: images are missing, or the server cannot be asked.
        BlindError: its model does not see images.
    """
    chosen = _sample(pairs, images)
    files = {i: folder / pairs[i].file_name for i in chosen}
    absent = [str(path) for path in files.values() if not path.is_file()]
    if absent:
        raise UserError(f"{absent[0]} does not exist ({len(absent)} images missing); give --images FOLDER")
    probe_sight(server)
    questions = [
        Question(
            JUDGE_PROMPTS[wording].format(candidate=pairs[i].candidate), JUDGE_SYSTEM, (files[i],), seed=seed
        )
        for seed in range(seeds)
        for i in chosen
    ]
    answers = server.ask_all(questions, parse_judge, "MLLM judge")
    return _summary(f"MLLM judge({wording})", answers, chosen, len(pairs), server)


def probe_sight(server: Server) -> None:
    """Ask the colour of a red and of a blue picture; servers drop images of text-only models silently.

    Raises:
        BlindError: wrong or no colours.
    """
    import tempfile

    answers = []
    with tempfile.TemporaryDirectory() as scratch:
        for colour in ("red", "blue"):
            path = Path(scratch, f"{colour}.png")
            Image.new("RGB", (224, 224), colour).save(path)
            question = Question("What colour is this picture? Answer with one word.", images=(path,))
            (answer,) = server.ask_all([question], lambda text: text)
            answers.append((answer or "").lower())
    if "red" not in answers[0] or "blue" not in answers[1]:
        raise BlindError(
            f"{server.options.model} does not see images: a red picture is {answers[0][:40]!r} to it and a "
            f"blue one {answers[1][:40]!r}; choose a vision model for the judge"
        )


def _sample(pairs: Sequence[CaptionPair], images: int) -> list[int]:
    count = min(images, len(pairs))
    return sorted(np.random.default_rng(0).permutation(len(pairs))[:count].tolist())


def _summary(
    name: str, answers: Sequence[float | None], chosen: list[int], total: int, server: Server
) -> Metric:
    scores = np.array([np.nan if a is None else a for a in answers]).reshape(
        -1, len(chosen)
    )  # [seeds, images]
    unparsable = int(np.isnan(scores).sum())
    per_image = np.full(total, np.nan)
    with np.errstate(all="ignore"):
        counts = (~np.isnan(scores)).sum(0)
        per_image[chosen] = np.where(counts, np.nansum(scores, 0) / np.maximum(counts, 1), np.nan)
        by_seed = [float(np.nanmean(row)) for row in scores if not np.isnan(row).all()]
    details = {
        "images": len(chosen), "seeds": len(scores), "unparsable": unparsable,
        "deviation": float(np.std(by_seed)) if by_seed else None, "llm": server.options.model,
    }  # fmt: skip
    note = f"{server.options.model}, {len(chosen)} images x {len(scores)} seeds, {unparsable} unparsable"
    if len(by_seed) > 1 and len(set(by_seed)) == 1:
        note += "; all seeds agree, the server may not sample"
    return Metric(name, float(np.mean(by_seed)) if by_seed else None, per_image, note, details=details)
