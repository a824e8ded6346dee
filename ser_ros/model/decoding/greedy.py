"""Greedy decoding with a verified draft.

The refined caption is mostly the initial one, so the initial caption is a free speculative draft
(Leviathan et al. 2023, with the draft given instead of sampled). One forward of the prompt and the whole
draft tells what the model would write at every place. The longest agreeing prefix is accepted, and the
token after it comes for free. After a disagreement the rest of the draft is aligned anew and verified
again. The tokens are those of plain greedy decoding, which is this function without drafts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_ros.model.decoding.alignment import Alignment
from ser_ros.model.decoding.session import Session, Written, pad


def greedy(
    session: Session, rows: int, eos: int, max_tokens: int, drafts: Sequence[Sequence[int]] | None = None
) -> list[Written]:
    """Write the most probable token after token in every row.

    Args:
        session: fresh, with `rows` rows and top 1 or more.
        rows: captions to write.
        eos: id of the end token.
        max_tokens: most tokens of one caption, the end token included, at least 1.
        drafts: what each caption will probably be, without end token; None or empty rows for none.

    Returns:
        One caption a row.
    """
    written = [Written() for _ in range(rows)]
    plans = [Alignment(list(draft)) for draft in (drafts if drafts is not None else [()] * rows)]
    active = list(range(rows))
    guesses = [plan.rest([], max_tokens - 1) for plan in plans]
    top = session.prefill(*pad(guesses))
    while True:
        for row, index in enumerate(active):
            caption = written[index]
            caption.forwards += 1
            # After the prefill, column 0 follows the prompt; after an extend, the last accepted token.
            _accept(caption, guesses[row], top.ids[row, :, 0], top.log_probs[row, :, 0], eos, max_tokens)
        going = [row for row, index in enumerate(active) if _goes_on(written[index], max_tokens)]
        if not going:
            return written
        # The last accepted token has not been computed yet: it opens the next forward.
        kept = np.array([len(written[index].ids) - 1 for index in active], np.int64)
        session.crop(np.maximum(kept, 0))
        if len(going) < len(active):
            session.reorder(np.array(going, np.int64))
            active = [active[row] for row in going]
        guesses = [plans[i].rest(written[i].ids, max_tokens - len(written[i].ids) - 1) for i in active]
        tokens = [[written[i].ids[-1], *guess] for i, guess in zip(active, guesses, strict=True)]
        top = session.extend(*pad(tokens))


def _goes_on(caption: Written, max_tokens: int) -> bool:
    return not caption.ended and len(caption.ids) < max_tokens


def _accept(
    caption: Written, guess: list[int], ids: np.ndarray, log_probs: np.ndarray, eos: int, max_tokens: int
) -> None:
    """Append the model's own tokens up to the first that the guess did not foresee."""
    for place in range(len(guess) + 1):
        token = int(ids[place])
        caption.log_probs.append(float(log_probs[place]))
        if token == eos:
            caption.ended = True
            return
        caption.ids.append(token)
        if len(caption.ids) == max_tokens or place == len(guess) or token != guess[place]:
            return
