"""Long-range video QA as LLoVi does it (paper Table 4, H.5): captions of frames, then one question to an LLM.

Every sampled frame is captioned once (kept in a file per video), all captions, the question and its
options go into one prompt at temperature 0, and the first letter of the answer counts. A call that
gives no letter is a failure: it is counted, never replaced by a guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.eval.llm import Question, Server
from ser_ros.eval.video_questions import LETTERS, VideoQuestion
from ser_ros.runtime.captioner import Captioner, CaptionOptions

ENDINGS = (".mp4", ".mkv", ".avi", ".mov", ".webm")

PROMPT = """\
You are given captions of frames of a video, sampled {rate:g} per second and in order of time. Answer the \
question about the video with the letter of the best option.

Captions:
{captions}

Question: {question}
{options}

Answer with one letter only."""


def parse_letter(answer: str, options: int) -> int | None:
    """Index of the first letter that stands alone and is an option; None if there is none."""
    match = re.search(rf"(?<![A-Za-z'])([A-{LETTERS[options - 1]}])(?![A-Za-z'])", answer)
    if match is None and re.fullmatch(rf"\W*[a-{LETTERS[options - 1].lower()}]\W*", answer):
        match = re.search(r"([a-z])", answer)
    return LETTERS.index(match.group(1).upper()) if match else None


def caption_video(
    video: Path, store: Path, captioner: Captioner, options: CaptionOptions, rate: float, batch: int = 8
) -> list[str]:
    """Captions of the frames at `rate` per second, from `store` where they are complete.

    Raises:
        UserError: the video cannot be decoded, or its captions were made at another rate.
    """
    kept = read_captions(store, rate)
    if kept is not None:
        return kept
    said: list[str] = []
    for frames in _frames(video, rate, batch):
        said += [d.refined or d.initial for d in captioner.describe(frames, options)]
    if not said:
        raise UserError(f"{video} has no frame")
    store.parent.mkdir(parents=True, exist_ok=True)
    partial = store.with_suffix(".partial")
    partial.write_text(json.dumps({"rate": rate, "captions": said}))
    partial.replace(store)
    return said


def read_captions(store: Path, rate: float) -> list[str] | None:
    """Captions kept from an earlier run, or LLoVi's own list; None where there are none.

    Raises:
        UserError: the file cannot be read, is no list of captions, or was made at another rate.
    """
    if not store.is_file():
        return None
    try:
        content = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{store} cannot be read ({error}); delete it to caption the video again") from None
    captions = content.get("captions") if isinstance(content, dict) else content
    if not isinstance(captions, list) or not all(isinstance(text, str) for text in captions):
        raise UserError(f"{store} is not a list of captions")
    if isinstance(content, dict) and content.get("rate") != rate:
        raise UserError(f"{store} was made at {content.get('rate')} frames a second, not {rate:g}")
    return captions


def find_video(folder: Path, name: str) -> Path:
    """The file of a video; UserError where no ending fits."""
    if not folder.is_dir():
        raise UserError(f"the video folder {folder} does not exist")
    for ending in ENDINGS:
        if (folder / f"{name}{ending}").is_file():
            return folder / f"{name}{ending}"
    raise UserError(f"{folder} has no video {name} ({', '.join(ENDINGS)})")


def answer_all(
    questions: Sequence[VideoQuestion], captions: dict[str, list[str]], server: Server, rate: float
) -> dict[str, Any]:
    """Ask all; returns accuracy over the questions with a known answer, and every answer."""
    asked = [
        Question(
            PROMPT.format(
                rate=rate,
                captions="\n".join(captions[q.video]),
                question=q.question,
                options="\n".join(f"{LETTERS[i]}: {text}" for i, text in enumerate(q.options)),
            )
        )
        for q in questions
    ]
    most = max(len(q.options) for q in questions)
    letters = server.ask_all(asked, lambda text: parse_letter(text, most), "questions")
    chosen = [
        letter if letter is not None and letter < len(q.options) else None
        for letter, q in zip(letters, questions, strict=True)
    ]
    graded = [(letter, q.truth) for letter, q in zip(chosen, questions, strict=True) if q.truth is not None]
    return {
        "questions": len(questions), "graded": len(graded),
        "failed": sum(letter is None for letter in chosen),
        "accuracy": sum(letter == truth for letter, truth in graded) / len(graded) if graded else None,
        "answers": {q.id: letter for q, letter in zip(questions, chosen, strict=True)},
    }  # fmt: skip


def _frames(video: Path, rate: float, batch: int) -> Iterator[list[Any]]:
    try:
        import av
    except ImportError:
        raise UserError("reading videos needs PyAV; pip install 'ser-ros[video]'") from None
    frames: list[Any] = []
    wanted = 0.0
    try:
        with av.open(str(video)) as container:
            for frame in container.decode(video=0):
                if frame.time is None or frame.time + 1e-6 < wanted:
                    continue
                wanted = max(wanted + 1 / rate, frame.time)
                frames.append(frame.to_ndarray(format="rgb24"))
                if len(frames) == batch:
                    yield frames
                    frames = []
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise UserError(f"{video} cannot be decoded: {error}") from None
    if frames:
        yield frames
