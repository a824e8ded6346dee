"""A table's recipe on the simulated home: no download, a model of a few thousand weights, minutes.

The numbers say that every step works, not how good the method is: the model is far too small for that.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.eval.reproduce import Benchmark, Row, Table, as_sets, call
from ser_ros.share import share_path

PICTURES = {"train": 64, "val": 8, "test": 16}
SIZE = 64

TOY_MODEL = [
    "steps=10", "minutes=2", "batch_size=8", "threads=1",
    f"sizes.image={SIZE}", "sizes.patch=16", "sizes.width=48", "sizes.tower_depth=2",
    "sizes.second_layers=[1, 2]", "sizes.heads=2", "sizes.connector=64", "sizes.deeplens_width=48",
    "sizes.deeplens_depth=1", "sizes.language_depth=1", "sizes.vocabulary=400",
]  # fmt: skip

TOY_STAGES = """
name: sim-toy
precision: fp32
gradient_checkpointing: false
workers: 0
sample_every: 0
stages:
  pretrain: {learning_rate: 1.0e-3, batch_size: 16, micro_batch: 16, max_steps: 10,
    data: [{path: train/captions.json, images: train/images, style: plain}]}
  stage1: {learning_rate: 3.0e-3, batch_size: 16, micro_batch: 16, max_steps: 30,
    data: [{path: train/captions.json, images: train/images}]}
  stage2: {learning_rate: 1.0e-3, batch_size: 16, micro_batch: 16, max_steps: 20, glance_rate: 0.2,
    data: [{path: train/captions.json, images: train/images,
            pseudo: [{path: pseudo-rules.jsonl, per_caption: 2}]}]}
"""


def prepare(runs: Path) -> tuple[Path, Path]:
    """Render, make the first tower and pseudo captions; returns data folder and training recipe."""
    root = runs / "sim"
    for split, count in PICTURES.items():
        if not (root / split / "captions.json").is_file():
            render = ["sim", "render", "--split", split, "--count", str(count), "--size", str(SIZE)]
            call([*render, "--workers", "1", "--out", str(root / split)])
    if not (root / "model" / "init" / "config.json").is_file():
        clip = share_path("config/train/sim_clip.yaml")
        if clip is None:
            raise UserError("config/train/sim_clip.yaml is missing from this installation")
        changes = [f"root={root}", f"output={root / 'model'}", *TOY_MODEL]
        call([str(clip), *as_sets(changes)], module="ser_ros.train.contrastive")
    if not (root / "pseudo-rules.jsonl").is_file():
        data = ["--format", "coco", "--data", str(root / "train" / "captions.json")]
        call(["pseudo", *data, "--generator", "rules", "--out", str(root / "pseudo-rules.jsonl")])
    recipe = root / "train.yaml"
    recipe.write_text(TOY_STAGES + f"model: {{start: {root / 'model' / 'init'}}}\n")
    return root, recipe


def on_sim(table: Table) -> tuple[Table, dict[str, str]]:
    """The table with the home as its only benchmark, and name → reason of the rows that cannot run there."""
    left_out = {
        row.name: "changes parts that the toy model does not have"
        if row.set
        else "predictions of another model"
        for row in table.rows
        if row.set or row.predictions
    }
    metrics = sorted(
        {m for benchmark in table.benchmarks.values() for m in benchmark.metrics if m != "METEOR"}
    )
    home = Benchmark("test/captions.json", "test/images", metrics, max_tokens=24)
    rows: list[Row] = [
        replace(row, benchmark="sim", train="sim_toy", limit=0)
        for row in table.rows
        if row.name not in left_out
    ]
    return Table(table.name, f"{table.title} (simulated home, toy model)", {"sim": home}, rows), left_out
