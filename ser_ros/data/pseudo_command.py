"""`ser_ros pseudo`: pseudo-initial captions for stage 2, one JSONL line per ground-truth caption.

ser_ros pseudo --format karpathy --data dataset_coco.json --out pseudo.jsonl
ser_ros pseudo ... --generator llm --llm gpt-4o-mini --estimate
ser_ros pseudo ... --generator model --model runs/coco/stage1/model --images COCO
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError

GENERATORS = ("rules", "llm", "model", "other")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--data", type=Path, required=True, help="annotation file or folder of the dataset")
    add("--format", default="coco", help="coco, dci, grand, karpathy, llava, sharegpt4v (default: coco)")
    add("--split", default="train", help="split of the dataset, where it has splits")
    add("--out", type=Path, required=True, help="JSONL file; begun work in it is continued")
    add(
        "--generator", choices=GENERATORS, default="rules",
        help="rules: swapped details, offline; llm: the paper's prompts; model: the stage 1 model's own "
        "captions (Data1); other: captions of other pictures (Data2)",
    )  # fmt: skip
    add("--per-caption", type=int, default=3, help="pseudo captions per ground truth, 1 to 16, llm: to 3")
    add("--seed", type=int, default=0, help="of rules and other")
    add("--limit", type=int, default=0, help="only the first N ground truths")
    add("--shard", default="1/1", metavar="I/N", help="do part I of N of the pictures into OUT.I-of-N.jsonl")
    add("--workers", type=int, default=1, help="processes for rules, or CPUs of a local Ray")
    add("--ray", action="store_true", help="run on Ray Data (cluster of RAY_ADDRESS, else local)")
    add("--json", action="store_true", help="one JSON object on stdout")
    llm = parser.add_argument_group("llm")
    llm.add_argument("--llm", default="gpt-4o-mini", metavar="NAME", help="model name of the server")
    llm.add_argument("--base-url", default="", help="OpenAI-compatible server, e.g. http://localhost:8000/v1")
    llm.add_argument("--detailed", action="store_true", help="the prompt that changes 3 to 5 details")
    llm.add_argument("--concurrency", type=int, default=8, help="requests in flight")
    llm.add_argument("--per-minute", type=float, default=0.0, help="most requests per minute, 0: no limit")
    llm.add_argument("--tries", type=int, default=3, help="answers asked for before a caption has failed")
    llm.add_argument("--estimate", action="store_true", help="print tokens and cost, and stop")
    llm.add_argument("--price-in", type=float, default=0.15, help="US dollars per million tokens read")
    llm.add_argument("--price-out", type=float, default=0.60, help="US dollars per million tokens written")
    own = parser.add_argument_group("model")
    own.add_argument("--model", default="", help="checkpoint folder")
    own.add_argument("--images", type=Path, help="image folder of the dataset")
    own.add_argument("--batch", type=int, default=16, help="pictures captioned at once")
    own.add_argument("--beams", type=int, default=1, help="beam width")
    own.add_argument("--device", default="auto", help="auto, cpu or cuda")
    own.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or fp16")


def run(args: argparse.Namespace) -> int:
    """Generate what is missing in the file; prints the counts."""
    from tqdm import tqdm

    from ser_ros.data.formats import read_samples
    from ser_ros.data.pseudo.store import PseudoFile
    from ser_ros.data.shard import Shard

    if not 1 <= args.per_caption <= 16:
        raise UserError("--per-caption must be from 1 to 16")
    if args.generator == "llm" and args.per_caption > 3:
        raise UserError("--per-caption must be from 1 to 3 with --generator llm: its prompts ask for three")
    for name in ("workers", "concurrency", "tries", "batch", "beams"):
        if getattr(args, name) < 1:
            raise UserError(f"--{name} must be at least 1")
    for name in ("limit", "per_minute", "price_in", "price_out"):
        if getattr(args, name) < 0:
            raise UserError(f"--{name.replace('_', '-')} must be at least 0")
    shard = Shard.parse(args.shard)
    everything = _first_of_each_key(read_samples(args.format, args.data, args.split))
    if args.limit:
        everything = everything[: args.limit]
    samples = shard.take(everything, lambda sample: sample.image or sample.key)
    file = PseudoFile(shard.path(args.out), samples)
    todo = file.todo()
    if args.generator == "llm":
        from ser_ros.data.pseudo.llm import estimate

        expected = estimate(todo, _llm_options(args), args.price_in, args.price_out)
        if args.estimate:
            _show(args, expected)
            return 0
    made = _records(args, everything, todo)
    try:
        for record in tqdm(made, args.generator, total=len(samples), initial=len(samples) - len(todo)):
            file.add(record)
    except KeyboardInterrupt:
        file.finish()
        raise
    counts = file.finish()
    _show(args, {**counts, "file": str(file.path)})
    if counts["failed"]:
        print(
            f"ser_ros pseudo: captions without a usable answer: {counts['failed']}; training leaves them "
            "out, the same command asks for them again",
            file=sys.stderr,
        )
    return 0


def _first_of_each_key(samples: list[Any]) -> list[Any]:
    """Stage 2 files repeat a ground truth for each of its initial captions."""
    return list({sample.key: sample for sample in reversed(samples)}.values())[::-1]


def _records(args: argparse.Namespace, everything: list[Any], todo: list[Any]) -> Iterable[Any]:
    from ser_ros.data.images import missing_images
    from ser_ros.data.pseudo.own import other_captions, own_captions

    if args.generator == "other":
        return other_captions(everything, todo, args.per_caption, args.seed)
    if args.generator == "model":
        if not args.model or args.images is None:
            raise UserError("--generator model needs --model FOLDER and --images FOLDER")
        if absent := missing_images(args.images, (sample.image for sample in todo)):
            raise UserError(f"{args.images / absent[0]} does not exist ({len(absent)} pictures are missing)")
        how = {name: getattr(args, name) for name in ("batch", "beams", "device", "dtype")}
        if not args.ray:
            return own_captions(todo, args.images, args.model, **how)
        return _bulk(args, todo, partial(_own_batch, images=args.images, model=args.model, **how))
    if args.generator == "llm":
        from ser_ros.data.pseudo.llm import llm_captions

        options = _llm_options(args)
        if not args.ray:
            return llm_captions(todo, options)
        return _bulk(args, todo, partial(_llm_batch, options=asdict(options)))
    from ser_ros.data.pseudo.vocabulary import Vocabulary

    # Counted here once, so that every process and every shard swaps in the same things.
    vocabulary = Vocabulary.from_captions([sample.caption for sample in everything])
    words = (tuple(vocabulary.counts.items()), tuple(vocabulary.attributes.items()))
    return _bulk(args, todo, partial(_rule_batch, words=words, seed=args.seed, per_caption=args.per_caption))


def _bulk(args: argparse.Namespace, todo: list[Any], work: Any) -> Iterator[Any]:
    from ser_ros.data.bulk import run_local, run_ray
    from ser_ros.data.pseudo.store import PseudoRecord

    items = [asdict(sample) for sample in todo]
    bulk = run_ray if args.ray else run_local
    return (PseudoRecord(**record) for record in bulk(items, work, workers=args.workers))


def _rule_batch(items: list[dict[str, Any]], words: Any, seed: int, per_caption: int) -> list[dict[str, Any]]:
    from ser_ros.data.pseudo.store import PseudoRecord
    from ser_ros.data.sample import Sample

    generator = _rules(words, seed, per_caption)
    made = []
    for item in items:
        sample = Sample(**item)
        record = PseudoRecord.of(sample, generator.name)
        for pseudo in generator.generate(sample.key, sample.caption):
            record.pseudo.append(pseudo.text)
            record.changes.append([list(change) for change in pseudo.changes])
        made.append(asdict(record))
    return made


@lru_cache(1)
def _rules(words: Any, seed: int, per_caption: int) -> Any:
    from collections import Counter

    from ser_ros.data.pseudo.rules import RuleGenerator
    from ser_ros.data.pseudo.vocabulary import Vocabulary

    things, attributes = (Counter(dict(counts)) for counts in words)
    return RuleGenerator(Vocabulary(things, attributes), seed, per_caption)


def _llm_batch(items: list[dict[str, Any]], options: dict[str, Any]) -> list[dict[str, Any]]:
    from ser_ros.data.pseudo.llm import LlmOptions, llm_captions
    from ser_ros.data.sample import Sample

    return [asdict(r) for r in llm_captions([Sample(**item) for item in items], LlmOptions(**options))]


def _own_batch(items: list[dict[str, Any]], images: Path, model: str, **how: Any) -> list[dict[str, Any]]:
    from ser_ros.data.pseudo.own import own_captions
    from ser_ros.data.sample import Sample

    return [asdict(r) for r in own_captions([Sample(**item) for item in items], images, model, **how)]


def _llm_options(args: argparse.Namespace) -> Any:
    from ser_ros.data.pseudo.llm import LlmOptions

    return LlmOptions(
        model=args.llm,
        base_url=args.base_url,
        kind="detailed" if args.detailed else "short",
        per_caption=args.per_caption,
        concurrency=args.concurrency,
        per_minute=args.per_minute,
        tries=args.tries,
    )


def _show(args: argparse.Namespace, values: dict[str, Any]) -> None:
    if args.json:
        print(json.dumps(values))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("pseudo-initial captions", args.generator)
    for name, value in values.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
