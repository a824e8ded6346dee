"""An engine that computes everything but writes captions of a given length and number of edits.

Time depends on how many tokens are written and how many the second glance changes, which a model with
random weights does not control; so each position's best token is replaced by the script's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from ser_ros.model.decoding import Session
from ser_ros.model.decoding.session import TopK
from ser_ros.model.describe import Clock, Engine

_FIRST_WORD = 3
"""Ids below are special tokens in most vocabularies."""


class ScriptedEngine:
    """Forwards to another engine; every row writes the same script."""

    def __init__(self, engine: Engine, tokens: int, edits: int, seed: int = 0):
        """Plan captions of `tokens` tokens of which the second glance replaces `edits`."""
        self.engine, self.tokenizer, self.out_of_memory = engine, engine.tokenizer, engine.out_of_memory
        assert self.tokenizer is not None
        eos = self.tokenizer.config.language.eos
        words = [i for i in range(_FIRST_WORD, self.tokenizer.tokenizer.get_vocab_size()) if i != eos]
        dice = random.Random(seed)
        initial = [dice.choice(words) for _ in range(tokens)]
        refined = list(initial)
        for place in dice.sample(range(tokens), edits):
            refined[place] = dice.choice([w for w in words if w != initial[place]])
        self.initial, self.refined = [*initial, eos], [*refined, eos]

    def encode(self, images: Sequence[np.ndarray], clock: Clock) -> Any:
        return self.engine.encode(images, clock)

    def rows(self, features: Any, index: Sequence[int]) -> Any:
        return self.engine.rows(features, index)

    def open_glance(self, features: Any, prompts: list[list[int]], top: int, clock: Clock) -> Session:
        return ScriptedSession(self.engine.open_glance(features, prompts, top, clock), self.initial)

    def open_refine(
        self, features: Any, prompts: list[list[int]], initials: list[list[int]], top: int, clock: Clock
    ) -> Session:
        return ScriptedSession(self.engine.open_refine(features, prompts, initials, top, clock), self.refined)


class ScriptedSession:
    """A greedy session whose next token after a part of the script is the script's."""

    def __init__(self, session: Session, script: list[int]):
        self._session, self._script = session, script
        self._written: list[list[int]] = []

    def prefill(self, draft: np.ndarray, lengths: np.ndarray) -> TopK:
        self._written = [[] for _ in draft]
        return self._replace(self._session.prefill(draft, lengths), draft, lengths, first=0)

    def extend(self, tokens: np.ndarray, lengths: np.ndarray) -> TopK:
        return self._replace(self._session.extend(tokens, lengths), tokens, lengths, first=1)

    def _replace(self, top: TopK, tokens: np.ndarray, lengths: np.ndarray, first: int) -> TopK:
        ids = top.ids.copy()
        for row, (new, length) in enumerate(zip(tokens, lengths, strict=True)):
            before = self._written[row]
            after = [*before, *map(int, new[: int(length)])]
            for at in range(len(before) + first, len(after) + 1):
                if at < len(self._script) and after[:at] == self._script[:at]:
                    ids[row, at - len(before) - first, 0] = self._script[at]
            self._written[row] = after
        return TopK(ids, top.log_probs)

    def crop(self, lengths: np.ndarray) -> None:
        self._written = [row[: int(n)] for row, n in zip(self._written, lengths, strict=True)]
        self._session.crop(lengths)

    def reorder(self, rows: np.ndarray) -> None:
        self._written = [list(self._written[row]) for row in rows]
        self._session.reorder(rows)
