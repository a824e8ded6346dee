"""ser_ros beside other captioners: the same picture size, the same number of tokens, one process each.

    python benchmarks/peers.py                                     # all that this machine can run
    python benchmarks/peers.py --models ser-int8 authors blip-large --tokens 20 60 --repeats 5

Random weights at true sizes, built from transformers' own configuration classes: time and memory do not
depend on what the weights say, and nothing is fetched. All peers run in bfloat16 with greedy decoding, batch
1, preprocessing left out. `published` is the authors' own code, which needs a checkout and an environment of
its own (see published.py); `authors` is the same way by our classes: three beams, the features of the image
for every beam, no draft. Peak memory is the process's own, so it includes torch.

All are loaded first (choose --models where the memory is too small for that) and then write one caption in
turn, so that a machine whose speed changes meets all alike; the share of ser_ros is that of each turn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from peer_models import PEERS, authors, peer, seconds

from ser_ros.runtime.bench import measure, peak_rss_mb
from ser_ros.runtime.bench_model import write_model
from ser_ros.runtime.load import load_captioner
from ser_ros.runtime.onnx_folder import FORMAT

EDITS = 1
"""Tokens that the second glance replaces."""

PUBLISHED = "published"

OURS = {
    "ser-int8": ("paper", "onnx", "auto"),
    "ser-int8-288": ("paper-288", "onnx", "auto"),
    "ser-bf16": ("paper", "torch", "bf16"),
}
"""Name -> size, backend and dtype; draft-verified, one tower run."""


def load(name: str, work: Path) -> Callable[[int], dict[str, float]]:
    """A function that writes a caption of so many tokens and returns row name -> seconds."""
    if name in OURS:
        size, backend, dtype = OURS[name]
        folder = work / size / ("graphs" if backend == "onnx" else "model")
        captioner = load_captioner(folder, backend, dtype=dtype)

        def ours(tokens: int) -> dict[str, float]:
            row = measure(captioner, tokens, EDITS, 1, warm_up=0)
            return {f"{name}, one glance": row["single_seconds"], f"{name}, both": row["refined_seconds"]}

        return ours
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "authors":
        from ser_ros.model.ser_model import SerModel

        caption = authors(SerModel.from_pretrained(work / "paper" / "model", dtype="bf16", device=device))
    else:
        caption = peer(name, device)
    return lambda tokens: {name: seconds(caption, tokens)}


def answer(name: str, work: Path, longest: int) -> None:
    """Load a model and warm it up; then write a caption for each number of tokens that comes in."""
    write = load(name, work)
    write(longest)
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"rows": write(int(line)), "peak_rss_mb": peak_rss_mb()}), flush=True)


class Process:
    """A model in a process of its own."""

    def __init__(self, name: str, args: argparse.Namespace):
        longest = str(max(args.tokens))
        command = [sys.executable, __file__, "--one", name, "--work", str(args.work), "--tokens", longest]
        if name == PUBLISHED:
            script = Path(__file__).with_name("published.py")
            command = [args.python, str(script), str(args.code), str(args.work / name), longest]
        pipe = subprocess.PIPE
        self._name, self._process = name, subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self._read()

    def write(self, tokens: int) -> tuple[dict[str, float], float]:
        """Row name -> seconds of a caption of so many tokens, and the peak memory in MB."""
        assert self._process.stdin is not None
        print(tokens, file=self._process.stdin, flush=True)
        answer = self._read()
        return answer["rows"], answer["peak_rss_mb"] or float("nan")

    def _read(self) -> dict:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self._name} ended with code {self._process.wait()}: see above")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def tables(turns: dict[int, list[dict[str, float]]], memory: dict[str, float]) -> list[str]:
    """Medians of each row, and what part of others both glances of ser_ros took, with the range of turns."""
    lines = ["| ms | " + " | ".join(f"{count} tokens" for count in turns) + " | peak memory (MB) |"]
    lines.append("|---" * (len(turns) + 2) + "|")
    for row, peak in memory.items():
        medians = [statistics.median(turn[row] for turn in found) * 1e3 for found in turns.values()]
        lines.append(f"| {row} | " + " | ".join(f"{time:,.0f}" for time in medians) + f" | {peak:,.0f} |")
    lines += ["", "| part of | " + " | ".join(f"{count} tokens" for count in turns) + " |"]
    lines.append("|---" * (len(turns) + 1) + "|")
    for ours in (row for row in memory if row.endswith(", both")):
        others = [row for row in memory if not row.startswith("ser-")]
        for other in (ours.replace(", both", ", one glance"), *others):
            parts = [[turn[ours] / turn[other] for turn in found] for found in turns.values()]
            cells = [f"{statistics.median(p):.2f} ({min(p):.2f} to {max(p):.2f})" for p in parts]
            lines.append(f"| {ours} / {other} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    names = [*OURS, "authors", PUBLISHED, *PEERS]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=names, help="default: all that fit this machine")
    parser.add_argument("--tokens", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(f"/tmp/ser_ros_peers_{FORMAT}"),
        help="our model and graphs, made once",
    )
    parser.add_argument("--code", type=Path, help="the authors' repository, for `published`")
    parser.add_argument("--python", help="the interpreter of its environment")
    parser.add_argument("--prepare", action="store_true", help="make the model and graphs, measure nothing")
    parser.add_argument("--one", choices=names, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        answer(args.one, args.work, args.tokens[0])
        return
    absent = set() if torch.cuda.is_available() else {"llava-1.5-7b"}
    absent |= set() if args.code and args.python else {PUBLISHED}
    chosen = args.models or [name for name in names if name not in absent]
    if PUBLISHED in absent.intersection(chosen):
        parser.error("published needs --code and --python: see benchmarks/published.py")
    needed = {OURS[name][0] if name in OURS else "paper" for name in chosen if name in (*OURS, "authors")}
    for size in needed:
        if not (args.work / size / "graphs" / "export.json").is_file():
            write_model(args.work / size, size, "onnx", int8=True)
    if args.prepare:
        return
    processes = [Process(name, args) for name in chosen]
    turns: dict[int, list[dict[str, float]]] = {count: [] for count in args.tokens}
    memory: dict[str, float] = {}
    for _ in range(args.repeats):
        for count, found in turns.items():
            turn: dict[str, float] = {}
            for process in processes:
                rows, peak = process.write(count)
                turn |= rows
                memory |= dict.fromkeys(rows, peak)
            found.append(turn)
            print(count, json.dumps(turn), file=sys.stderr, flush=True)
    for process in processes:
        process.close()
    print("\n".join(tables(turns, memory)))


if __name__ == "__main__":
    main()
