"""Hugging Face's Trainer for a Learner: small checkpoints to resume from, on one GPU or many."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import Trainer, TrainingArguments

from ser_ros.errors import UserError, cannot_write, no_room
from ser_ros.train.recipe import Recipe, Reconstruct, Stage

WEIGHTS = "model.safetensors"
STATE = "trainer_state.json"
RESUMES = "the same command goes on from its last checkpoint"
TORCH_CANNOT_WRITE = "inline_container"
"""In torch's words for a file that it could not write to its end; the reason is not among them."""
NO_ROOM = 1 << 20  # bytes free below which that reason is a full disk


class SerTrainer(Trainer):
    """Saves and loads only what learns; the frozen rest comes from the model the stage starts with."""

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Write a checkpoint whole; what a full disk cuts short is removed again.

        Raises:
            UserError: the disk is full, or refuses for another reason.
        """
        folder = Path(self.args.output_dir, f"checkpoint-{self.state.global_step}")
        try:
            super()._save_checkpoint(model, trial)
        except (OSError, SafetensorError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and TORCH_CANNOT_WRITE not in str(error):
                raise
            full = isinstance(error, RuntimeError) and shutil.disk_usage(self.args.output_dir).free < NO_ROOM
            if self.args.should_save:
                shutil.rmtree(folder, ignore_errors=True)
            if full or "No space left on device" in str(error):
                raise no_room(folder, RESUMES) from None
            refused = error if isinstance(error, OSError) else OSError(str(error))
            raise cannot_write(folder, refused, RESUMES) from None

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = output_dir or self.args.output_dir
        if not self.args.should_save:
            return
        os.makedirs(folder, exist_ok=True)
        learner = self.accelerator.unwrap_model(self.model)
        names = learner.trained_state().keys()
        # With FSDP Trainer hands over the gathered weights.
        weights = state_dict if state_dict is not None else learner.state_dict()
        kept = {name: weights[name].detach().cpu().contiguous() for name in names}
        save_file(kept, os.path.join(folder, WEIGHTS), metadata={"format": "pt"})

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: torch.nn.Module | None = None
    ) -> None:
        if self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
            return
        weights = load_file(os.path.join(resume_from_checkpoint, WEIGHTS))
        learner = self.accelerator.unwrap_model(model if model is not None else self.model)
        learner.load_state_dict(weights, strict=False)


@contextmanager
def loader_errors() -> Iterator[None]:
    """A process that loads pictures sends its whole traceback along; the sentence is its last line."""
    try:
        yield
    except UserError as error:
        raise UserError(str(error).rpartition("UserError: ")[2].strip()) from None


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete `checkpoint-N`; those a kill cut short are removed.

    Trainer writes `trainer_state.json` last, so a checkpoint without it is not whole.
    """
    found = []
    for path in folder.glob("checkpoint-*"):
        step = path.name.rpartition("-")[2]
        try:
            json.loads((path / STATE).read_text())
            found.append((int(step), path))
        except (OSError, ValueError):
            shutil.rmtree(path, ignore_errors=True)
    return max(found)[1] if found else None


def training_arguments(recipe: Recipe, stage: Stage | Reconstruct, folder: Path) -> TrainingArguments:
    """Trainer's arguments for one stage of a recipe.

    Raises:
        UserError: batch_size does not divide into micro batches of all processes, there is no GPU where
            the recipe wants one, or `fsdp` is none of transformers' options.
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    micro = min(stage.micro_batch, max(1, stage.batch_size // processes))
    if stage.batch_size % (micro * processes):
        raise UserError(
            f"batch_size {stage.batch_size} is no multiple of micro_batch {micro} x {processes} processes"
        )
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda but torch sees no GPU here; set device: auto")
    cpu = recipe.device == "cpu" or (recipe.device == "auto" and not torch.cuda.is_available())
    glances = 0 < getattr(stage, "glance_rate", 0) < 1
    arguments: dict[str, Any] = dict(
        output_dir=str(folder),
        per_device_train_batch_size=micro,
        per_device_eval_batch_size=micro,
        gradient_accumulation_steps=stage.batch_size // (micro * processes),
        num_train_epochs=stage.epochs,
        max_steps=stage.max_steps or -1,
        learning_rate=stage.learning_rate,
        lr_scheduler_type=getattr(stage, "schedule", "cosine"),
        # Below 1 it is a share of all steps.
        warmup_steps=min(getattr(stage, "warmup", 0.0), 0.999999),
        weight_decay=stage.weight_decay,
        adam_beta2=getattr(stage, "beta2", 0.999),
        bf16=recipe.precision == "bf16",
        fp16=recipe.precision == "fp16",
        tf32=recipe.tf32 if not cpu and torch.cuda.get_device_capability()[0] >= 8 else None,
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and processes > 1 else None,
        # A batch may hold only glances or only refinements, then a part of the model is idle.
        ddp_find_unused_parameters=glances,
        # The first process may compute features for hours while the others wait.
        ddp_timeout=24 * 3600,
        fsdp=recipe.fsdp or None,
        dataloader_num_workers=recipe.workers,
        dataloader_persistent_workers=recipe.workers > 0,
        dataloader_pin_memory=not cpu,
        remove_unused_columns=False,
        label_names=["labels"],
        prediction_loss_only=True,
        logging_steps=recipe.log_every,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_strategy="steps",
        save_steps=recipe.save_every,
        save_total_limit=recipe.keep_checkpoints,
        eval_strategy="steps" if recipe.validation and recipe.validate_every else "no",
        eval_steps=recipe.validate_every or None,
        seed=recipe.seed,
        disable_tqdm=True,
        report_to=[],
    )
    try:
        return TrainingArguments(**arguments)
    except ValueError as error:
        if not recipe.fsdp:
            raise
        raise UserError(f"fsdp is {recipe.fsdp!r}, which transformers refuses: {error}") from None
