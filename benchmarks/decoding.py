"""Refinement with and without draft verification, at the paper's full size with random weights.

    python benchmarks/decoding.py                    # fp32, 20 and 60 tokens, 0 1 2 4 edits
    python benchmarks/decoding.py --dtype bf16 --device cuda

One refinement is DeepLens, the prompt's prefill and the writing. The model's own greedy caption with some
words replaced, inserted or left out plays the initial caption, so "edits" is how many places the second
glance changes. All ratios are of medians within one run. "writing" is the language model alone, prefill
included; "refinement" adds DeepLens. bf16 needs a CPU with AMX or AVX512-BF16: others emulate it slowly.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import time

import numpy as np
import torch

from ser_ros.model.checkpoint import DTYPES, no_weights
from ser_ros.model.config import IMAGE_TOKEN, SerConfig
from ser_ros.model.decoding import greedy
from ser_ros.model.describe import Clock
from ser_ros.model.ser_model import SerModel

NEVER = -1  # no end token: every caption has exactly the asked number of tokens
PROMPT = (
    [2, *range(100, 104), IMAGE_TOKEN, *range(104, 110)],  # before, image, after: as long as the paper's
    [*range(110, 122)],
)


def build(dtype: torch.dtype, device: str) -> SerModel:
    """Full size; wide token embeddings, so that greedy captions vary instead of repeating one word."""
    torch.manual_seed(0)
    with no_weights():
        model = SerModel(SerConfig())
    weights = {}
    for name, shape in model.state_dict().items():
        weight = torch.empty(shape.shape, dtype=dtype)
        if weight.ndim == 1:
            weights[name] = weight.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            spread = 0.2 if "embed_tokens" in name else 0.05
            weights[name] = weight.uniform_(-spread, spread)
    model.load_state_dict(weights, assign=True)
    return model.to(device).eval().requires_grad_(False)


def edit(caption: list[int], edits: int, rng: random.Random) -> list[int]:
    """A draft: the caption with `edits` places changed, spread evenly, kinds in turn."""
    draft = list(caption)
    for number in reversed(range(edits)):
        at = min(len(draft) - 1, (2 * number + 1) * len(caption) // (2 * edits))
        kind = ("replace", "insert", "delete")[number % 3]
        other = rng.randrange(1000, 40000)
        if kind == "delete":
            del draft[at]
        elif kind == "insert":
            draft.insert(at, other)
        else:
            draft[at] = other
    return draft


def refine(model: SerModel, features, initial: list[int], tokens: int, draft: list[int]):
    """Seconds of one refinement, whole and without DeepLens, and the caption."""
    start, clock = time.perf_counter(), Clock()
    prompt = [*PROMPT[0], *initial, *PROMPT[1]]
    session = model.open_refine(features, [prompt], [initial], 1, clock)
    caption = greedy(session, 1, NEVER, tokens, [draft])[0]
    seconds = time.perf_counter() - start
    return seconds, seconds - clock.seconds["deeplens"], caption


def measure(model: SerModel, features, tokens: int, edits: int, repeats: int) -> dict:
    rng = random.Random(tokens * 100 + edits)
    plain_s, draft_s, writing, forwards, same = [], [], [], [], 0
    for repeat in range(repeats + 1):
        initial = [rng.randrange(1000, 40000) for _ in range(tokens)]
        plain, plain_writing, caption = refine(model, features, initial, tokens, [])
        seconds, draft_writing, verified = refine(
            model, features, initial, tokens, edit(caption.ids, edits, rng)
        )
        if repeat == 0:
            continue  # warm-up
        plain_s.append(plain)
        draft_s.append(seconds)
        writing.append((plain_writing, draft_writing))
        forwards.append(verified.forwards)
        same += verified.ids == caption.ids
    return {
        "tokens": tokens,
        "edits": edits,
        "plain_ms": statistics.median(plain_s) * 1e3,
        "verified_ms": statistics.median(draft_s) * 1e3,
        "refinement": statistics.median(plain_s) / statistics.median(draft_s),
        "writing": statistics.median(p for p, _ in writing) / statistics.median(d for _, d in writing),
        "forwards": statistics.median(forwards),
        "same": f"{same}/{repeats}",
        "distinct": len(set(caption.ids)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dtype", default="fp32", choices=list(DTYPES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, help="torch threads (default: torch's own)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--edits", type=int, nargs="+", default=[0, 1, 2, 4])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    model = build(DTYPES[args.dtype], args.device)
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    clock = Clock()
    features = model.encode([image], clock)
    model.encode([image], clock := Clock())
    rows = []
    for tokens in args.tokens:
        for edits in args.edits:
            rows.append(measure(model, features, tokens, edits, args.repeats))
            if not args.json:
                row = rows[-1]
                print(
                    f"{tokens:3d} tokens, {edits} edits: plain {row['plain_ms']:7.0f} ms, draft-verified "
                    f"{row['verified_ms']:7.0f} ms, refinement {row['refinement']:.2f}x, writing "
                    f"{row['writing']:.2f}x, {row['forwards']:.0f} forwards, "
                    f"same tokens {row['same']}, {row['distinct']} distinct",
                    flush=True,
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    summary = {
        "dtype": args.dtype,
        "device": args.device,
        "tower_ms": clock.seconds["tower"] * 1e3,
        "peak_mb": peak,
    }
    if args.json:
        print(json.dumps({**summary, "rows": rows}))
    else:
        print(f"tower {summary['tower_ms']:.0f} ms, peak memory {peak:.0f} MB (building the model included)")


if __name__ == "__main__":
    main()
