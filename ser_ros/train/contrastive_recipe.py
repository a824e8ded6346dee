"""Everything that decides the contrastive training of a small CLIP, read from YAML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.train.contrastive_start import Sizes
from ser_ros.train.recipe_file import choose
from ser_ros.train.yaml_file import build, read_yaml


@dataclass(frozen=True)
class ContrastiveRecipe:
    """All parameters; `config/train/sim_clip.yaml` documents each with unit and range.

    Attributes:
        root: folder with `train/` and `val/` as `ser_ros sim render` wrote them.
        output: folder of the run; `output/init` is the model folder the three stages start from.
        start: model folder whose vision tower is trained on; "" starts from random weights.
        minutes: training stops after this time, its learning rate having gone down to zero.
        steps: the same limit in steps; whichever comes first.
        batch_size: pictures a step in each process.
        learning_rate: of the hidden matrices (Muon).
        adam_rate: of everything else (AdamW).
        weight_decay: of both.
        temperature: of the region-text contrast.
        caption_weight: of the picture-caption contrast beside the region-text contrast.
        background_weight: of a patch that shows only walls and floor, beside 1 for things.
        device: "auto", "cpu" or "cuda".
        precision: "fp32" or "bf16" (autocast).
        threads: CPU threads, 0 leaves it to torch.
        seed: of weights and order.
        sizes: of the model.
    """

    root: str = "runs/sim/data"
    output: str = "runs/sim"
    start: str = ""
    minutes: float = 70.0
    steps: int = 20000
    batch_size: int = 40
    learning_rate: float = 5e-3
    adam_rate: float = 1.5e-3
    weight_decay: float = 0.05
    temperature: float = 0.1
    caption_weight: float = 0.3
    background_weight: float = 0.25
    device: str = "auto"
    precision: str = "fp32"
    threads: int = 0
    seed: int = 0
    sizes: Sizes = field(default_factory=Sizes)


CHOICES = {"device": ("auto", "cpu", "cuda"), "precision": ("fp32", "bf16")}
RANGES = {
    "steps": (1, math.inf), "batch_size": (2, math.inf), "temperature": (0.01, 1.0), "threads": (0, math.inf),
    "weight_decay": (0.0, math.inf), "caption_weight": (0.0, math.inf), "background_weight": (0.0, 1.0),
    "seed": (0, 2**32 - 1),
}  # fmt: skip
"""Parameter → its least and its greatest value."""


def load_contrastive(path: Path, changes: Sequence[str] = ()) -> ContrastiveRecipe:
    """The recipe of a YAML file, with changes KEY.SUBKEY=VALUE on top.

    Raises:
        UserError: what `read_yaml` and `build` refuse, or a value out of its range.
    """
    recipe = build(ContrastiveRecipe, read_yaml(path, changes), str(path))
    for name, allowed in CHOICES.items():
        choose(getattr(recipe, name), allowed, f"{path}: {name}")
    for name, (least, most) in RANGES.items():
        if not least <= getattr(recipe, name) <= most:
            raise UserError(f"{path}: {name} must be from {least} to {most}, not {getattr(recipe, name)}")
    for name in ("minutes", "learning_rate", "adam_rate"):
        if not 0 < getattr(recipe, name) < math.inf:
            raise UserError(f"{path}: {name} must be above 0, not {getattr(recipe, name)}")
    return recipe
