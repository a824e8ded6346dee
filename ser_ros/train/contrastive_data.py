"""Pictures of the simulated home with what each patch shows, held in memory."""

from __future__ import annotations

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ser_ros.errors import UserError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "gray", "black")
BACKGROUND = "empty wall or floor"
MEAN, STD = 0.5, 0.25
GRID = 16  # side of the map of what is where, as ser_ros.data.sim.dataset writes it


@dataclass
class Pairs:
    """A batch.

    Attributes:
        pixels: [B, 3, S, S], normalised.
        kind: share of each patch that shows each kind, [B, N, K]; 0 is the background.
        colour: the same for colours of things, [B, N, C]; zero where there is no thing.
        ids, lengths: token ids of one caption each, [B, T] and [B].
    """

    pixels: Tensor
    kind: Tensor
    colour: Tensor
    ids: Tensor
    lengths: Tensor


@dataclass
class Pictures:
    """All pictures of a split, [P, S, S, 3] uint8, and their records."""

    pixels: np.ndarray
    records: list[dict]
    patch: int = 16

    def __len__(self) -> int:
        return len(self.records)

    def kind_words(self) -> list[str]:
        """Words for the background and every kind of thing, sorted; the order of `Pairs.kind`."""
        found = {kind_word(thing) for record in self.records for thing in record["things"]}
        return [BACKGROUND, *sorted(found)]

    def batch(
        self,
        index: np.ndarray,
        kinds: list[str],
        tokenizer: Tokenizer,
        rng: np.random.Generator,
        device: str,
        *,
        moved: bool = False,
    ) -> Pairs:
        """The pictures of `index`, each with one short caption; `moved` shifts and zooms them at random."""
        number = {word: i for i, word in enumerate(kinds)}
        pictures, grids = [], []
        for i in index:
            grid = np.array(self.records[i]["grid"]).reshape(GRID, GRID)
            picture = self.pixels[i]
            if moved:
                rows, columns = _window(len(picture), rng)
                picture = picture[rows][:, columns]
                cell = len(picture) / GRID
                middles = ((np.arange(GRID) + 0.5) * cell).astype(int)
                down, along = (rows[middles] / cell).astype(int), (columns[middles] / cell).astype(int)
                grid = grid[down][:, along]
            pictures.append(picture)
            grids.append(grid)
        # [B, 3, S, S], in memory as [B, S, S, 3]: what the stem's convolutions are fastest with.
        pixels = torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2).float()
        if moved:
            gain = rng.uniform(0.85, 1.15, (len(index), 1, 1, 1)).astype(np.float32)
            pixels = (pixels * torch.from_numpy(gain).to(device)).clamp(max=255)
        side = self.pixels.shape[1] // self.patch
        kind = np.zeros((len(index), side * side, len(kinds)), np.float32)
        colour = np.zeros((len(index), side * side, len(COLOURS)), np.float32)
        texts = []
        for row, i in enumerate(index):
            record = self.records[i]
            grid, steps = grids[row], np.arange(GRID) * side // GRID
            cells = steps[:, None] * side + steps[None]
            share = 1.0 / np.bincount(cells.ravel(), minlength=side * side)
            for thing in np.unique(grid):
                hit = np.bincount(cells[grid == thing], minlength=side * side) * share
                if thing < 0:
                    kind[row, :, 0] += hit
                    continue
                noun, tint, words = record["things"][thing]
                kind[row, :, number.get(kind_word([noun, tint, words]), 0)] += hit
                colour[row, :, COLOURS.index(tint)] += hit
            texts.append(str(rng.choice(record["captions"]["default"])))
        ids = [e.ids for e in tokenizer.encode_batch([" " + t for t in texts])]
        lengths = torch.tensor([len(i) for i in ids])
        padded = torch.zeros(len(ids), int(lengths.max()), dtype=torch.long)
        for target, some in zip(padded, ids, strict=True):
            target[: len(some)] = torch.tensor(some)
        return Pairs(
            (pixels / 255 - MEAN) / STD,
            torch.from_numpy(kind).to(device),
            torch.from_numpy(colour).to(device),
            padded.to(device),
            lengths.to(device),
        )


def _window(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns to take: a shift by up to a quarter and a zoom; the edge repeats outside."""
    zoom, places = rng.uniform(0.65, 1.15), np.arange(size) + 0.5 - size / 2
    rows, columns = zoom * places + size / 2 + rng.uniform(-0.22, 0.22, (2, 1)) * size
    return rows.clip(0, size - 1).astype(int), columns.clip(0, size - 1).astype(int)


def kind_word(thing: list) -> str:
    """ "chair", "open door", "person sitting": what the patch of a thing should answer to."""
    noun, _, words = thing
    state = [w for w in words if w in ("open", "closed", "sitting", "standing")]
    return " ".join([*state, noun])


def mirrored(batch: Pairs) -> Pairs:
    """Left and right exchanged, in the patches too (captions stay: the few that name a side are noise)."""
    side = round(batch.kind.shape[1] ** 0.5)

    def turn(patches: Tensor) -> Tensor:
        return patches.unflatten(1, (side, side)).flip(2).flatten(1, 2)

    return dataclasses.replace(
        batch, pixels=batch.pixels.flip(3), kind=turn(batch.kind), colour=turn(batch.colour)
    )


def load_pairs(folder: Path, size: int, known: Pictures | None = None, patch: int = 16) -> Pictures:
    """Read a rendered split at `size` x `size` pixels; pictures that `known` holds are not read again.

    Raises:
        UserError: no picture there.
    """
    from PIL import Image

    have = {r["file_name"] for r in known.records} if known else set()
    records: list[dict] = []
    for path in sorted((folder / "records").glob("*.json")):
        records += [r for r in json.loads(path.read_text()) if r["file_name"] not in have]

    def read(record: dict) -> np.ndarray:
        with Image.open(folder / "images" / record["file_name"]) as image:
            return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))

    if not records and known is None:
        raise UserError(f"no pictures in {folder}: run `ser_ros sim render --out {folder}` first")
    with ThreadPoolExecutor(2) as pool:
        pixels = list(pool.map(read, records))
    if known is None:
        return Pictures(np.stack(pixels), records, patch)
    new = np.stack(pixels) if pixels else known.pixels[:0]
    return Pictures(np.concatenate([known.pixels, new]), [*known.records, *records], patch)
