"""The one interface every backend (torch, ONNX Runtime) offers to the nodes, replay and the CLI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ser_ros.model.description import Description


@dataclass(frozen=True)
class CaptionOptions:
    """How to caption; the single source of these defaults for CLI, YAML and ROS parameters.

    Attributes:
        style: name of a prompt of the checkpoint ("default" is its first).
        refinements: second glances after the first caption, 0 to 4 (paper Table 9).
        max_tokens: most new tokens in one caption, 1 to 512.
        beams: beam width, 1 is greedy, 1 to 8 (the paper evaluates with 3).
    """

    style: str = "default"
    refinements: int = 1
    max_tokens: int = 77
    beams: int = 1


class Captioner(Protocol):
    """Images in, descriptions out; not safe to call from two threads at once."""

    backend: str
    device: str

    def describe(
        self,
        images: Sequence[np.ndarray],
        options: CaptionOptions = CaptionOptions(),
        *,
        on_initial: Callable[[int, Description], None] | None = None,
        deadline: float | None = None,
    ) -> list[Description]:
        """Caption a batch of images.

        Args:
            images: RGB images, each [H, W, 3] uint8; sizes may differ.
            options: style, refinements, token limit and beams.
            on_initial: called with (index, description so far) as soon as the first glance is
                decoded, before any refinement starts.
            deadline: `time.monotonic()` seconds; a refinement that is expected to end later is
                not started and the description carries the flag "refinement_skipped".

        Returns:
            One description per image, in order.
        """
        ...

    def check(self, options: CaptionOptions) -> None:
        """Say before the next image whether the model can caption so; safe from another thread.

        Raises:
            UserError: an option that is out of range or that this model does not have.
        """
        ...

    def close(self) -> None:
        """Free the device; the captioner cannot be used afterwards."""
        ...
