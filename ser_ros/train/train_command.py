"""`ser_ros train RECIPE.yaml`: the paper's three stages, or the reconstruction probe.

On several GPUs or hosts: `torchrun --nproc-per-node 2 -m ser_ros.cli train RECIPE.yaml`.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
from pathlib import Path

from ser_ros.errors import UNWRITABLE_DISK, UserError, cannot_write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", type=Path, help="YAML file, see config/train/")
    parser.add_argument(
        "--stage", choices=("pretrain", "stage1", "stage2", "reconstruct"), action="append",
        help="only this stage; may be given again for one more",
    )  # fmt: skip
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a parameter, e.g. root=/data/coco",
    )
    parser.add_argument("--restart", action="store_true", help="forget earlier results instead of resuming")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Train; the first process prints one line per stage."""
    from ser_ros.train.recipe_file import load_recipe

    recipe = load_recipe(args.recipe, args.set)
    try:
        import accelerate  # noqa: F401
        import torch
        import transformers
    except ImportError as error:
        raise UserError(
            f"training needs {error.name}; install it with: pip install 'ser-ros[train]'"
        ) from None
    from ser_ros.train.run import run as run_recipe
    from ser_ros.train.trainer import RESUMES

    transformers.logging.set_verbosity_error()
    try:
        stages = run_recipe(recipe, args.stage, args.restart)
    except torch.OutOfMemoryError:
        raise UserError(
            "the GPU's memory is too small for this recipe; halve micro_batch (the result stays the same), "
            "or set gradient_checkpointing: true"
        ) from None
    except OSError as error:
        if error.errno not in (*UNWRITABLE_DISK, errno.EACCES, errno.ENOTDIR):
            raise
        raise cannot_write(error.filename or recipe.output, error, RESUMES) from None
    if int(os.environ.get("RANK", "0")) == 0:
        if args.json:
            print(json.dumps({"recipe": recipe.name, "output": recipe.output, "stages": stages}))
        else:
            _table(recipe.name, stages)
    return 0


def _table(title: str, stages: list[dict]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for column in ("stage", "status", "rows", "steps", "loss", "validation loss", "seconds"):
        table.add_column(column, justify="left" if column in ("stage", "status") else "right")
    for stage in stages:
        loss, validation = stage.get("loss"), stage.get("validation_loss")
        table.add_row(
            stage["stage"],
            stage["status"],
            str(stage.get("rows", "")),
            str(stage.get("steps", "")),
            f"{loss:.4f}" if loss is not None else "",
            f"{validation:.4f}" if validation is not None else "",
            str(stage.get("seconds", "")),
        )
    console = Console()
    console.print(table)
    for result in ("model", "grid"):
        if result in stages[-1]:
            console.print(f"{result}: {stages[-1][result]}", highlight=False, markup=False, soft_wrap=True)
