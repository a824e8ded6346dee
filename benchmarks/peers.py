"""ser_ros beside other captioners: the same picture size, the same number of tokens, one process each.

    python benchmarks/peers.py                                     # all that this machine can run
    python benchmarks/peers.py --models ser-int8 authors blip-large --tokens 20 60 --repeats 3

Random weights at true sizes, built from transformers' own configuration classes: time and memory do not
depend on what the weights say, and nothing is fetched. All peers run in bfloat16 with greedy decoding, batch
1, preprocessing left out. `authors` is the published way of the same model: three beams, the features of the
image for every beam, no draft. Peak memory is the process's own, so it includes torch.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from ser_ros.runtime.bench import measure, peak_rss_mb
from ser_ros.runtime.bench_model import write_model
from ser_ros.runtime.load import load_captioner
from ser_ros.runtime.onnx_folder import FORMAT

if TYPE_CHECKING:
    from ser_ros.model.ser_model import SerModel

EDITS = 1
"""Tokens that the second glance replaces."""

Caption = Callable[[int], object]
"""Writes a caption of exactly so many tokens."""


def blip(width: int, layers: int, heads: int) -> Caption:
    from transformers import BlipConfig, BlipForConditionalGeneration

    vision = {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "image_size": 384, "patch_size": 16,
    }  # fmt: skip
    config = BlipConfig(vision_config=vision, text_config={"vocab_size": 30524, "encoder_hidden_size": width})
    return writer(BlipForConditionalGeneration(config).eval(), pixel_values=pixels(384))


def git_base() -> Caption:
    from transformers import GitConfig, GitForCausalLM

    model = GitForCausalLM(GitConfig()).eval()  # its defaults are GIT-base's
    return writer(model, pixel_values=pixels(224), input_ids=torch.tensor([[101]]))


def smolvlm(tiles: int) -> Caption:
    """One tile, or 13: its processor cuts 640 x 480 into 4 x 3 and adds the whole picture."""
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

    config = SmolVLMConfig(
        vision_config={
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "image_size": 512, "patch_size": 16,
        },
        text_config={
            "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
            "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49280,
            "max_position_embeddings": 8192,
        },
        scale_factor=4,
        image_token_id=49190,
    )  # fmt: skip
    ids = torch.tensor([[*range(100, 110), *[49190] * (64 * tiles), *range(110, 120)]])
    pictures = pixels(512).expand(tiles, -1, -1, -1)[None].contiguous()  # [1, tiles, 3, 512, 512]
    return writer(SmolVLMForConditionalGeneration(config).eval(), pixel_values=pictures, input_ids=ids)


def florence_base() -> Caption:
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    config = Florence2Config(
        vision_config={
            "embed_dim": [128, 256, 512, 1024], "num_heads": [4, 8, 16, 32], "num_groups": [4, 8, 16, 32],
            "depths": [1, 1, 9, 1], "projection_dim": 768,
        },
        text_config={
            "model_type": "bart", "vocab_size": 51328, "d_model": 768, "encoder_layers": 6,
            "decoder_layers": 6, "encoder_attention_heads": 12, "decoder_attention_heads": 12,
            "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072,
        },
        image_token_id=51289,
    )  # fmt: skip
    ids = torch.tensor([[*[51289] * 577, *range(100, 110)]])
    return writer(Florence2ForConditionalGeneration(config).eval(), pixel_values=pixels(768), input_ids=ids)


def llava_7b() -> Caption:
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    config = LlavaConfig(image_token_index=31999)  # its defaults are LLaVA-1.5-7B's
    ids = torch.tensor([[1, *range(100, 110), *[config.image_token_index] * 576, *range(110, 125)]])
    return writer(LlavaForConditionalGeneration(config).eval(), pixel_values=pixels(336), input_ids=ids)


def writer(model: torch.nn.Module, **inputs: torch.Tensor) -> Caption:
    """Greedy captions of a model of transformers; the end token is barred."""

    def caption(tokens: int) -> None:
        with torch.inference_mode():
            model.generate(
                **inputs, do_sample=False, num_beams=1, min_new_tokens=tokens, max_new_tokens=tokens
            )

    return caption


def pixels(side: int) -> torch.Tensor:
    """Not zeros, which SmolVLM takes for padding and leaves out."""
    return torch.rand(1, 3, side, side)


def authors(model: SerModel) -> Caption:
    """Both glances as published: tower, connector, DeepLens and prefill run once for each of three beams."""
    from ser_ros.model.describe import Clock

    beams = 3
    assert model.tokenizer is not None  # a model folder always has one
    words = model.tokenizer
    image = np.zeros((480, 640, 3), np.uint8)

    def caption(tokens: int) -> None:
        initial = list(range(10, 10 + tokens))
        features = model.encode([image] * beams, Clock())
        prompts = [words.glance_prompt()] * beams
        write(model.open_glance(features, prompts, 2 * beams, Clock()), tokens)
        prompts = [words.refine_prompt(initial)] * beams
        write(model.open_refine(features, prompts, [initial] * beams, 2 * beams, Clock()), tokens)

    def write(session, tokens: int) -> None:
        session.prefill(np.zeros((beams, 0), np.int64), np.zeros(beams, np.int64))
        for step in range(tokens):
            session.reorder(np.array([0, 0, 1]))  # beams rarely stay in their places
            session.extend(np.full((beams, 1), 10 + step), np.ones(beams, np.int64))

    return caption


def peer(name: str, device: str) -> Caption:
    """Build one of PEERS with its inputs where it will run: weights drawn on a GPU take no time."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return PEERS[name]()
    finally:
        torch.set_default_dtype(torch.float32)


