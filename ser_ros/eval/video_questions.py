"""Multiple-choice questions over videos: EgoSchema, NExT-QA and VideoMME files."""

from __future__ import annotations

import csv
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.data.entries import load_json
from ser_ros.errors import UserError

FORMATS = ("egoschema", "nextqa", "videomme")
LETTERS = string.ascii_uppercase
"""Names of the options in a prompt, in their order."""


@dataclass(frozen=True)
class VideoQuestion:
    """One question.

    Attributes:
        id: of the question.
        video: name of the video without ending.
        question: what is asked.
        options: the answers to choose from, first is A.
        truth: index of the right one, None where the file does not say.
    """

    id: str
    video: str
    question: str
    options: tuple[str, ...]
    truth: int | None


def read_questions(kind: str, path: Path, answers: Path | None = None) -> list[VideoQuestion]:
    """Questions of one benchmark file; UserError names the file and the entry that is wrong.

    Args:
        kind: one of `FORMATS`.
        path: EgoSchema's questions.json (or LLoVi's {uid: entry}), NExT-QA's csv, VideoMME's {quid: entry}.
        answers: {id: index}, EgoSchema's subset_answers.json; only answered questions are kept.
    """
    if kind == "nextqa":
        questions = list(_next_qa(path))
    else:
        content = load_json(path)
        if isinstance(content, dict):
            entries = list(content.items())
        elif isinstance(content, list):
            entries = [(entry.get("q_uid") if isinstance(entry, dict) else None, entry) for entry in content]
        else:
            raise UserError(f"{path} is neither a list nor an object of questions")
        questions = [_from_json(key, entry, path, kind) for key, entry in entries]
    if not questions:
        raise UserError(f"{path} holds no question")
    if outside := next((q.video for q in questions if Path(q.video).name != q.video), None):
        raise UserError(f"{path}: the video {outside!r} is no plain file name")
    if len({question.id for question in questions}) < len(questions):
        raise UserError(f"{path} has a question twice")
    if answers:
        truths = load_json(answers)
        if not isinstance(truths, dict):
            raise UserError(f"{answers} is not an object of question ids and answers")
        kept = [question for question in questions if question.id in truths]
        if not kept:
            raise UserError(f"{answers} answers none of the questions of {path}")
        questions = [
            VideoQuestion(
                q.id, q.video, q.question, q.options, _truth(truths[q.id], q.options, answers, q.id)
            )
            for q in kept
        ]
    return questions


def _from_json(key: Any, entry: Any, path: Path, kind: str) -> VideoQuestion:
    where = f"question {key}"
    if not isinstance(entry, dict) or not isinstance(key, str) or not isinstance(entry.get("question"), str):
        raise UserError(f"{path}, {where}: needs an id and the text 'question'")
    options: list[str] = []
    while isinstance(entry.get(f"option {len(options)}"), str):
        options.append(entry[f"option {len(options)}"])
    if not 2 <= len(options) <= len(LETTERS):
        raise UserError(f"{path}, {where}: needs 'option 0', 'option 1', ..., at most {len(LETTERS)} of them")
    truth = entry.get("truth")
    video = str(entry.get("videoID", key)) if kind == "videomme" else key
    return VideoQuestion(
        key, video, entry["question"], tuple(options),
        None if truth is None else _truth(truth, options, path, where),
    )  # fmt: skip


def _next_qa(path: Path) -> Iterable[VideoQuestion]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                options = [row[f"a{i}"] for i in range(5) if row.get(f"a{i}")]
                if not row.get("video") or not row.get("question") or len(options) < 2:
                    raise UserError(f"{path}, line {number}: needs video, question and a0 to a4")
                truth = int(row["answer"]) if (row.get("answer") or "").strip().isdecimal() else None
                if truth is not None:
                    truth = _truth(truth, options, path, f"line {number}")
                name = f"{row['video']}_{row.get('qid') or number}"
                yield VideoQuestion(name, row["video"], row["question"], tuple(options), truth)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}") from None


def _truth(value: Any, options: Iterable[str], path: Path, where: str) -> int:
    count = len(list(options))
    if isinstance(value, str) and len(value) == 1 and "A" <= value <= "Z":
        value = ord(value) - ord("A")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        raise UserError(f"{path}, {where}: the answer must be 0 to {count - 1}, found {value!r}")
    return value
