"""Trains the caption parser's reader on FACTUAL.

    python -m ser_ros.train.parser --train random_train.csv --dev random_dev.csv \\
        --exclude random_dev.csv length_dev.csv

One CPU thread, about 25 minutes. Captions of the --exclude files never become training data.
Writes reader.npz and reader.json into ser_ros/assets/parser (or --out).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from ser_ros.errors import UserError
from ser_ros.graph.arcs import Arc, ArcGraph
from ser_ros.graph.factual import read_factual, to_factual
from ser_ros.graph.features import features, lemma_by_tag
from ser_ros.graph.lemmas import noun_lemma
from ser_ros.graph.reader import FOLDER, TrainedReader
from ser_ros.graph.reading import assemble
from ser_ros.graph.tokens import Token, tokenize
from ser_ros.train.parser_align import Aligned, align
from ser_ros.train.parser_augment import longer
from ser_ros.train.parser_model import ReaderModel, hide_rare

MIN_WORDS = 2  # rarer words are unknown to the network
MIN_TEMPLATES = 3


@dataclass(frozen=True)
class Sentence:
    """One training example: features, and the wanted label of each word and arc."""

    ids: np.ndarray  # [T, columns]
    things: np.ndarray  # [T] 0 or 1
    templates: np.ndarray  # [T]
    arcs: np.ndarray  # [T, T]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a FACTUAL file (columns caption, scene_graph).

    Raises:
        UserError: the file is missing or has no such columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return [{"caption": row["caption"].strip(), "scene_graph": row["scene_graph"]} for row in rows]
    except (OSError, KeyError) as error:
        raise UserError(f"{path}: this is no FACTUAL file with columns caption and scene_graph") from error


def align_rows(rows: Sequence[dict[str, str]]) -> list[Aligned]:
    """All captions whose words were found for at least half of their facts."""
    kept = []
    for row in tqdm(rows, desc="aligning", unit="caption"):
        facts = read_factual(row["scene_graph"])
        tokens = [token for sentence in tokenize(row["caption"]) for token in sentence]
        aligned = align(tokens, facts)
        if tokens and 2 * len(aligned.lost) <= len(facts):
            kept.append(aligned)
    return kept


def majority(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each words are written as in most of their labels, where that differs and happens often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for words, label in pairs:
        counts[words][label] += 1
    best = {words: count.most_common(1)[0] for words, count in counts.items()}
    return {
        words: label
        for words, (label, n) in sorted(best.items())
        if label != words and n >= 3 and 2 * n > counts[words].total()
    }


def tables(aligned: Sequence[Aligned]) -> dict:
    """Vocabulary, templates and renames counted on the training captions."""
    words = Counter(text for a in aligned for t in a.tokens for text in {t.text, lemma_by_tag(t)})
    templates = Counter(template for a in aligned for template, _ in a.graph.templates.values())
    return {
        "words": sorted(word for word, n in words.items() if n >= MIN_WORDS),
        "templates": sorted(template for template, n in templates.items() if n >= MIN_TEMPLATES),
        "renamed_things": majority(pair for a in aligned for pair in a.renamed_things),
        "renamed_attributes": majority(pair for a in aligned for pair in a.renamed_attributes),
    }


def read_tables(folder: Path) -> dict:
    """The tables of a reader trained before, for --start.

    Raises:
        UserError: the folder is none of a trained reader.
    """
    try:
        return json.loads((folder / "reader.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: --start needs the folder of a trained reader ({error})") from error


def to_sentence(
    tokens: Sequence[Token], graph: ArcGraph, vocabulary: dict[str, int], templates: dict[str, int]
) -> Sentence:
    """Numbers of one example; a template too rare to learn loses its anchor."""
    n = len(tokens)
    sentence = Sentence(
        features(tokens, vocabulary), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros((n, n), np.int64)
    )
    sentence.things[list(graph.things)] = 1
    for anchor, (template, _) in graph.templates.items():
        sentence.templates[anchor] = templates.get(template, 0)
    for (start, to), (label, _) in graph.arcs.items():
        if label not in (Arc.SUBJECT, Arc.OBJECT, Arc.VERB) or sentence.templates[start]:
            sentence.arcs[start, to] = label
    return sentence


def batches(sentences: Sequence[Sentence], words: int, rng: random.Random) -> list[list[Sentence]]:
    """All sentences once, in batches of like length with about `words` words."""
    order = sorted(sentences, key=lambda s: len(s.ids) + rng.random() * 2)
    out: list[list[Sentence]] = [[]]
    for sentence in order:
        if (len(out[-1]) + 1) * len(sentence.ids) > words and out[-1]:
            out.append([])
        out[-1].append(sentence)
    rng.shuffle(out)
    return out


def loss_of(model: ReaderModel, batch: Sequence[Sentence], rarity: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of words and arcs, per word."""
    lengths = torch.tensor([len(s.ids) for s in batch])
    longest = int(lengths.max())
    ids = torch.zeros(len(batch), longest, batch[0].ids.shape[1], dtype=torch.long)
    things = torch.full((len(batch), longest), -1)
    templates = torch.full((len(batch), longest), -1)
    arcs = torch.full((len(batch), longest, longest), -1)
    for b, s in enumerate(batch):
        n = len(s.ids)
        ids[b, :n] = torch.from_numpy(s.ids)
        things[b, :n] = torch.from_numpy(s.things)
        templates[b, :n] = torch.from_numpy(s.templates)
        arcs[b, :n, :n] = torch.from_numpy(s.arcs)
    nodes, arc_logits = model(hide_rare(ids, rarity), lengths)
    total = cross_entropy(nodes[..., :2].flatten(0, 1), things.flatten(), ignore_index=-1, reduction="sum")
    total += cross_entropy(
        nodes[..., 2:].flatten(0, 1), templates.flatten(), ignore_index=-1, reduction="sum"
    )
    total += cross_entropy(arc_logits.flatten(0, 2), arcs.flatten(), ignore_index=-1, reduction="sum")
    return total / lengths.sum()


