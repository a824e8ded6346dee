"""Builds the WordNet file the parser and the memory read, from Princeton WordNet's own files.

    python -m ser_ros.data.wordnet_asset /usr/share/wordnet

(the folder of Debian's `wordnet-base`; WordNet 3.0). Kept: common nouns with their senses in
order of frequency, hypernyms and lexicographer file; verbs and adjectives with their senses.
Left out: glosses, proper names, instances and Latin genus names, which no caption needs; they
are two thirds of the size. Any WordNet 3.x folder works, the output is the same bytes every time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ser_ros.errors import UserError
from ser_ros.graph.wordnet import ASSET

PARTS = {"n": "noun", "v": "verb", "a": "adj"}
MOST_SENSES = 8  # rarer senses never decide anything in a caption


@dataclass
class Synset:
    """One line of data.POS: its words, lexicographer file number and hypernym offsets."""

    lexname: int
    words: list[str]
    hypernyms: list[int] = field(default_factory=list)
    is_instance: bool = False


def read_synsets(path: Path) -> dict[int, Synset]:
    """Offset -> synset of one data file (format: `man 5 wndb`)."""
    synsets = {}
    for line in _lines(path):
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        synset = Synset(int(fields[1]), fields[4 : 4 + 2 * count : 2])
        pointers = fields[5 + 2 * count :]
        for symbol, offset, pos in zip(pointers[0::4], pointers[1::4], pointers[2::4], strict=False):
            if symbol == "@" and pos in "nv":
                synset.hypernyms.append(int(offset))
            synset.is_instance |= symbol == "@i"
        synsets[int(fields[0])] = synset
    return synsets


def read_index(path: Path) -> Iterator[tuple[str, list[int]]]:
    """(lemma, synset offsets in order of frequency) for each line of an index file."""
    for line in _lines(path):
        fields = line.split()
        yield fields[0], [int(offset) for offset in fields[-int(fields[2]) :]]


def build(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of the asset; see `ser_ros.graph.wordnet` for what each holds."""
    arrays: dict[str, np.ndarray] = {}
    for letter, part in PARTS.items():
        synsets = read_synsets(folder / f"data.{part}")
        proper = {
            offset
            for offset, synset in synsets.items()
            if synset.is_instance or all(word[:1].isupper() for word in synset.words)
        }
        lemmas, senses = [], []
        for lemma, offsets in sorted(read_index(folder / f"index.{part}")):
            kept = [offset for offset in offsets if offset not in proper][:MOST_SENSES]
            if kept and lemma.replace("_", "").replace("-", "").replace("'", "").isalnum():
                lemmas.append(lemma.replace("_", " "))
                senses.append(kept)
        used = set().union(*map(set, senses))
        waiting = list(used)
        while waiting:
            for hypernym in synsets[waiting.pop()].hypernyms:
                if hypernym not in used:
                    used.add(hypernym)
                    waiting.append(hypernym)
        number = {offset: i for i, offset in enumerate(sorted(used))}
        arrays[f"{letter}_lemmas"] = np.frombuffer("\n".join(lemmas).encode(), np.uint8)
        arrays[f"{letter}_senses"], arrays[f"{letter}_sense_ends"] = _ragged(
            [[number[offset] for offset in offsets] for offsets in senses]
        )
        if letter == "a":
            continue
        arrays[f"{letter}_hypernyms"], arrays[f"{letter}_hypernym_ends"] = _ragged(
            [[number[h] for h in synsets[offset].hypernyms] for offset in sorted(used)]
        )
        arrays[f"{letter}_lexnames"] = np.array([synsets[o].lexname for o in sorted(used)], np.uint8)
    return arrays


def _ragged(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """All rows in one array, and the length of each."""
    flat = np.array([value for row in rows for value in row], np.uint32)
    return flat, np.array([len(row) for row in rows], np.uint8)


def _lines(path: Path) -> Iterator[str]:
    """The lines of a WordNet file without its licence header."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from (line for line in file if not line.startswith("  "))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read; give the folder of the package wordnet-base, /usr/share/wordnet"
        ) from error


def main() -> None:
    """Write the asset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where data.noun and index.noun lie")
    parser.add_argument("--out", type=Path, default=ASSET)
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out, **build(args.folder))  # type: ignore[arg-type]
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
