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
        self.layers = [
            _Layer(*(self.weights.pop(f"lstm{i}_{part}") for part in ("input", "recurrent", "bias")))
            for i in range(sum(name.endswith("recurrent") for name in weights))
        ]

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
        lengths = np.array([len(row) for row in rows])
        ids = np.concatenate(rows)  # [N, columns], all words of all sentences
        hidden = np.concatenate([w[f"embed_{name}"][ids[:, c]] for c, name in enumerate(COLUMNS)], -1)
        for layer in self.layers:
            hidden = layer(hidden, lengths)  # [N, 2H]
        nodes = _relu(hidden @ w["node_in"] + w["node_in_bias"]) @ w["node_out"] + w["node_out_bias"]
        thing, template = _softmax(nodes[:, :2])[:, 1], _softmax(nodes[:, 2:])
        ones = np.ones((len(ids), 1), np.float32)
        head = np.concatenate([_relu(hidden @ w["head"] + w["head_bias"]), ones], -1)
        tail = np.concatenate([_relu(hidden @ w["tail"] + w["tail_bias"]), ones], -1)
        labels, width = self.arc_sizes
        left = (head @ w["biaffine"]).reshape(-1, labels, width)  # [N, L, D]
        scores = []
        for end, n in zip(np.cumsum(lengths), lengths, strict=True):
            own = slice(end - n, end)
            arcs = (left[own].reshape(-1, width) @ tail[own].T).reshape(n, labels, n)  # [from, L, to]
            scores.append((thing[own], template[own], _softmax(arcs.transpose(0, 2, 1))))
        return scores


class _Layer:
    """One bidirectional LSTM layer over sentences that stand one after the other."""

    def __init__(self, input: np.ndarray, recurrent: np.ndarray, bias: np.ndarray):
        """Weights [2, D, 4H], [2, H, 4H] and [2, 4H] with torch's gates i, f, g, o.

        A sigmoid is half a tanh of half its input: with halved weights and the gates as i, f, o, g
        one tanh serves all four.
        """
        size = recurrent.shape[1]
        order = np.r_[: 2 * size, 3 * size : 4 * size, 2 * size : 3 * size]
        scale = np.repeat(np.array([0.5, 1.0], np.float32), [3 * size, size])
        self.size = size
        self.input = np.concatenate(list(input[:, :, order] * scale), -1)  # [D, 8H]
        self.recurrent = np.ascontiguousarray(recurrent[:, :, order] * scale)
        self.bias = (bias[:, order] * scale).reshape(-1)

    def __call__(self, x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """What each word is in its sentence.  # [N, D] -> [N, 2H]"""
        size = self.size
        sentence = np.repeat(np.arange(len(lengths)), lengths)
        ahead = np.arange(len(x)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        # The second direction reads each sentence from its own end.
        steps = np.stack([ahead, np.repeat(lengths, lengths) - 1 - ahead])  # [2, N]
        places = steps, np.arange(2)[:, None], sentence
        gates_in = np.zeros((lengths.max(), 2, len(lengths), 4 * size), np.float32)
        gates_in[places] = (x @ self.input + self.bias).reshape(-1, 2, 4 * size).transpose(1, 0, 2)
        out = np.empty((*gates_in.shape[:3], size), np.float32)  # [T, 2, B, H]
        hidden = cell = np.zeros(out.shape[1:], np.float32)
        for t in range(len(gates_in)):
            gates = np.tanh(gates_in[t] + hidden @ self.recurrent)
            sigmoid = 0.5 * gates[..., : 3 * size] + 0.5
            cell = sigmoid[..., size : 2 * size] * cell + sigmoid[..., :size] * gates[..., 3 * size :]
            out[t] = hidden = sigmoid[..., 2 * size :] * np.tanh(cell)
        return np.concatenate(list(out[places]), -1)


@cache
def trained_reader() -> TrainedReader:
    """The reader that ships with the package, loaded once."""
    return TrainedReader.load()


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
