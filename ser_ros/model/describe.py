"""From images to descriptions: two glances over one engine, on torch or ONNX Runtime (imports neither)."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from ser_ros.errors import UserError
from ser_ros.model.decoding import Session, Written, beam_search, greedy
from ser_ros.model.description import Description, Flag
from ser_ros.model.edits import word_edits
from ser_ros.model.flags import repeats
from ser_ros.model.tokenizer import CaptionTokenizer


class Clock:
    """Seconds spent in each stage, added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - start


class Engine(Protocol):
    """A network that sees and writes; `features` is whatever its `encode` returns.

    Attributes:
        tokenizer: texts to ids, with the model's configuration.
        out_of_memory: what it raises when the device's memory is full.
    """

    tokenizer: CaptionTokenizer | None
    out_of_memory: tuple[type[BaseException], ...]

    def encode(self, images: Sequence[np.ndarray], clock: Clock) -> Any:
        """Preprocess RGB images ([H, W, 3] uint8) and fill the feature buffer (stages preprocess, tower)."""
        ...

    def rows(self, features: Any, index: Sequence[int]) -> Any:
        """The features of some of the images."""
        ...

    def open_glance(self, features: Any, prompts: list[list[int]], top: int, clock: Clock) -> Session:
        """A first glance, one row an image (stage connector)."""
        ...

    def open_refine(
        self, features: Any, prompts: list[list[int]], initials: list[list[int]], top: int, clock: Clock
    ) -> Session:
        """A second glance led by the ids of the initial captions (stage deeplens)."""
        ...


class TimedSession:
    """A session whose first forward counts as `prefill` and the later ones as `decode`."""

    def __init__(self, session: Session, clock: Clock, prefill: str, decode: str):
        self._session, self._clock = session, clock
        self._prefill, self._decode = prefill, decode
        self.crop, self.reorder = session.crop, session.reorder

    def prefill(self, draft: np.ndarray, lengths: np.ndarray):
        with self._clock(self._prefill):
            return self._session.prefill(draft, lengths)

    def extend(self, tokens: np.ndarray, lengths: np.ndarray):
        with self._clock(self._decode):
            return self._session.extend(tokens, lengths)


def describe(
    engine: Engine,
    images: Sequence[np.ndarray],
    *,
    style: str = "default",
    refinements: int = 1,
    max_tokens: int = 77,
    beams: int = 1,
    on_initial: Callable[[int, Description], None] | None = None,
    may_refine: Callable[[Clock], bool] | None = None,
) -> list[Description]:
    """Caption images with one first glance and `refinements` second glances.

    Args:
        engine: the network.
        images: RGB images, each [H, W, 3] uint8.
        style: prompt of the model.
        refinements: second glances, 0 to 4 (paper Table 9).
        max_tokens: most tokens of one caption, 1 to 512.
        beams: beam width; 1 is greedy, where a refinement verifies the caption before it as a draft.
        on_initial: called with (index, description so far) once the first glance is decoded.
        may_refine: asked before each refinement with the stages so far; False stops and flags
            "refinement_skipped".

    Returns:
        One description an image.

    Raises:
        UserError: a value out of range, or a prompt and caption longer than the language model.
    """
    if not images:
        return []
    clock = Clock()
    writer = Writer(engine, style, max_tokens, beams, refinements, clock)
    features = engine.encode(images, clock)
    initial = writer.glance(features, len(images))
    seconds = dict(clock.seconds)
    descriptions = [writer.description(first, first, seconds) for first in initial]
    if on_initial is not None:
        for index, description in enumerate(descriptions):
            on_initial(index, description)
    refined, skipped = list(initial), [False] * len(images)
    for _ in range(refinements):
        if may_refine is not None and not may_refine(clock):
            skipped = [True] * len(images)
            break
        try:
            refined = writer.refine(features, refined)
        except engine.out_of_memory:
            refined, skipped = _one_by_one(engine, writer, features, refined)
    seconds = dict(clock.seconds)
    return [
        writer.description(first, last, seconds, skipped=skip)
        for first, last, skip in zip(initial, refined, skipped, strict=True)
    ]


