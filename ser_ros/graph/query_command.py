"""`ser_ros query STORE "where is the red chair?"`: ask a saved memory, also while a node writes it."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from typing import Any

from ser_ros.errors import UserError
from ser_ros.graph.memory import Answer, Memory, MemoryConfig
from ser_ros.graph.memory.embeddings import Embedder, MiniLM
from ser_ros.graph.memory.spoken_time import say_when


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", help="memory file, for example ~/.ros/ser_ros/memory.db")
    parser.add_argument(
        "question", metavar="WORD", nargs="+", help='one question, for example "what is on the kitchen table"'
    )
    parser.add_argument("--max-matches", type=int, default=5, metavar="N", help="most matches (5)")
    parser.add_argument(
        "--min-score", type=float, default=0.3, metavar="S", help="leave out worse ones (0.3)"
    )
    parser.add_argument(
        "--now",
        choices=("newest", "clock"),
        default="newest",
        help="what 'an hour ago' counts from: the newest image (default) or this machine's clock",
    )
    parser.add_argument("--timezone", default="", help="zone of times, as in Europe/Berlin (this machine's)")
    parser.add_argument(
        "--embeddings",
        metavar="DIR",
        help="folder of all-MiniLM-L6-v2, or 'installed' for the one of the extra [embed]",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if not 1 <= args.max_matches <= 100:
        raise UserError(f"--max-matches is {args.max_matches}; it takes 1 to 100")
    if not 0.0 <= args.min_score <= 1.0:
        raise UserError(f"--min-score is {args.min_score}; it takes 0 to 1")
    if len(args.question) > 1 and any(" " in words for words in args.question):
        raise UserError(f"{len(args.question)} questions are given; ask for one at a time")
    embedder: Embedder | None = MiniLM(args.embeddings) if args.embeddings else None
    config = MemoryConfig(timezone=args.timezone)
    with Memory.open(args.store, config, read_only=True, embedder=embedder) as memory:
        now_ns = time.time_ns() if args.now == "clock" else memory.now_ns
        question = memory.understand(" ".join(args.question), now_ns=now_ns)
        answer = memory.query(
            replace(question, max_matches=args.max_matches, min_score=args.min_score), now_ns=now_ns
        )
    if args.json:
        print(json.dumps(to_json(answer), ensure_ascii=False))
    else:
        _print(answer, now_ns, args.timezone)
    return 0


def to_json(answer: Answer) -> dict[str, Any]:
    """The answer as JSON types; poses are where the robot stood, stamps are nanoseconds."""
    return {
        "speech": answer.speech,
        "understood": answer.understood,
        "matches": [
            {**{name: value for name, value in asdict(match).items() if name != "pose"}, "robot_pose": pose}
            for match in answer.matches
            for pose in [asdict(match.pose) if match.pose else None]
        ],
    }


def _print(answer: Answer, now_ns: int, timezone: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(answer.speech, markup=False)
    if not answer.matches:
        return
    table = Table(
        "score", "thing", "room", "robot stood at", "last seen", "times", "caption", title_justify="left"
    )
    for match in answer.matches:
        pose = f"{match.pose.x:.1f}, {match.pose.y:.1f} m" if match.pose else "unknown"
        words = " ".join([*match.attributes, match.label, *([f"({match.change})"] if match.change else [])])
        table.add_row(
            f"{match.score:.2f}",
            words,
            match.room,
            pose,
            say_when(match.last_seen, now_ns, timezone),
            str(match.times_seen),
            match.caption,
        )
    console.print(table)
