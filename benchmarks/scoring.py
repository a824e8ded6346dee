"""Speed of the tokeniser and of BLEU, ROUGE_L and CIDEr on one core, from synthetic captions.

Run:  python benchmarks/scoring.py [--images 5000]
"""

from __future__ import annotations

import argparse
import random
import time

from ser_ros.eval import ptb
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.coco_metrics import coco_metrics

WORDS = [
    "a",
    "the",
    "an",
    "of",
    "on",
    "in",
    "with",
    "and",
    "two",
    "three",
    "man",
    "woman",
    "dog",
    "cat",
    "street",
    "table",
    "chair",
    "pizza",
    "train",
    "bus",
    "red",
    "blue",
    "white",
    "black",
    "large",
    "small",
    "standing",
    "sitting",
    "riding",
    "holding",
    "next",
    "to",
    "near",
    "front",
    "water",
    "field",
    "grass",
    "plate",
    "food",
    "tennis",
    "ball",
    "bat",
    "skateboard",
    "snow",
    "beach",
    "kitchen",
    "bathroom",
    "room",
    "bed",
    "couch",
    "window",
    "door",
    "sign",
    "clock",
    "tower",
    "giraffe",
    "zebra",
]
RARE = ("man's", "it's", "t.v.", "5:30", '"stop"', "black-and-white", "St.", "1/2", "don't", "(left)")


def caption(rng: random.Random) -> str:
    """About ten words; one caption in ten has something that is no plain word."""
    words = rng.choices(WORDS, k=rng.randint(7, 13))
    if rng.random() < 0.1:
        words[rng.randrange(len(words))] = rng.choice(RARE)
    return " ".join(words).capitalize() + "."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    images = parser.parse_args().images
    rng = random.Random(0)
    pairs = [CaptionPair(str(i), caption(rng), [caption(rng) for _ in range(5)]) for i in range(images)]
    texts = [text for pair in pairs for text in (pair.candidate, *pair.references)]
    ptb.tokenize("warm up")
    for name in ("first pass", "words known"):
        start = time.process_time()
        for text in texts:
            ptb.tokenize(text)
        spent = time.process_time() - start
        print(f"tokenise, {name}: {len(texts) / spent:,.0f} captions/s of processor time")
    start = time.process_time()
    coco_metrics(pairs, ("BLEU", "ROUGE_L", "CIDEr"))
    spent = time.process_time() - start
    print(f"BLEU, ROUGE_L and CIDEr of {images} images x 5 references: {spent:.1f} s of processor time")


if __name__ == "__main__":
    main()
