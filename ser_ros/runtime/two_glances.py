"""The Captioner over any engine: keeps the deadline and survives a full device memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from ser_ros.errors import UserError
from ser_ros.model.config import SerConfig
from ser_ros.model.describe import Clock, Engine, Writer, describe
from ser_ros.model.description import Description
from ser_ros.runtime.captioner import CaptionOptions

_FORGET = 0.3
"""Weight of the newest call in the expected refinement time."""

_DOUBT = 0.95
"""What is left of the expected refinement time after each refinement that it ruled out.

One slow refinement, as the first on a GPU, must not rule out all others for good.
"""

_GUESS = 1.5
"""Before the first refinement: expected time as a multiple of the first glance's language model time.

A second glance runs DeepLens and the language model once more, most of the latter in one forward.
"""


class TwoGlanceCaptioner:
    """A `Captioner` that drives one engine; not safe to call from two threads at once."""

    def __init__(
        self, engine: Engine, backend: str, device: str, *, on_close: Callable[[], None] | None = None
    ):
        """Take over an engine.

        Args:
            engine: the network.
            backend: "torch" or "onnx", as users name it.
            device: where it runs, as users name it.
            on_close: frees what the engine holds.
        """
        self.backend = backend
        self.device = device
        self._engine: Engine | None = engine
        self._on_close = on_close
        self._expected: dict[tuple[int, int], float] = {}  # (images, beams) -> seconds of one refinement

    @property
    def config(self) -> SerConfig:
        """Sizes, styles and prompts of the model."""
        if self._engine is None or self._engine.tokenizer is None:
            raise RuntimeError("this captioner is closed")
        return self._engine.tokenizer.config

    @property
    def engine(self) -> Engine:
        """The network, for measurements."""
        if self._engine is None:
            raise RuntimeError("this captioner is closed")
        return self._engine

    def describe(
        self,
        images: Sequence[np.ndarray],
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 - frozen
        *,
        on_initial: Callable[[int, Description], None] | None = None,
        deadline: float | None = None,
    ) -> list[Description]:
        """Caption a batch; see `Captioner.describe`.

        Raises:
            UserError: an option out of range, or one image alone does not fit into the device's memory.
        """
        if self._engine is None:
            raise RuntimeError("this captioner is closed")
        images = list(images)
        told: set[int] = set()
        try:
            return self._describe(images, options, on_initial, deadline, told, 0)
        except self._engine.out_of_memory:
            pass  # outside the handler the traceback no longer holds the batch's tensors
        if len(images) == 1:
            raise UserError(
                f"the {self.device} has not enough memory for one image; use a smaller model or dtype"
            )
        results: list[Description] = []
        for index, image in enumerate(images):
            try:
                results += self._describe([image], options, on_initial, deadline, told, index)
            except self._engine.out_of_memory:
                raise UserError(
                    f"the {self.device} has not enough memory for one image; use a smaller model or dtype"
                ) from None
        return results

    def _describe(
        self,
        images: list[np.ndarray],
        options: CaptionOptions,
        on_initial: Callable[[int, Description], None] | None,
        deadline: float | None,
        told: set[int],
        offset: int,
    ) -> list[Description]:
        key = (len(images), options.beams)

        def may_refine(clock: Clock) -> bool:
            return deadline is None or time.monotonic() + self._expect(key, clock) <= deadline

        def tell(index: int, description: Description) -> None:
            # A batch that is taken apart after a full memory must not tell an initial caption twice.
            if on_initial is not None and index + offset not in told:
                told.add(index + offset)
                on_initial(index + offset, description)

        assert self._engine is not None
        descriptions = describe(
            self._engine,
            images,
            style=options.style,
            refinements=options.refinements,
            max_tokens=options.max_tokens,
            beams=options.beams,
            on_initial=tell,
            may_refine=may_refine,
        )
        self._learn(key, options.refinements, descriptions)
        return descriptions

    def _expect(self, key: tuple[int, int], clock: Clock) -> float:
        """Seconds that one refinement of this many images will take."""
        done = clock.seconds.get("deeplens", 0.0) + clock.seconds.get("refine", 0.0)
        if key in self._expected:
            return self._expected[key]
        if done:
            return done
        first = sum(clock.seconds.get(stage, 0.0) for stage in ("connector", "prefill", "decode"))
        return _GUESS * first

    def _learn(self, key: tuple[int, int], refinements: int, descriptions: list[Description]) -> None:
        if not descriptions or not refinements:
            return
        if "refinement_skipped" in descriptions[0].flags:
            if key in self._expected:
                self._expected[key] *= _DOUBT
            return
        seconds = descriptions[0].timings
        took = (seconds.get("deeplens", 0.0) + seconds.get("refine", 0.0)) / refinements
        old = self._expected.get(key, took)
        # Up at once, down slowly: a deadline that is missed costs more than a refinement that is skipped.
        self._expected[key] = took if took > old else (1 - _FORGET) * old + _FORGET * took

    def check(self, options: CaptionOptions) -> None:
        """Whether the model can caption so; see `Captioner.check`."""
        Writer(self.engine, options.style, options.max_tokens, options.beams, options.refinements, Clock())

    def close(self) -> None:
        """Free the device; calling it twice does no harm."""
        self._engine = None
        if self._on_close is not None:
            self._on_close()
            self._on_close = None
