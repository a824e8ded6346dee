"""Beam search, token for token that of transformers with length_penalty 0 and early_stopping.

The scores are sums of float32 log-probabilities. A caption that ends among the best `beams`
continuations is kept; the search of an image stops when it has `beams` of them or none can continue.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ser_ros.model.decoding.session import Session, TopK, Written

_NEVER = np.float32(-1e9)


def beam_search(session: Session, rows: int, eos: int, max_tokens: int, beams: int) -> list[Written]:
    """Write the best of `beams` captions in every row.

    Args:
        session: fresh, with `rows` rows and top >= 2 * beams.
        rows: captions to write.
        eos: id of the end token.
        max_tokens: most tokens of one caption, the end token included.
        beams: beam width.

    Returns:
        The best caption of each row.
    """
    searches = [_Search(beams, eos, max_tokens) for _ in range(rows)]
    top = session.prefill(np.zeros((rows, 0), np.int64), np.zeros(rows, np.int64))
    top = TopK(top.ids[:, -1:], top.log_probs[:, -1:])
    parents = [np.zeros(1, np.int64) for _ in searches]  # the prompt is one row; its children are `beams`
    active = list(range(rows))
    offset = np.arange(rows)
    while True:
        order: list[int] = []
        tokens: list[int] = []
        going: list[int] = []
        for start, index, parent in zip(offset, active, parents, strict=True):
            search = searches[index]
            rows_of = slice(int(start), int(start) + len(parent))
            if search.step(top.ids[rows_of, -1], top.log_probs[rows_of, -1]):
                going.append(index)
                order.extend(int(start) + beam for beam in search.parents)
                tokens.extend(search.last)
        if not going:
            return [search.best() for search in searches]
        session.reorder(np.array(order, np.int64))
        top = session.extend(np.array(tokens, np.int64)[:, None], np.ones(len(tokens), np.int64))
        active = going
        parents = [np.arange(beams)] * len(active)
        offset = np.arange(len(active)) * beams


@dataclass
class _Beam:
    """A caption so far; `score` is the float32 sum of `log_probs`."""

    ids: list[int]
    log_probs: list[float]
    score: np.float32


@dataclass
class _Search:
    """The beams of one image."""

    beams: int
    eos: int
    max_tokens: int
    running: list[_Beam] = field(default_factory=lambda: [_Beam([], [], np.float32(0))])
    finished: list[_Beam] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    forwards: int = 0

    def step(self, ids: np.ndarray, log_probs: np.ndarray) -> bool:
        """Extend every running beam by its best tokens; whether the search goes on.

        Args:
            ids: [running, k] candidates, best first.
            log_probs: [running, k] float32.
        """
        self.forwards += 1
        keep = 2 * self.beams
        scores = log_probs[:, :keep] + np.array([beam.score for beam in self.running], np.float32)[:, None]
        # A stable sort keeps the order of beams, then of ranks, on equal scores.
        order = np.argsort(-scores.reshape(-1), kind="stable")[:keep]
        width = scores.shape[1]
        candidates = [(int(i) // width, int(i) % width) for i in order]
        children: list[_Beam] = []
        self.parents, self.last = [], []
        for rank, (parent, place) in enumerate(candidates):
            beam, token = self.running[parent], int(ids[parent, place])
            child = _Beam(
                [*beam.ids, token], [*beam.log_probs, float(log_probs[parent, place])], scores[parent, place]
            )
            if token == self.eos or len(child.ids) == self.max_tokens:
                if rank < self.beams:
                    self.finished.append(child)
            elif len(children) < self.beams:
                children.append(child)
                self.parents.append(parent)
                self.last.append(token)
        # Best first; of equals the earlier finished, as a stable merge of old and new.
        self.finished = sorted(self.finished, key=lambda beam: -beam.score)[: self.beams]
        self.running = children
        return len(self.finished) < self.beams and len(children) == self.beams

    def best(self) -> Written:
        beam = self.finished[0]
        ended = beam.ids[-1] == self.eos
        return Written(beam.ids[:-1] if ended else beam.ids, beam.log_probs, ended, self.forwards)
