"""`ser_ros score`: prediction file against references."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_ros.errors import UserError, cannot_write

if TYPE_CHECKING:
    from ser_ros.eval.captions_files import CaptionPair
    from ser_ros.eval.metric import Metric


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    from ser_ros.eval.score import DEFAULT_METRICS, METRICS, ScoreOptions

    default = ScoreOptions()
    one = parser.add_argument
    one("--references", type=Path, required=True, metavar="GT.json", help="COCO or Karpathy caption file")
    one("--predictions", type=Path, required=True, metavar="P.json", help="list of {image_id, caption}")
    one("--against", type=Path, metavar="Q.json", help="second predictions: is the difference significant?")
    one(
        "--metrics", default=",".join(DEFAULT_METRICS),
        help=f"comma-separated from {', '.join(METRICS)} (default: %(default)s)",
    )  # fmt: skip
    one("--style", default="", help="references of this style only (the simulated home has styles)")
    one(
        "--authors-cut", action="store_true",
        help="cut predictions to three sentences as the authors' script does for detailed captions",
    )  # fmt: skip
    one("--per-image", type=Path, metavar="OUT.jsonl", help="write the scores of every image")
    one("--no-intervals", action="store_true", help="skip the bootstrap intervals")
    one("--graphs", type=Path, metavar="GRAPHS.jsonl", help="true graphs, for the metric graph")
    one("--images", type=Path, metavar="FOLDER", help="the pictures, for the judge")
    one(
        "--encoder", type=Path, metavar="FOLDER",
        help="sentence encoder for CAPTURE's soft matching; installed: that of the extra [embed]",
    )  # fmt: skip
    add_bert_arguments(parser)
    one("--spice-jar", type=Path, metavar="JAR", help="the original SPICE with CoreNLP 3.6 in lib/")
    add_server_arguments(parser)
    one(
        "--judge-images",
        type=int,
        default=default.judge_images,
        help="images to judge (default: %(default)s)",
    )
    one("--judge-seeds", type=int, default=default.judge_seeds, help="times each (default: %(default)s)")
    one("--wording", choices=("paper", "official"), default=default.wording, help="prompts of both judges")
    one("--json", action="store_true", help="one JSON object on stdout")


def add_bert_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of BERTScore."""
    from ser_ros.eval.score import ScoreOptions

    default = ScoreOptions()
    one = parser.add_argument
    one("--bert-model", type=Path, metavar="FOLDER", help="encoder for BERTScore")
    one("--bert-layer", type=int, default=default.bert_layer, help="its layer (default: %(default)s)")
    one("--bert-baseline", type=float, default=default.bert_baseline, help="rescale by it, 0 to 1 (0: raw)")


def add_server_arguments(parser: argparse.ArgumentParser, temperature: float = 1.0) -> None:
    """Options of an OpenAI-compatible server."""
    parser.add_argument("--llm", default="", metavar="MODEL", help="model of the server that judges")
    parser.add_argument("--base-url", default="", help="OpenAI-compatible server (default: OpenAI's own)")
    parser.add_argument("--api-key", default="", help="default: $OPENAI_API_KEY; local servers need none")
    parser.add_argument("--temperature", type=float, default=temperature, help="default: %(default)s")
    parser.add_argument(
        "--concurrency", type=int, default=4, help="requests in flight (default: %(default)s)"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FILE.jsonl",
        help="answers of the LLM; kept, so a rerun asks only the rest",
    )


def server_options(args: argparse.Namespace, max_tokens: int = 256) -> Any:
    """`ServerOptions` of the arguments above."""
    from ser_ros.eval.llm import ServerOptions

    if not 0 <= args.temperature <= 2 or args.concurrency < 1:
        raise UserError("--temperature must be in [0, 2] and --concurrency at least 1")
    return ServerOptions(
        args.llm, args.base_url, args.api_key, args.temperature, max_tokens, concurrency=args.concurrency
    )


