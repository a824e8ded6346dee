"""`ser_ros videoqa`: questions about long videos, answered from the captions of their frames."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.eval.score_command import add_server_arguments, server_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from ser_ros.eval.video_questions import FORMATS

    one = parser.add_argument
    one("--format", choices=FORMATS, default="egoschema", help="of the questions (default: %(default)s)")
    one("--questions", type=Path, required=True, help="EgoSchema or VideoMME json, NExT-QA csv")
    one("--answers", type=Path, help="EgoSchema's subset_answers.json; other questions are left out")
    one("--videos", type=Path, help="folder of NAME.mp4; not needed for videos whose captions are kept")
    one("--captions", type=Path, required=True, help="folder where NAME.json keeps the captions of a video")
    one("--rate", type=float, default=1.0, help="frames per second, above 0 to 30 (default: %(default)s)")
    one("--model", default="", help="checkpoint folder (default: the model that comes with ser_ros)")
    one("--style", default="default", help="prompt of the checkpoint")
    one("--refinements", type=int, default=1, help="second glances (default: %(default)s)")
    one("--beams", type=int, default=1, help="beam width (default: %(default)s)")
    one("--device", default="auto", help="auto, cpu or cuda")
    add_server_arguments(parser, temperature=0.0)
    one("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Caption the videos that have no captions yet, then ask."""
    from tqdm import tqdm

    from ser_ros.eval.llm import Server
    from ser_ros.eval.video_qa import answer_all, caption_video, find_video, read_captions
    from ser_ros.eval.video_questions import read_questions
    from ser_ros.runtime.captioner import CaptionOptions
    from ser_ros.runtime.load import load_captioner

    if not 0 < args.rate <= 30:
        raise UserError("--rate must be above 0 and at most 30")
    questions = read_questions(args.format, args.questions, args.answers)
    server = Server(server_options(args, max_tokens=16), args.cache)
    captions: dict[str, list[str]] = {}
    files: dict[str, Path] = {}
    for video in dict.fromkeys(question.video for question in questions):
        kept = read_captions(args.captions / f"{video}.json", args.rate)
        if kept is not None:
            captions[video] = kept
        elif args.videos is None:
            raise UserError(f"there are no captions of {video} in {args.captions}; give --videos FOLDER")
        else:
            files[video] = find_video(args.videos, video)
    if files:
        captioner = load_captioner(args.model, device=args.device)
        options = CaptionOptions(style=args.style, refinements=args.refinements, beams=args.beams)
        for video, file in tqdm(files.items(), unit="video"):
            store = args.captions / f"{video}.json"
            captions[video] = caption_video(file, store, captioner, options, args.rate)
    result = answer_all(questions, captions, server, args.rate)
    if args.json:
        print(json.dumps(result))
    else:
        accuracy = "unknown" if result["accuracy"] is None else f"{100 * result['accuracy']:.1f} %"
        print(f"accuracy {accuracy} of {result['graded']} graded questions, {result['failed']} calls failed")
    return 0