def _one_by_one(
    engine: Engine, writer: Writer, features: Any, captions: list[Written]
) -> tuple[list[Written], list[bool]]:
    """Refine each image alone after the batch did not fit; one that does not fit keeps its caption."""
    refined, skipped = list(captions), [True] * len(captions)
    if len(captions) > 1:
        for row in range(len(captions)):
            try:
                refined[row] = writer.refine(engine.rows(features, [row]), [captions[row]])[0]
                skipped[row] = False
            except engine.out_of_memory:
                continue
    return refined, skipped


class Writer:
    """Writes captions with one engine under fixed options."""

    def __init__(
        self, engine: Engine, style: str, max_tokens: int, beams: int, refinements: int, clock: Clock
    ):
        for name, value, low, high in (
            ("max_tokens", max_tokens, 1, 512),
            ("beams", beams, 1, 8),
            ("refinements", refinements, 0, 4),
        ):
            if not low <= value <= high:
                raise UserError(f"{name} is {value}; it must be {low} to {high}")
        if engine.tokenizer is None:
            raise UserError("the model has no tokenizer; load it from a model folder")
        self.engine, self.tokens, self.clock = engine, engine.tokenizer, clock
        self.style, self.max_tokens, self.beams = style, max_tokens, beams
        self.top = 1 if beams == 1 else 2 * beams
        config = self.tokens.config
        if refinements and config.deeplens is None:
            raise UserError("the model has no DeepLens, so no second glance; set refinements to 0")
        longest = (
            self.tokens.refine_prompt([0] * max_tokens, style)
            if refinements
            else self.tokens.glance_prompt(style)
        )
        needed = len(longest) + config.patches * config.stride(config.patches) + max_tokens
        if needed > config.language.max_positions:
            raise UserError(
                f"max_tokens {max_tokens} needs {needed} positions and the language model has "
                f"{config.language.max_positions}; lower max_tokens"
            )

    def glance(self, features: Any, rows: int) -> list[Written]:
        """The initial captions of all images in the buffer."""
        prompts = [self.tokens.glance_prompt(self.style)] * rows
        session = self.engine.open_glance(features, prompts, self.top, self.clock)
        return self._write(TimedSession(session, self.clock, "prefill", "decode"), rows, None)

    def refine(self, features: Any, captions: Sequence[Written]) -> list[Written]:
        """Look again at the same images, led by their captions."""
        initials = [caption.ids for caption in captions]
        prompts = [self.tokens.refine_prompt(ids, self.style) for ids in initials]
        session = self.engine.open_refine(features, prompts, initials, self.top, self.clock)
        return self._write(TimedSession(session, self.clock, "refine", "refine"), len(prompts), initials)

    def _write(self, session: Session, rows: int, drafts: list[list[int]] | None) -> list[Written]:
        eos = self.tokens.config.language.eos
        if self.beams == 1:
            return greedy(session, rows, eos, self.max_tokens, drafts)
        return beam_search(session, rows, eos, self.max_tokens, self.beams)

    def description(
        self, initial: Written, refined: Written, seconds: dict[str, float], *, skipped: bool = False
    ) -> Description:
        """What a reader gets to know."""
        before, after = self.tokens.decode(initial.ids), self.tokens.decode(refined.ids)
        flags: list[Flag] = []
        if repeats(after):
            flags.append("repetition")
        if not refined.ended:
            flags.append("truncated")
        if skipped:
            flags.append("refinement_skipped")
        return Description(
            initial=before,
            refined=after,
            edits=word_edits(before, after),
            log_probs=list(refined.log_probs),
            confidence=confidence(refined.log_probs),
            initial_confidence=confidence(initial.log_probs),
            flags=flags,
            timings=seconds,
        )


def confidence(log_probs: Sequence[float]) -> float:
    """Geometric mean of the token probabilities, 0 without tokens."""
    return math.exp(sum(log_probs) / len(log_probs)) if log_probs else 0.0