def run(args: argparse.Namespace) -> int:
    """Score, compare where a second file is given, print."""
    from ser_ros.eval.score import ScoreOptions, score
    from ser_ros.eval.statistics import paired_difference

    if args.judge_images < 1 or args.judge_seeds < 1:
        raise UserError("--judge-images and --judge-seeds must be at least 1")
    names = [name.strip() for name in args.metrics.split(",") if name.strip()]
    if not names:
        raise UserError("--metrics names no metric")
    if args.per_image:
        _check_writable(args.per_image)
    options = ScoreOptions(
        metrics=names,
        style=args.style, authors_cut=args.authors_cut, graphs=args.graphs, images=args.images,
        encoder=args.encoder, bert_model=args.bert_model, bert_layer=args.bert_layer,
        bert_baseline=args.bert_baseline, spice_jar=args.spice_jar, wording=args.wording,
        judge_images=args.judge_images, judge_seeds=args.judge_seeds, server=server_options(args),
        cache=args.cache, intervals=not args.no_intervals,
    )  # fmt: skip
    pairs, metrics = score(args.references, args.predictions, options)
    result: dict[str, Any] = {
        "images": len(pairs),
        "empty_captions": sum(not pair.candidate.strip(" .") for pair in pairs),
        "authors_cut": args.authors_cut,
        "metrics": {metric.name: as_json(metric) for metric in metrics},
    }
    if args.against:
        _, others = score(args.references, args.against, options)
        result["against"] = {
            ours.name: paired_difference(ours, theirs)
            for ours, theirs in zip(metrics, others, strict=True)
            if ours.value is not None and theirs.value is not None
        }
    if args.per_image:
        _write_per_image(args.per_image, pairs, metrics)
    if args.json:
        print(json.dumps(result))
    else:
        _table(result, args.against)
    return 0


def as_json(metric: Metric) -> dict[str, Any]:
    """One metric as plain JSON types."""
    note = {"note": metric.note} if metric.note else {}
    return {"value": metric.value, **note, **metric.details}


def _check_writable(path: Path) -> None:
    """Before an hour of judging, not after it."""
    try:
        path.open("a", encoding="utf-8").close()
    except OSError as error:
        raise cannot_write(path, error) from None


def _write_per_image(path: Path, pairs: list[CaptionPair], metrics: list[Metric]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for i, pair in enumerate(pairs):
            scores: dict[str, float | None] = {}
            for metric in metrics:
                if metric.per_image is not None:
                    value = float(metric.per_image[i])
                    scores[metric.name] = None if value != value else value
            file.write(json.dumps({"image_id": pair.image_id, "caption": pair.candidate, **scores}) + "\n")


# Scores that are already on the scale people print.
UNSCALED = ("CLAIR", "MLLM judge")


def shown(name: str, value: float | None) -> str:
    """A score as papers print it: times 100, except for the judges."""
    if value is None:
        return "-"
    return f"{value:.2f}" if name.startswith(UNSCALED) else f"{100 * value:.1f}"


def _table(result: dict[str, Any], other: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    cut = ", cut to three sentences as the authors' script" if result["authors_cut"] else ""
    empty = f", {result['empty_captions']} captions empty" if result["empty_captions"] else ""
    table = Table("metric", "score", "95 % interval", title=f"{result['images']} images{cut}{empty}")
    if other is not None:
        table.add_column(f"minus {escape(other.name)}")
        table.add_column("p")
    for name, metric in result["metrics"].items():
        low_high = metric.get("interval")
        interval = " to ".join(shown(name, bound) for bound in low_high) if low_high else ""
        if metric.get("deviation") is not None:
            interval = f"± {metric['deviation']:.2f} over seeds"
        row = [name, shown(name, metric["value"]), interval]
        if other is not None:
            found = result["against"].get(name)
            row += [shown(name, found["difference"]), f"{found['p']:.3f}"] if found else ["", ""]
        table.add_row(*row)
    console = Console()
    console.print(table)
    for name, metric in result["metrics"].items():
        if "note" in metric:
            console.print(f"{name}: {metric['note']}", highlight=False, markup=False, soft_wrap=True)
