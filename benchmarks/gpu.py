"""ser_ros at the paper's size on a GPU, with and without CUDA graphs, and other captioners beside it.

    python benchmarks/gpu.py OUT                           # everything, results in OUT/gpu.json and gpu.md
    python benchmarks/gpu.py OUT --images 2 --repeats 1 --parts ours-20 authors --device cpu   # tries it

Random weights at true sizes in bfloat16, drawn on the device, one process for all: nothing is fetched.
One image at a time, greedy. `ours` has CUDA graphs and a verified draft, `eager` is the same without graphs,
`authors` the published way (three beams, the image's features for every beam, no draft); these three include
what `ser_ros bench` includes, the peers of benchmarks/peer_models.py leave preprocessing out. Each part has a
time limit; one that fails is named and the others go on.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import statistics
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import transformers
from decoding import build
from peer_models import PEERS, Caption, authors, peer, seconds

from ser_ros.model.config import SerConfig
from ser_ros.model.describe import Clock, Engine, describe
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.bench import measure
from ser_ros.runtime.bench_model import random_tokenizer
from ser_ros.runtime.bench_script import ScriptedEngine
from ser_ros.runtime.cuda_engine import CudaEngine
from ser_ros.runtime.cuda_graphs import CudaGraphs, directly
from ser_ros.runtime.two_glances import TwoGlanceCaptioner

EDITS = 1
"""Tokens that the second glance replaces."""

PEER_TOKENS = (20, 60)


class Benchmark:
    """One model on one device, and what was measured so far."""

    def __init__(self, device: str, images: int, repeats: int):
        self.device, self.images, self.repeats = device, images, repeats
        self.model: SerModel = build(torch.bfloat16, device, random_tokenizer(SerConfig()))
        self.graphs = CudaGraphs(torch.device(device)) if device == "cuda" else directly
        dice = np.random.default_rng(0)
        self.pictures = [dice.integers(0, 256, (480, 640, 3)).astype(np.uint8) for _ in range(images)]

    def run(self, part: str) -> dict:
        """One of the parts by its name."""
        if part in PEERS:
            return self.peer(part)
        name, _, tokens = part.partition("-")
        return getattr(self, name)(*map(int, tokens.split()))

    def machine(self) -> dict:
        """What it runs on, and how fast its memory copies: bytes read and written a second."""
        about = {"python": platform.python_version(), "torch": torch.__version__}
        about["transformers"] = transformers.__version__
        about["device"] = torch.cuda.get_device_name() if self.device == "cuda" else platform.processor()
        source = torch.randn(2**28 if self.device == "cuda" else 2**24, device=self.device)
        target = torch.empty_like(source)
        took = [seconds(target.copy_, source) for _ in range(10)]
        about |= {"copy_bytes_per_second": 2 * source.nbytes / statistics.median(took[3:])}
        return about | {f"attention_{name}": self._attention(name == "cudnn") for name in ("torch", "cudnn")}

    def _attention(self, cudnn: bool) -> dict:
        """Seconds of one token's masked attention at a length that is new, and at the same once more."""
        torch.backends.cuda.enable_cudnn_sdp(cudnn)
        query, keys = (torch.randn(1, 12, n, 64, device=self.device, dtype=torch.bfloat16) for n in (1, 800))
        attend = torch.nn.functional.scaled_dot_product_attention
        new, again = [], []
        for length in range(640, 720, 8):
            mask = query.new_zeros(1, 1, 1, length)
            now = keys[:, :, :length]
            took = [seconds(attend, query, now, now, mask) for _ in range(3)]
            new.append(took[0])
            again.append(took[2])
        torch.backends.cuda.enable_cudnn_sdp(True)
        return {"new": statistics.median(new), "again": statistics.median(again)}

    def ours(self, tokens: int) -> dict:
        return self._glances(CudaEngine(self.model, self.graphs), tokens, self.images)

    def eager(self, tokens: int) -> dict:
        return self._glances(self.model, tokens, -(-self.images // 10))

    def authors(self) -> dict:
        return {"authors": median_seconds(authors(self.model), list(PEER_TOKENS), self.repeats)}

    def agreement(self) -> dict:
        """Captions of random weights: with graphs, by the same functions unrecorded, and by the model."""
        unrecorded = CudaEngine(
            self.model, lambda f, *a: f(*(x if isinstance(x, int) else x.to(self.device) for x in a))
        )
        engines = (CudaEngine(self.model, self.graphs), unrecorded, self.model)
        first, *others = ([describe(e, [p], max_tokens=30)[0] for p in self.pictures[:5]] for e in engines)
        result: dict[str, object] = {"captions": len(first)}
        for name, other in zip(("unrecorded", "eager"), others, strict=True):
            same = [(a, b) for a, b in zip(first, other, strict=True) if a.refined == b.refined]
            result[f"same_as_{name}"] = len(same)
            # Above zero where the two round differently, as other shapes and kernels do.
            result[f"log_probs_off_{name}"] = max(
                (abs(x - y) for a, b in same for x, y in zip(a.log_probs, b.log_probs, strict=True)),
                default=None,
            )
        return result

    def peer(self, name: str) -> dict:
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        row = median_seconds(peer(name, self.device), list(PEER_TOKENS), self.repeats)
        if self.device == "cuda":
            row["peak_gpu_mb"] = (torch.cuda.max_memory_allocated() - before) / 1e6
        return {name: row}

    def profile(self) -> dict:
        """Time of the kernels of one image with graphs, the longest first."""
        engine = ScriptedEngine(CudaEngine(self.model, self.graphs), 20, EDITS)
        describe(engine, self.pictures[:1], max_tokens=21)
        with torch.profiler.profile() as profile:
            describe(engine, self.pictures[:1], max_tokens=21)
        rows = sorted(profile.key_averages(), key=lambda row: -row.self_device_time_total)[:40]
        return {
            "kernels": [
                {"name": row.key[:120], "count": row.count, "ms": row.self_device_time_total / 1e3}
                for row in rows
            ]
        }

    def _glances(self, engine: Engine, tokens: int, images: int) -> dict:
        images = images if tokens <= 20 else -(-images // 3)
        row = measure(TwoGlanceCaptioner(engine, "torch", self.device), tokens, EDITS, images)
        row["seconds_a_token"] = row["stages"]["decode"] / tokens
        row["bytes_a_token"] = self._bytes_a_token(tokens)
        scripted = ScriptedEngine(engine, tokens, EDITS)
        for name, refinements in (("single", 0), ("both", 1)):
            took = seconds(self._stream, scripted, self.pictures[:images], tokens, refinements)
            row[f"{name}_seconds_for_100"] = 100 / images * took
        row["own_seconds_a_token"] = self._own_words(engine, tokens, images)
        return row

    def _own_words(self, engine: Engine, tokens: int, images: int) -> float:
        """Seconds a token where the best token is taken, as greedy decoding does, instead of a script's."""
        assert engine.tokenizer is not None
        features, prompt = engine.encode(self.pictures[:1], Clock()), engine.tokenizer.glance_prompt()

        def write() -> None:
            session = engine.open_glance(features, [prompt], 1, Clock())
            best = session.prefill(np.zeros((1, 0), np.int64), np.zeros(1, np.int64))
            times.append(time.perf_counter())
            for _ in range(tokens):
                best = session.extend(best.ids[:, -1], np.ones(1, np.int64))
            times.append(time.perf_counter())

        times: list[float] = []
        for _ in range(images + 1):
            write()
        return float(np.median(np.diff(times)[2::2])) / tokens

    @staticmethod
    def _stream(engine: Engine, pictures: list[np.ndarray], tokens: int, refinements: int) -> None:
        for picture in pictures:
            describe(engine, [picture], max_tokens=tokens + 1, refinements=refinements)

    def _bytes_a_token(self, tokens: int) -> float:
        """What a step in the middle of a caption reads: weights of the language model, keys and values."""
        decoder = self.model.language.decoder
        weights = sum(
            weight.nbytes for name, weight in decoder.named_parameters() if "embed_positions" not in name
        )
        sizes = self.model.config.language.sizes
        assert self.model.tokenizer is not None
        places = self.model.config.patches + len(self.model.tokenizer.glance_prompt()) + tokens / 2
        return weights + places * 2 * sizes["num_hidden_layers"] * sizes["hidden_size"] * 2


def median_seconds(caption: Caption, tokens: list[int], repeats: int) -> dict[str, float]:
    """Number of tokens -> seconds of one caption, after the longest as a warm-up."""
    caption(max(tokens))
    return {
        str(count): statistics.median(seconds(caption, count) for _ in range(repeats)) for count in tokens
    }


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise a TimeoutError in the code within after so long."""

    def stop(*_) -> None:
        raise TimeoutError(f"took more than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def table(results: dict) -> str:
    """Markdown for people."""
    lines = [json.dumps(results.get("machine", {})), ""]
    bandwidth = results.get("machine", {}).get("copy_bytes_per_second")
    lines += ["| ms | " + " | ".join(HEADS) + " |", "|---" * (len(HEADS) + 1) + "|"]
    for name in GLANCES:
        row = results.get(name, {})
        if "stages" not in row:
            continue
        cells = [f"{seconds * 1e3:.2f}" for seconds in row["stages"].values()]
        cells += [f"{row[key] * 1e3:.1f}" for key in ("single_seconds", "refined_seconds")]
        cells += [f"{row[f'{key}_seconds_for_100']:.2f}" for key in ("single", "both")]
        floor = row["bytes_a_token"] / bandwidth if bandwidth else float("nan")
        for key in ("seconds_a_token", "own_seconds_a_token"):
            cells += [f"{row[key] * 1e3:.3f}", f"{floor / row[key]:.2f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines.append("")
    lines += ["| peer | " + " | ".join(f"{n} tokens (ms)" for n in PEER_TOKENS) + " | GPU memory (MB) |"]
    lines += ["|---" * (len(PEER_TOKENS) + 2) + "|"]
    for name in ("authors", *PEERS):
        row = results.get(name, {}).get(name, {})
        cells = [f"{row[str(n)] * 1e3:,.1f}" if str(n) in row else "-" for n in PEER_TOKENS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {row.get('peak_gpu_mb', 0):,.0f} |")
    failed = [f"{name}: {result['failed']}" for name, result in results.items() if "failed" in result]
    agreement = [json.dumps(results["agreement"])] if "agreement" in results else []
    return "\n".join([*lines, "", *agreement, *failed]) + "\n"


GLANCES = ("ours-10", "ours-20", "ours-60", "eager-20", "eager-60")
"""What runs, and the tokens of its captions."""

STAGES = ("preprocess", "tower", "connector", "prefill", "decode", "DeepLens", "refine")
HEADS = (*STAGES, "single", "both", "100 single (s)", "100 both (s)")
HEADS += ("a token", "of the floor", "a best token", "of the floor")


def main() -> None:
    parts = ["machine", *GLANCES, "agreement", "authors", *PEERS, "profile"]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for the results")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3, help="captions of each peer")
    parser.add_argument("--limit", type=float, default=20.0, help="most seconds of one part")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    args = parser.parse_args()
    start = time.perf_counter()
    benchmark = Benchmark(args.device, args.images, args.repeats)
    print(f"model built after {time.perf_counter() - start:.1f} s", flush=True)
    results: dict[str, dict] = {}
    for part in args.parts:
        began = time.perf_counter()
        try:
            with time_limit(args.limit):
                results[part] = benchmark.run(part)
                if args.device == "cuda":
                    torch.cuda.empty_cache()
        except Exception as error:  # whatever a peer raises, the others still run and it is named
            traceback.print_exc()
            results[part] = {"failed": f"{type(error).__name__}: {error}"[:300]}
        print(f"{part}: {time.perf_counter() - began:.1f} s", flush=True)
        (args.out / "gpu.json").write_text(json.dumps(results, indent=1))
        (args.out / "gpu.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
