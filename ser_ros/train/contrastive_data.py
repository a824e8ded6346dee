"""Pictures of the simulated home with what each patch shows, held as tensors on the device that trains."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ser_ros.errors import UserError
from ser_ros.model.decoding.session import pad

if TYPE_CHECKING:
    from tokenizers import Tokenizer

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "white", "gray", "black")
BACKGROUND = "empty wall or floor"
MEAN, STD = 0.5, 0.25
GRID = 16  # side of the map of what is where, as ser_ros.data.sim.dataset writes it
CAPTION = 64  # tokens of a short caption at most


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
    """All pictures of a split.

    Attributes:
        pixels: [P, S, S, 3] uint8.
        kind: number of the kind in each cell of the map, [P, GRID, GRID] uint8; 0 is the background.
        colour: number of its colour; len(COLOURS) where there is no thing.
        ids, lengths: short captions, R of each picture, [P, R, T] int16 and [P, R] uint8.
        kinds: words for the background and every kind of thing.
        patch: side of a patch in pixels.
    """

    pixels: Tensor
    kind: Tensor
    colour: Tensor
    ids: Tensor
    lengths: Tensor
    kinds: list[str]
    patch: int

    def __len__(self) -> int:
        return len(self.pixels)

    def to(self, device: str) -> Pictures:
        """The same on another device."""
        names = ("pixels", "kind", "colour", "ids", "lengths")
        return dataclasses.replace(self, **{name: getattr(self, name).to(device) for name in names})

    def batch(self, index: Tensor, generator: torch.Generator, *, moved: bool = False) -> Pairs:
        """The pictures of `index` [B], each with one of its captions; `moved` shifts, zooms and lightens
        them at random. `generator` is of the device."""
        device, size = self.pixels.device, self.pixels.shape[1]
        count = len(index)

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            return torch.rand(shape, generator=generator, device=device) * (high - low) + low

        if moved:
            # A shift by up to a quarter and a zoom; the edge repeats outside.
            places = torch.arange(size, device=device) + 0.5 - size / 2
            window = uniform(0.65, 1.15, count, 1) * places + size / 2  # [B, S]
            shift = uniform(-0.22, 0.22, 2, count, 1) * size
            rows, columns = (window + shift).clamp(0, size - 1).long()
            middles = ((torch.arange(GRID, device=device) + 0.5) * size / GRID).long()
            down, along = rows[:, middles] * GRID // size, columns[:, middles] * GRID // size
            which = index[:, None, None]
            pixels = self.pixels[which, rows[:, :, None], columns[:, None]]
            kind, colour = (m[which, down[:, :, None], along[:, None]] for m in (self.kind, self.colour))
        else:
            pixels, kind, colour = self.pixels[index], self.kind[index], self.colour[index]
        # [B, 3, S, S], in memory as [B, S, S, 3]: what the stem's convolutions are fastest with.
        pixels = pixels.permute(0, 3, 1, 2).float()
        if moved:
            pixels = (pixels * uniform(0.85, 1.15, count, 1, 1, 1)).clamp(max=255)
        shares = self._shares()
        chosen = torch.randint(self.ids.shape[1], (count,), generator=generator, device=device)
        lengths = self.lengths[index, chosen].long()
        return Pairs(
            (pixels / 255 - MEAN) / STD,
            shares @ F.one_hot(kind.flatten(1).long(), len(self.kinds)).float(),  # [B, N, K]
            shares @ F.one_hot(colour.flatten(1).long(), len(COLOURS) + 1)[..., :-1].float(),
            self.ids[index, chosen].long(),
            lengths,
        )

    def _shares(self) -> Tensor:
        """Share of each patch that each cell of the map is, [N, GRID * GRID]."""
        side = self.pixels.shape[1] // self.patch
        steps = torch.arange(GRID, device=self.pixels.device) * side // GRID
        cells = (steps[:, None] * side + steps).flatten()
        hits = F.one_hot(cells, side * side).T.float()
        return hits / hits.sum(1, keepdim=True)


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


def load_pairs(
    folder: Path, size: int, patch: int, tokenizer: Tokenizer, kinds: list[str] | None = None
) -> Pictures:
    """Read a rendered split into memory.

    Args:
        folder: as `ser_ros sim render` wrote it.
        size, patch: side of the square pictures and of their patches, pixels.
        tokenizer: of the captions.
        kinds: words of another split, whose numbers this one takes; a kind that it does not know counts as
            background. None: the kinds found here.

    Raises:
        UserError: no picture there.
    """
    from PIL import Image

    records = [
        r for path in sorted((folder / "records").glob("*.json")) for r in json.loads(path.read_text())
    ]
    if not records:
        raise UserError(f"no pictures in {folder}: run `ser_ros sim render --out {folder}` first")
    if kinds is None:
        kinds = [BACKGROUND, *sorted({kind_word(thing) for r in records for thing in r["things"]})]

    def read(record: dict) -> np.ndarray:
        with Image.open(folder / "images" / record["file_name"]) as image:
            return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))

    with ThreadPoolExecutor() as pool:
        pixels = list(pool.map(read, records))
    number = {word: i for i, word in enumerate(kinds)}
    kind = np.zeros((len(records), GRID, GRID), np.uint8)
    colour = np.full((len(records), GRID, GRID), len(COLOURS), np.uint8)
    for row, record in enumerate(records):
        # One more at the end: -1 in the map stands for no thing.
        shown = [number.get(kind_word(thing), 0) for thing in record["things"]]
        tints = [COLOURS.index(thing[1]) for thing in record["things"]]
        grid = np.reshape(record["grid"], (GRID, GRID))
        kind[row] = np.array([*shown, 0], np.uint8)[grid]
        colour[row] = np.array([*tints, len(COLOURS)], np.uint8)[grid]
    ids, lengths = padded(tokenizer, [text for r in records for text in r["captions"]["default"]])
    each = len(ids) // len(records)
    return Pictures(
        torch.from_numpy(np.stack(pixels)),
        torch.from_numpy(kind),
        torch.from_numpy(colour),
        ids.to(torch.int16).unflatten(0, (-1, each)),
        lengths.to(torch.uint8).unflatten(0, (-1, each)),
        kinds,
        patch,
    )


def padded(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token ids [N, T] of texts, each with a space before it and cut at CAPTION, and their lengths [N]."""
    ids, lengths = pad([e.ids[:CAPTION] for e in tokenizer.encode_batch([f" {t}" for t in texts])])
    return torch.from_numpy(ids), torch.from_numpy(lengths)
