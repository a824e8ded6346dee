"""Where in the draft a caption stands after it left the draft: incremental edit-distance alignment."""

from __future__ import annotations

import numpy as np

_CONTEXT = 3
"""Tokens at the end of the caption that vote for a place in the draft."""


class Alignment:
    """A draft, and the edit distances of the caption so far to each of its prefixes."""

    def __init__(self, draft: list[int]):
        self.draft = draft
        self._array = np.array(draft, np.int64)
        self._distances = np.arange(len(draft) + 1, dtype=np.int64)  # of the empty caption to draft[:j]
        self._seen = 0

    def rest(self, caption: list[int], limit: int) -> list[int]:
        """The most probable continuation of `caption` in the draft, at most `limit` tokens."""
        if not self.draft or limit <= 0:
            return []
        for token in caption[self._seen :]:
            self._append(token)
        self._seen = len(caption)
        start = self._place(caption)
        return self.draft[start : start + limit]

    def _append(self, token: int) -> None:
        """One row of the Levenshtein table: match or substitution, insertion, then deletions in order."""
        old = self._distances
        new = np.minimum(old + 1, np.concatenate(([old[0] + 1], old[:-1] + (self._array != token))))
        # new[j] = min over i <= j of new[i] + (j - i), as a running minimum.
        steps = np.arange(len(new))
        self._distances = np.minimum.accumulate(new - steps) + steps

    def _place(self, caption: list[int]) -> int:
        """The draft prefix nearest to the caption, one that ends in the caption's own words before others.

        Of equals the longest is taken: after one new word a substitution is likelier than an insertion.
        """
        agree = np.zeros(len(self.draft) + 1, np.int64)
        alive = np.ones(len(self.draft) + 1, bool)
        for back in range(1, min(_CONTEXT, len(caption)) + 1):
            match = np.zeros(len(self.draft) + 1, bool)
            match[back:] = self._array[: len(self.draft) + 1 - back] == caption[-back]
            alive &= match
            agree += alive
        score = self._distances - agree
        best = np.flatnonzero(score == score.min())
        # The longest, but not past the caption's own length by more than needed: nearest to the diagonal.
        nearest = np.abs(best - len(caption))
        return int(best[nearest == nearest.min()].max())
