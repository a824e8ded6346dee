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
from ser_ros.model.tokenizer import CaptionTokenizer

NEVER = -1  # no end token: every caption has exactly the asked number of tokens
PROMPT = (
    [2, *range(100, 104), IMAGE_TOKEN, *range(104, 110)],  # before, image, after: as long as the paper's
    [*range(110, 122)],
)


def build(dtype: torch.dtype, device: str, tokenizer: CaptionTokenizer | None = None) -> SerModel:
    """Full size; wide position embeddings, so that greedy captions vary instead of repeating one word."""
    torch.manual_seed(0)
    with no_weights():
        model = SerModel(SerConfig(), tokenizer)
    weights = {}
    for name, shape in model.state_dict().items():
        weight = torch.empty(shape.shape, dtype=dtype, device=device)
        if weight.ndim == 1:
            weights[name] = weight.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            spread = 2.0 if "embed_positions" in name else 0.05
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


def refine(model: SerModel, features, initial: list[int], tokens: int, draft: list[int], now):
    """Seconds of one refinement, whole and without DeepLens, and the caption."""
    start = now()
    prompt = [*PROMPT[0], *initial, *PROMPT[1]]
    session = model.open_refine(features, [prompt], [initial], 1, Clock())
    looked = now()
    caption = greedy(session, 1, NEVER, tokens, [draft])[0]
    end = now()
    return end - start, end - looked, caption


def measure(model: SerModel, features, tokens: int, edit_counts: list[int], repeats: int, now) -> list[dict]:
    """One row for each number of edits; plain and verified runs alternate, the first round is warm-up."""
    rng = random.Random(tokens)
    plain: list[tuple[float, float]] = []
    verified: dict[int, list[tuple[float, float]]] = {edits: [] for edits in edit_counts}
    forwards: dict[int, list[int]] = {edits: [] for edits in edit_counts}
    same = dict.fromkeys(edit_counts, 0)
    for repeat in range(repeats + 1):
        initial = [rng.randrange(1000, 40000) for _ in range(tokens)]
        whole, writing, caption = refine(model, features, initial, tokens, [], now)
        if repeat:
            plain.append((whole, writing))
        for edits in edit_counts:
            draft = edit(caption.ids, edits, rng)
            whole, writing, checked = refine(model, features, initial, tokens, draft, now)
            if repeat:
                verified[edits].append((whole, writing))
                forwards[edits].append(checked.forwards)
                same[edits] += checked.ids == caption.ids
    rows = []
    for edits in edit_counts:
        plain_s, plain_w = (statistics.median(column) for column in zip(*plain, strict=True))
        draft_s, draft_w = (statistics.median(column) for column in zip(*verified[edits], strict=True))
        rows.append(
            {
                "tokens": tokens,
                "edits": edits,
                "plain_ms": plain_s * 1e3,
                "verified_ms": draft_s * 1e3,
                "refinement": plain_s / draft_s,
                "writing": plain_w / draft_w,
                "forwards": statistics.median(forwards[edits]),
                "same": f"{same[edits]}/{repeats}",
                "distinct": len(set(caption.ids)),
            }
        )
    return rows


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
    parser.add_argument(
        "--cpu-time", action="store_true", help="CPU seconds, for a machine with other work on it"
    )
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    model = build(DTYPES[args.dtype], args.device)
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3)).astype(np.uint8)
    now = time.process_time if args.cpu_time else time.perf_counter
    features = model.encode([image], Clock())
    start = now()
    model.encode([image], Clock())
    tower = (now() - start) * 1e3
    rows = []
    for tokens in args.tokens:
        for row in measure(model, features, tokens, args.edits, args.repeats, now):
            rows.append(row)
            if not args.json:
                print(
                    f"{tokens:3d} tokens, {row['edits']} edits: plain {row['plain_ms']:7.0f} ms, "
                    f"draft-verified {row['verified_ms']:7.0f} ms, refinement {row['refinement']:.2f}x, "
                    f"writing {row['writing']:.2f}x, {row['forwards']:.0f} forwards, "
                    f"same tokens {row['same']}, {row['distinct']} distinct",
                    flush=True,
                )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    summary = {
        "dtype": args.dtype,
        "device": args.device,
        "tower_ms": tower,
        "peak_mb": peak,
    }
    if args.json:
        print(json.dumps({**summary, "rows": rows}))
    else:
        print(f"tower {tower:.0f} ms, peak memory {peak:.0f} MB (building the model included)")


if __name__ == "__main__":
    main()
