"""A toy home, a toy model and a recipe that trains it in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.train.toy_home import make_pseudo, make_toy_home

RECIPE = """
name: toy
output: {folder}/run
root: {folder}
model: {{start: {folder}/init}}
precision: fp32
device: cpu
workers: 0
gradient_checkpointing: false
sample_every: 0
log_every: 1
save_every: 4
validation: {{path: val/captions.json, images: val/images}}
stages:
  pretrain:
    {{epochs: 1, batch_size: 16, micro_batch: 16, learning_rate: 1.0e-3, data: [{{path: train/captions.json,
      images: train/images}}]}}
  stage1:
    {{epochs: 1, batch_size: 16, micro_batch: 8, learning_rate: 5.0e-3, data: [{{path: train/captions.json,
      images: train/images}}]}}
  stage2:
    {{epochs: 1, batch_size: 16, micro_batch: 16, learning_rate: 5.0e-3, glance_rate: 0.3, data: [{{
      path: train/captions.json, images: train/images, pseudo: [{{path: train/pseudo.jsonl}}]}}]}}
"""


@dataclass(frozen=True)
class Toy:
    """A folder with train, val, init (checkpoint) and recipe.yaml."""

    folder: Path

    @property
    def recipe(self) -> Path:
        return self.folder / "recipe.yaml"


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    from tests.model.toys import toy_model

    captions = make_toy_home(tmp_path / "train", 96)
    make_pseudo(captions, tmp_path / "train" / "pseudo.jsonl")
    make_toy_home(tmp_path / "val", 16, seed=1)
    toy_model(spread=0.05).save_pretrained(tmp_path / "init")
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(folder=tmp_path))
    return Toy(tmp_path)
