"""The trained reader: a small BiLSTM with biaffine arcs (Dozat & Manning 2018), run by NumPy.

Weights and tables lie in `assets/parser/`: `reader.npz` (float16) and `reader.json` (vocabulary,
predicate templates, renames, training command and scores), made by `ser_ros.train.parser`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from ser_ros.errors import UserError
from ser_ros.graph.arcs import Renames, to_reading
from ser_ros.graph.decode import decode
from ser_ros.graph.features import COLUMNS, features
from ser_ros.graph.reading import Reading
from ser_ros.graph.tokens import Token

BATCH = 16  # sentences; bounds the memory a 10,000-word text takes
FOLDER = Path(__file__).resolve().parents[1] / "assets" / "parser"


class TrainedReader:
    """Reads sentences; the same words always give the same graph."""

    def __init__(self, tables: dict[str, Any], weights: dict[str, np.ndarray]):
        """Takes the contents of the two files; see `TrainedReader.load`."""
        self.vocabulary = {word: i + 2 for i, word in enumerate(tables["words"])}
        self.templates: list[str] = tables["templates"]
        self.renames = Renames(tables["renamed_things"], tables["renamed_attributes"])
        self.weights = {name: np.ascontiguousarray(array, np.float32) for name, array in weights.items()}
        self.threads = ThreadpoolController().select(internal_api="openblas")
        labels, width, _ = self.weights["biaffine"].shape
        self.arc_sizes = labels, width
        self.weights["biaffine"] = np.ascontiguousarray(
            self.weights["biaffine"].transpose(1, 0, 2).reshape(width, -1)
        )
        self.layers = sum(name.endswith("recurrent") for name in weights)

    @classmethod
    def load(cls, folder: Path = FOLDER) -> TrainedReader:
        """From a folder with reader.json and reader.npz.

        Raises:
            UserError: a file is missing or not what the training wrote.
        """
        try:
            tables = json.loads((folder / "reader.json").read_text(encoding="utf-8"))
            with np.load(folder / "reader.npz", allow_pickle=False) as arrays:
                return cls(tables, dict(arrays))
        except (OSError, ValueError, KeyError) as error:
            raise UserError(
                f"{folder}: the parser's reader.json or reader.npz cannot be read ({error}); "
                "reinstall ser_ros or train it with python -m ser_ros.train.parser"
            ) from error

    def read(self, sentences: Sequence[Sequence[Token]]) -> list[Reading]:
        """The things and links of each sentence; up to `BATCH` go through the network together."""
        readings = []
        for start in range(0, len(sentences), BATCH):
            batch = sentences[start : start + BATCH]
            rows = [features(tokens, self.vocabulary) for tokens in batch]
            # These matrices are small: on a busy machine OpenBLAS with all threads is ten times slower here.
            with self.threads.limit(limits=1):
                scores = self._scores(rows)
            readings += [
                to_reading(decode(*score, self.templates), tokens, self.renames)
                for tokens, score in zip(batch, scores, strict=True)
            ]
        return readings

    def _scores(self, rows: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each sentence probabilities: thing [T], template [T, K], arc [T, T, 7] (from, to)."""
        if not rows:
            return []
        w = self.weights
        longest = max(map(len, rows))
        ids = np.zeros((len(rows), longest, len(COLUMNS)), np.int32)
        for b, row in enumerate(rows):
            ids[b, : len(row)] = row
        hidden = np.concatenate([w[f"embed_{name}"][ids[..., c]] for c, name in enumerate(COLUMNS)], -1)
        lengths = np.array([len(row) for row in rows])
        for layer in range(self.layers):
            hidden = self._bilstm(hidden, lengths, layer)  # [B, T, 2H]
        nodes = _relu(hidden @ w["node_in"] + w["node_in_bias"])
        nodes = nodes @ w["node_out"] + w["node_out_bias"]
        head = _relu(hidden @ w["head"] + w["head_bias"])
        tail = _relu(hidden @ w["tail"] + w["tail_bias"])
        head, tail = (np.concatenate([x, np.ones((*x.shape[:2], 1), np.float32)], -1) for x in (head, tail))
        labels, width = self.arc_sizes
        left = head @ w["biaffine"]  # [B, T, L*D]
        left = left.reshape(len(rows), longest, labels, width).transpose(0, 2, 1, 3)
        arcs = (left @ tail.transpose(0, 2, 1)[:, None]).transpose(0, 2, 3, 1)  # [B, from, to, L]
        return [
            (
                _softmax(nodes[b, :n, :2])[:, 1],
                _softmax(nodes[b, :n, 2:]),
                _softmax(arcs[b, :n, :n]),
            )
            for b, n in enumerate(lengths)
        ]

    def _bilstm(self, x: np.ndarray, lengths: np.ndarray, layer: int) -> np.ndarray:
        """One bidirectional layer; gates in torch's order i, f, g, o.  # [B, T, D] -> [B, T, 2H]"""
        w_in = self.weights[f"lstm{layer}_input"]  # [2, D, 4H]
        w_rec = self.weights[f"lstm{layer}_recurrent"]  # [2, H, 4H]
        bias = self.weights[f"lstm{layer}_bias"]  # [2, 4H]
        batch, steps, _ = x.shape
        size = w_rec.shape[1]
        # The second direction reads each sentence from its own end; padding stays behind.
        back = np.where(
            np.arange(steps) < lengths[:, None], lengths[:, None] - 1 - np.arange(steps), np.arange(steps)
        )
        rows = np.arange(batch)[:, None]
        gates_in = np.stack([x @ w_in[0], (x @ w_in[1])[rows, back]]) + bias[:, None, None]  # [2, B, T, 4H]
        hidden: np.ndarray = np.zeros((2, batch, size), np.float32)
        cell: np.ndarray = np.zeros_like(hidden)
        out = np.empty((2, batch, steps, size), np.float32)
        for t in range(steps):
            gates = gates_in[:, :, t] + hidden @ w_rec
            sigmoid = 1 / (1 + np.exp(-gates))
            forget, update = sigmoid[..., size : 2 * size], sigmoid[..., :size]
            cell = forget * cell + update * np.tanh(gates[..., 2 * size : 3 * size])
            hidden = sigmoid[..., 3 * size :] * np.tanh(cell)
            out[:, :, t] = hidden
        return np.concatenate([out[0], out[1][rows, back]], -1)


@cache
def trained_reader() -> TrainedReader:
    """The reader that ships with the package, loaded once."""
    return TrainedReader.load()


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
