"""Score a checkpoint on splits of the simulated home: both glances, both styles.

    python benchmarks/sim_scores.py --model ser_ros/assets/ser-sim --data SIM/test SIM/test_novel

BLEU-4 and CIDEr with COCO's tokenisation; object, attribute and relation F1 and the share of
hallucinated objects against the true graphs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from ser_ros.data.sim.score import score
from ser_ros.eval.ptb import tokenize_coco
from ser_ros.model.images import load_image
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import load_captioner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--styles", nargs="+", default=["default", "detailed"])
    parser.add_argument("--limit", type=int, default=0, help="only the first N pictures")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--beams", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file; predictions are written beside it")
    args = parser.parse_args()
    captioner = load_captioner(args.model)
    results = []
    for folder in args.data:
        images = json.loads((folder / "captions.json").read_text())["images"]
        images = images[: args.limit] if args.limit else images
        for style in args.styles:
            glances = {"initial": {}, "refined": {}}
            options = CaptionOptions(style=style, beams=args.beams, max_tokens=80)
            for start in tqdm(range(0, len(images), args.batch), desc=f"{folder.name} {style}"):
                some = images[start : start + args.batch]
                pictures = [load_image(folder / "images" / row["file_name"]) for row in some]
                for row, said in zip(some, captioner.describe(pictures, options), strict=True):
                    glances["initial"][row["id"]] = said.initial
                    glances["refined"][row["id"]] = said.refined
            for glance, captions in glances.items():
                found = {"split": folder.name, "glance": glance}
                found |= score(captions, folder, style) | coco(captions, folder, style)
                results.append(found)
                if args.out:
                    rows = [{"image_id": i, "caption": c} for i, c in captions.items()]
                    args.out.with_name(f"{folder.name}-{style}-{glance}.json").write_text(json.dumps(rows))
    captioner.close()
    if args.out:
        args.out.write_text(json.dumps(results, indent=1))
    heads = (
        "split",
        "style",
        "glance",
        "BLEU-4",
        "CIDEr",
        "object F1",
        "attribute F1",
        "relation F1",
        "wrong",
    )
    table = Table(*heads)
    for r in results:
        table.add_row(
            r["split"], r["style"], r["glance"], f"{r['BLEU-4']:.1f}", f"{r['CIDEr']:.1f}",
            *(f"{r[k]['f1']:.3f}" for k in ("objects", "attributes", "relations")),
            f"{r['hallucination_rate']:.3f}",
        )  # fmt: skip
    Console(width=120).print(table)


def coco(captions: dict[int, str], folder: Path, style: str) -> dict[str, float]:
    """BLEU-4 and CIDEr times 100, as COCO counts them."""
    from pycocoevalcap.bleu.bleu import Bleu

    references, said = _texts(captions, folder, style)
    bleu = Bleu(4).compute_score(references, said, verbose=0)[0][3]
    return {"BLEU-4": round(100 * float(bleu), 2), "CIDEr": round(float(_cider(references, said).mean()), 2)}


def cider_of_each(captions: dict[int, str], folder: Path, style: str) -> np.ndarray:
    """CIDEr times 100 of each caption, in their order; their mean is the split's."""
    return _cider(*_texts(captions, folder, style))


def _cider(references: dict[int, list[str]], said: dict[int, list[str]]) -> np.ndarray:
    from pycocoevalcap.cider.cider import Cider

    return 100 * np.asarray(Cider().compute_score(references, said)[1])


def _texts(
    captions: dict[int, str], folder: Path, style: str
) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """References and captions in COCO's tokens."""
    references: dict[int, list[str]] = {i: [] for i in captions}
    for row in json.loads((folder / "captions.json").read_text())["annotations"]:
        if row["style"] == style and row["image_id"] in references:
            references[row["image_id"]].append(" ".join(tokenize_coco(row["caption"])))
    return references, {i: [" ".join(tokenize_coco(caption)) or "nothing"] for i, caption in captions.items()}


if __name__ == "__main__":
    main()