PEERS: dict[str, Callable[[], Caption]] = {
    "blip-base": lambda: blip(768, 12, 12),
    "blip-large": lambda: blip(1024, 24, 16),
    "git-base": git_base,
    "smolvlm-256m": lambda: smolvlm(1),
    "smolvlm-256m-tiled": lambda: smolvlm(13),
    "florence-2-base": florence_base,
    "llava-1.5-7b": llava_7b,
}
OURS = {"ser-int8": ("onnx", "auto"), "ser-bf16": ("torch", "bf16")}
"""Name -> backend and dtype; draft-verified, one tower run."""


def run_one(name: str, work: Path, tokens: list[int], repeats: int) -> dict[str, dict[str, float]]:
    """Row name -> seconds for each number of tokens, and peak memory, in this process."""
    if name in OURS:
        backend, dtype = OURS[name]
        captioner = load_captioner(work / ("graphs" if backend == "onnx" else "model"), backend, dtype=dtype)
        rows: dict[str, dict[str, float]] = {f"{name}, one glance": {}, f"{name}, both": {}}
        for count in tokens:
            result = measure(captioner, count, EDITS, repeats)
            for row, key in zip(rows.values(), ("single_seconds", "refined_seconds"), strict=True):
                row[str(count)] = result[key]
    else:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        if name == "authors":
            from ser_ros.model.ser_model import SerModel

            caption = authors(SerModel.from_pretrained(work / "model", dtype="bf16", device=device))
        else:
            caption = peer(name, device)
        rows = {name: median_seconds(caption, tokens, repeats)}
    for row in rows.values():
        row["peak_rss_mb"] = peak_rss_mb() or float("nan")
    return rows


def median_seconds(caption: Caption, tokens: list[int], repeats: int) -> dict[str, float]:
    """Number of tokens -> seconds of one caption, after the longest as a warm-up."""
    caption(max(tokens))
    medians = {}
    for count in tokens:
        seconds = []
        for _ in range(repeats):
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            start = time.perf_counter()
            caption(count)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
        medians[str(count)] = statistics.median(seconds)
    return medians


def main() -> None:
    names = [*OURS, "authors", *PEERS]
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
    parser.add_argument("--prepare", action="store_true", help="make the model and graphs, measure nothing")
    parser.add_argument("--one", choices=names, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(run_one(args.one, args.work, args.tokens, args.repeats)))
        return
    chosen = args.models or [name for name in names if name != "llava-1.5-7b" or torch.cuda.is_available()]
    if not (args.work / "graphs" / "export.json").is_file():
        write_model(args.work, "paper", "onnx", int8=True)
    if args.prepare:
        return
    rows: dict[str, dict[str, float]] = {}
    for name in chosen:
        command = [sys.executable, __file__, "--one", name, "--work", str(args.work)]
        command += ["--repeats", str(args.repeats), "--tokens", *map(str, args.tokens)]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        print(json.dumps(done), file=sys.stderr)  # what is measured is not lost when a later one fails
        rows |= done
    print("| | " + " | ".join(f"{count} tokens (ms)" for count in args.tokens) + " | peak memory (MB) |")
    print("|---" * (len(args.tokens) + 2) + "|")
    for name, row in rows.items():
        times = " | ".join(f"{row[str(count)] * 1e3:,.0f}" for count in args.tokens)
        print(f"| {name} | {times} | {row['peak_rss_mb']:,.0f} |")


if __name__ == "__main__":
    main()
