"""What decoding needs of a language model, the same for torch and ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class TopK:
    """The k most probable next tokens after some positions, most probable first.

    Attributes:
        ids: [B, T, k] int64.
        log_probs: [B, T, k] float32, natural logarithm over the whole vocabulary.
    """

    ids: np.ndarray
    log_probs: np.ndarray


class Session(Protocol):
    """Captions being written, one a row, with cached keys and values.

    A session begins with a prompt for each row that is not yet computed. Token arrays are right-padded;
    `lengths` says how many of a row are real. What comes back for padding has no meaning.
    """

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        """Compute the prompts and, in the same forward, draft tokens after them.

        Args:
            draft: [B, T] int64, T may be 0.
            lengths: [B] int64, real draft tokens of each row.

        Returns:
            [B, 1 + T, k]: after the prompt, and after each draft token.
        """
        ...

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        """Append tokens [B, T] to the rows; what may follow each of them, [B, T, k]."""
        ...

    def crop(self, lengths: np.ndarray) -> None:
        """Forget all but so many tokens after each row's prompt, [B] int64."""
        ...

    def reorder(self, rows: np.ndarray) -> None:
        """Let new row i be old row rows[i]; rows [B'] int64 may repeat, drop and permute."""
        ...


@dataclass
class Written:
    """One decoded caption.

    Attributes:
        ids: its tokens without the end token.
        log_probs: natural-log probability of each token, and of the end token where it ended.
        ended: whether the model wrote the end token; otherwise the token limit cut it.
        forwards: language model calls that this row took part in.
    """

    ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    ended: bool = False
    forwards: int = 0


def pad(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Ragged token lists to a right-padded [B, T] int64 array (padding 0) and their lengths [B]."""
    lengths = np.array([len(row) for row in rows], np.int64)
    tokens = np.zeros((len(rows), int(lengths.max(initial=0))), np.int64)
    for row, ids in zip(tokens, rows, strict=True):
        row[: len(ids)] = ids
    return tokens, lengths
