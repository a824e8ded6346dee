"""How often a draft-verified refinement differs from a plain one, in each precision, on a trained model.

    ser_ros sim render --split test --count 500 --out SIM
    python benchmarks/low_precision.py SIM --count 500

Both ways start from the same buffer and the same initial caption. In float32 none may differ; in half
precision a matrix product of another shape rounds differently, so nearly equal words may change places.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from ser_ros.model import SerModel
from ser_ros.model.decoding import greedy
from ser_ros.model.describe import Clock
from ser_ros.model.images import batches, find_images, load_image
from ser_ros.runtime.load import DEFAULT_MODEL


def compare(model: SerModel, images: list[Path], tokens: int) -> dict[str, float]:
    """Captions that differ, and those that the second glance changes at all."""
    differ = changed = 0
    for (path,) in batches(images, 1):
        initial, features = model.glance([load_image(path)], max_tokens=tokens)
        ids = initial[0].ids
        prompts = [model.tokenizer.refine_prompt(ids)]

        def refine(draft: list[int], features=features, ids=ids, prompts=prompts) -> list[int]:
            session = model.open_refine(features, prompts, [ids], 1, Clock())
            return greedy(session, 1, model.config.language.eos, tokens, [draft])[0].ids

        plain = refine([])
        differ += plain != refine(ids)
        changed += plain != ids
    return {"captions": len(images), "changed": changed, "differ": differ}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, help="folder of pictures")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--tokens", type=int, default=77)
    parser.add_argument("--dtypes", nargs="+", default=["fp32", "bf16", "fp16"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    images = find_images([args.images])[: args.count]
    for dtype in args.dtypes:
        model = SerModel.from_pretrained(args.model, dtype=dtype)
        print(json.dumps({"dtype": dtype, **compare(model, images, args.tokens)}), flush=True)


if __name__ == "__main__":
    main()
