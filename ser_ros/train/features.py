"""The frozen tower's features of a whole dataset on disk, so that they are computed once."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_ros.errors import UserError
from ser_ros.lock import locked
from ser_ros.model.replace_files import replace_text

if TYPE_CHECKING:
    from ser_ros.model.ser_model import SerModel

log = logging.getLogger(__name__)

CHUNK = 64  # pictures per tower call
KEPT = 10.0  # seconds of work that a kill may cost at most: the index of a large dataset is a large file


class FeatureStore:
    """fp16 features of exactly the layers both glances need, one fixed-size row per picture.

    `features.f16` holds the rows [L, N, D] one after another; `index.json` says which picture
    (path, size, time of change) is which row. New pictures are appended; a killed build goes on.
    """

    def __init__(self, folder: Path, layers: Sequence[int], shape: tuple[int, int]) -> None:
        """`folder` belongs to one tower; `shape` is (patches N, channels D) of one hidden state."""
        self.folder = folder
        self.layers = tuple(layers)
        self.shape = (len(self.layers), *shape)
        self._rows: np.memmap | None = None
        self._taken: list[int] | slice = slice(None)
        self._index = self._read_index()

    @classmethod
    def of_model(cls, folder: Path, model: SerModel) -> FeatureStore:
        """The store of this model's tower below `folder`; another tower gets another store."""
        config = model.config
        digest = hashlib.sha256(repr((config.image, config.towers, config.buffer_layers)).encode())
        for name, tensor in sorted(model.vision.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
        return cls(
            folder / digest.hexdigest()[:16], config.buffer_layers, (config.patches, config.vision_width)
        )

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape)) * 2

    def only(self, layers: Sequence[int]) -> FeatureStore:
        """The same store, reading only these hidden states of each row."""
        view = FeatureStore(self.folder, self.layers, self.shape[1:])
        view._taken = [self.layers.index(layer) for layer in layers]
        return view

    def missing(self, images: Iterable[str]) -> list[str]:
        """Pictures that have no row yet, each once, sorted."""
        return sorted(image for image in set(images) if _signature(image) not in self._index)

    def build(
        self,
        images: Iterable[str],
        compute: Callable[[Sequence[np.ndarray]], np.ndarray],
        *,
        skip_broken: bool = False,
        progress: bool = True,
    ) -> int:
        """Compute and append the rows of all pictures that have none; waits for another process that does so.

        Args:
            images: paths of the pictures.
            compute: pictures [H, W, 3] -> features [B, L, N, D] within fp16, called with at most `CHUNK`.
            skip_broken: leave pictures that cannot be decoded without a row.
            progress: bar on stderr.

        Returns:
            How many pictures were computed.

        Raises:
            UserError: not enough room on the disk, or a picture cannot be decoded.
        """
        if not self.missing(images):
            return 0
        with locked(self.folder / "build.lock"):
            self._index = self._read_index()
            return self._append(self.missing(images), compute, skip_broken, progress)

    def _append(
        self,
        todo: Sequence[str],
        compute: Callable[[Sequence[np.ndarray]], np.ndarray],
        skip_broken: bool,
        progress: bool,
    ) -> int:
        from tqdm import tqdm

        needed, free = len(todo) * self.row_bytes, shutil.disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f"the feature cache {self.folder} needs {needed / 1e9:.1f} GB for {len(todo)} pictures but "
                f"{free / 1e9:.1f} GB are free; use another disk or set feature_cache to ''"
            )
        done = len(self._index)
        with open(self.folder / "features.f16", "ab") as file, ThreadPoolExecutor() as readers:
            # A killed build may have written rows that the index does not know.
            file.truncate(len(self._index) * self.row_bytes)
            file.seek(0, os.SEEK_END)
            kept = time.monotonic()
            for start in tqdm(
                range(0, len(todo), CHUNK), "tower features", disable=not progress, unit="batch"
            ):
                chunk = todo[start : start + CHUNK]
                read = dict(
                    zip(chunk, readers.map(partial(_read, skip_broken=skip_broken), chunk), strict=True)
                )
                pictures = {image: picture for image, picture in read.items() if picture is not None}
                if pictures:
                    file.write(compute(list(pictures.values())).astype(np.float16, copy=False).tobytes())
                first = len(self._index)
                self._index.update({_signature(image): first + n for n, image in enumerate(pictures)})
                if start + CHUNK >= len(todo) or time.monotonic() - kept > KEPT:
                    file.flush()
                    os.fsync(file.fileno())
                    self._write_index()
                    kept = time.monotonic()
        self._rows = None
        return len(self._index) - done

    def read(self, image: str) -> np.ndarray:
        """Features of one picture, [L, N, D] fp16.

        Raises:
            UserError: the picture has no row, or was changed after the build.
        """
        row = self._index.get(_signature(image))
        if row is None:
            raise UserError(
                f"{image} has no features in {self.folder} (or changed since); start the training anew"
            )
        if self._rows is None:
            shape = (len(self._index), *self.shape)
            self._rows = np.memmap(self.folder / "features.f16", np.float16, "r", shape=shape)
        return np.array(self._rows[row][self._taken])

    def _read_index(self) -> dict[str, int]:
        path = self.folder / "index.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    def _write_index(self) -> None:
        replace_text(self.folder / "index.json", json.dumps(self._index))


def _signature(image: str) -> str:
    try:
        status = os.stat(image)
    except OSError:
        raise UserError(f"the picture {image} does not exist") from None
    return f"{os.path.abspath(image)}|{status.st_size}|{status.st_mtime_ns}"


def _read(image: str, skip_broken: bool) -> np.ndarray | None:
    from ser_ros.model.images import load_image

    try:
        return load_image(image)
    except UserError as error:
        if not skip_broken:
            raise
        log.warning("%s; it is left out", error)
        return None


def tower_features(
    model: SerModel, autocast: str | None = None
) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """`compute` of `FeatureStore.build` for this model; `autocast` is "bf16", "fp16" or None."""
    import torch

    dtypes = {"bf16": torch.bfloat16, "fp16": torch.float16}

    def compute(pictures: Sequence[np.ndarray]) -> np.ndarray:
        pixels = model.preprocess(pictures)
        with torch.autocast(model.device.type, dtypes.get(autocast or ""), enabled=autocast in dtypes):
            buffer = model.see(pixels)
        layers = torch.stack([buffer.layers[layer] for layer in model.config.buffer_layers], dim=1)
        largest = torch.finfo(torch.float16).max
        return layers.clamp(-largest, largest).half().cpu().numpy()

    return compute