def set_match(reader: TrainedReader, rows: Sequence[dict[str, str]]) -> float:
    """Share of captions with every fact right, nouns compared by lemma."""
    right = 0
    for row in rows:
        sentences = [[token for sentence in tokenize(row["caption"]) for token in sentence]]
        found = to_factual(assemble(row["caption"], reader.read(sentences)[0]))
        right += _lemmas(found) == _lemmas(row["scene_graph"])
    return right / max(1, len(rows))


def _lemmas(text: str) -> set[tuple[str, ...]]:
    return {
        tuple(part if i == 1 and len(fact) == 3 else noun_lemma(part) for i, part in enumerate(fact))
        for fact in read_factual(text)
    }


def train(args: argparse.Namespace) -> None:
    """Align, train, average, save."""
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    torch.set_num_threads(args.threads)
    excluded = {row["caption"] for path in args.exclude for row in read_rows(path)}
    rows = [row for row in read_rows(args.train) if row["caption"] not in excluded]
    dev = read_rows(args.dev)[: args.dev_captions] if args.dev else []
    aligned = align_rows(rows)
    data = read_tables(args.start) if args.start else tables(aligned)
    vocabulary = {word: i + 2 for i, word in enumerate(data["words"])}
    templates = {template: i + 1 for i, template in enumerate(data["templates"])}
    counts = Counter(vocabulary.get(token.text, 1) for a in aligned for token in a.tokens)
    rarity = torch.tensor([0.0, 0.0] + [0.25 / (0.25 + counts[i + 2]) + 0.02 for i in range(len(vocabulary))])
    model = ReaderModel(len(vocabulary) + 2, len(templates))
    if args.start:
        model.load_numpy(np.load(args.start / "reader.npz", allow_pickle=False))
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
    )
    print(f"{len(aligned)} captions, {len(vocabulary)} words, {len(templates)} templates, "
          f"{sum(p.numel() for p in model.parameters())} parameters")  # fmt: skip
    plain = [to_sentence(a.tokens, a.graph, vocabulary, templates) for a in aligned]
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, betas=(0.9, 0.95), weight_decay=0.01)
    steps = args.epochs * len(batches(plain, args.words, rng))
    started, step, done = time.monotonic(), 0, 0.0
    for epoch in range(args.epochs):
        extra = [
            to_sentence(tokens, graph, vocabulary, templates)
            for tokens, graph in longer(aligned, int(args.longer * len(aligned)), rng)
        ]
        model.train()
        epoch_loss: list[float] = []
        sentences = [*rng.sample(plain, len(plain) - len(extra)), *extra]
        for batch in tqdm(batches(sentences, args.words, rng), desc=f"epoch {epoch + 1}", unit="batch"):
            warm = min(1.0, (step + 1) / 200)
            done = max(step / steps, (time.monotonic() - started) / (60 * args.minutes))
            if done >= 1:
                break
            cosine = 0.5 * (1 + math.cos(math.pi * done))
            optimizer.param_groups[0]["lr"] = args.rate * warm * (0.02 + 0.98 * cosine)
            optimizer.zero_grad()
            loss = loss_of(model, batch, rarity)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            average.update_parameters(model)
            epoch_loss.append(loss.item())
            step += 1
        data["training"] = {
            "data": f"{len(aligned)} captions of {args.train.name}", "epochs": epoch + 1, "seed": args.seed,
            "loss": round(float(np.mean(epoch_loss or [0.0])), 4),
            "seconds": round(time.monotonic() - started),
        }  # fmt: skip
        save(average.module, data, args.out)
        score = set_match(TrainedReader.load(args.out), dev) if dev else float("nan")
        print(f"epoch {epoch + 1} {data['training']} set match {score:.4f}", flush=True)
        if done >= 1:
            return


def save(model: torch.nn.Module, data: dict, folder: Path) -> None:
    """The two files the package reads."""
    assert isinstance(model, ReaderModel)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "reader.npz", **model.to_numpy())  # type: ignore[arg-type]
    text = json.dumps(data, ensure_ascii=False, indent=0, sort_keys=True)
    (folder / "reader.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True, help="FACTUAL csv")
    parser.add_argument("--dev", type=Path, help="FACTUAL csv to score after each epoch")
    parser.add_argument("--dev-captions", type=int, default=1000)
    parser.add_argument("--exclude", type=Path, nargs="*", default=[], help="captions never to train on")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--start", type=Path, help="go on from this folder's reader")
    parser.add_argument("--minutes", type=float, default=1e9, help="the rate falls to end by then")
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--words", type=int, default=600, help="words in a batch")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--longer", type=float, default=0.15, help="share of joined captions")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
