"""What an export costs in captions: torch, float32 graphs and 8-bit graphs on the same pictures.

    python benchmarks/export_agreement.py --data SIM/test              # the model that comes with ser_ros
    python benchmarks/export_agreement.py --data SIM/test --model DIR --style detailed
    python benchmarks/export_agreement.py --data SIM/many --without-torch

Greedy, one picture at a time. The first row is the reference: torch, or without it the float32 graphs, which
say the same sooner. "verified = plain" counts the captions that draft verification refines as
token-by-token decoding does, given the same initial caption. Behind a CIDEr stands its change from the
reference's with the standard error over the pictures: a few changed captions move the mean either way.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sim_scores import cider_of_each
from tqdm import tqdm

from ser_ros.model.decoding import greedy
from ser_ros.model.describe import Clock, Engine, Writer
from ser_ros.model.images import load_image
from ser_ros.runtime.load import DEFAULT_MODEL, load_captioner
from ser_ros.runtime.onnx_export import export

MAX_TOKENS = 77


def captions(engine: Engine, picture: np.ndarray, style: str) -> tuple[str, str, bool]:
    """The initial and the refined caption, and whether plain decoding refines alike."""
    writer = Writer(engine, style, MAX_TOKENS, 1, 1, Clock())
    features = engine.encode([picture], writer.clock)
    initial = writer.glance(features, 1)
    refined = writer.refine(features, initial)[0]
    ids = initial[0].ids
    prompt = writer.tokens.refine_prompt(ids, style)
    session = engine.open_refine(features, [prompt], [ids], 1, writer.clock)
    plain = greedy(session, 1, writer.tokens.config.language.eos, MAX_TOKENS)[0]
    return writer.tokens.decode(ids), writer.tokens.decode(refined.ids), plain.ids == refined.ids


def change(scores: np.ndarray, reference: np.ndarray) -> str:
    """The mean of the pictures' scores, and how it differs from the reference's, with the standard error."""
    moved = scores - reference
    error = moved.std(ddof=1) / np.sqrt(len(moved))
    return f"{scores.mean():.1f} ({moved.mean():+.1f} ± {error:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a split of the simulated home")
    parser.add_argument("--model", default=str(DEFAULT_MODEL))
    parser.add_argument("--style", default="default")
    parser.add_argument("--limit", type=int, default=0, help="only the first N pictures")
    parser.add_argument(
        "--without-torch",
        action="store_true",
        help="the reference are the float32 graphs, for many pictures",
    )
    args = parser.parse_args()
    rows = json.loads((args.data / "captions.json").read_text())["images"]
    rows = rows[: args.limit] if args.limit else rows
    table = Table("", "MB", "initial equal", "refined equal", "verified = plain", "CIDEr", "CIDEr refined")
    with tempfile.TemporaryDirectory() as folder:
        sources = {} if args.without_torch else {"torch float32": args.model}
        for name, int8 in (("ONNX float32", False), ("ONNX 8 bits", True)):
            sources[name] = f"{folder}/{name}"
            export(args.model, sources[name], int8=int8)
        reference: list[tuple[str, str, bool]] = []
        reference_scores: list[np.ndarray] = []
        for name, source in sources.items():
            captioner = load_captioner(source, dtype="fp32" if name.startswith("torch") else "auto")
            said = [
                captions(captioner.engine, load_image(args.data / "images" / row["file_name"]), args.style)
                for row in tqdm(rows, desc=name, file=sys.stderr)
            ]
            captioner.close()
            reference = reference or said
            ids = [row["id"] for row in rows]
            scores = [
                cider_of_each(dict(zip(ids, [s[glance] for s in said], strict=True)), args.data, args.style)
                for glance in (0, 1)
            ]
            reference_scores = reference_scores or scores
            same = [
                sum(a[glance] == b[glance] for a, b in zip(reference, said, strict=True)) for glance in (0, 1)
            ]
            size = sum(file.stat().st_size for file in Path(source).iterdir()) / 1e6
            table.add_row(
                name,
                f"{size:.1f}",
                *map(str, same),
                str(sum(s[2] for s in said)),
                *map(change, scores, reference_scores),
            )
    Console(width=140).print(f"{len(rows)} pictures of {args.data}, style {args.style}", table)


if __name__ == "__main__":
    main()
