"""What a person sees of a training run: bar, metrics file, TensorBoard, captioned samples."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ser_ros.errors import UserError, cannot_write
from ser_ros.model.replace_files import replace_text
from ser_ros.train.rows import Row

log = logging.getLogger(__name__)


class ProgressBar(TrainerCallback):
    """One bar on stderr with steps, time left, loss and learning rate; `with` ends its line in any case."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.bar: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            from tqdm import tqdm

            self.bar = tqdm(
                desc=self.title,
                total=state.max_steps,
                initial=state.global_step,
                unit="step",
                file=sys.stderr,
            )

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if self.bar is not None and logs:
            shown = {"loss": "loss", "eval_loss": "val", "learning_rate": "lr"}
            self.bar.set_postfix({name: f"{logs[key]:.3g}" for key, name in shown.items() if key in logs})


class MetricsFile(TrainerCallback):
    """`metrics.jsonl`: one line per logged step; and TensorBoard where it is installed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"
        self.board_folder = folder / "tensorboard"
        self.board: Any = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        _rewind(self.path, state.global_step)
        try:
            from ser_ros.train.tensorboard_file import TensorBoardFile
        except ImportError:
            log.warning("no TensorBoard curves: install tensorboard (pip install 'ser-ros[train]')")
            return
        with self._without_board():
            self.board = TensorBoardFile(self.board_folder, state.global_step + 1)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.global_step == state.max_steps:  # the curve ends where the training does
            control.should_log = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if not state.is_world_process_zero or not logs:
            return
        if not math.isfinite(logs.get("loss", 0.0)):
            raise UserError(
                f"the loss is {logs['loss']} at step {state.global_step}; lower learning_rate, "
                "or train in fp32 or bf16 instead of fp16"
            )
        line = {"step": state.global_step, **logs}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        if self.board is not None:
            with self._without_board():
                self.board.add(logs, state.global_step)

    @contextmanager
    def _without_board(self) -> Iterator[None]:
        """Go on without curves where they cannot be written: `metrics.jsonl` has the same numbers."""
        try:
            yield
        except OSError as error:
            self.board = None
            log.warning("no TensorBoard curves from here on: %s", cannot_write(self.board_folder, error))


def final_loss(state: TrainerState) -> float:
    """Mean loss since the last but one logged step, as the curve ends; the same after a resume."""
    return next(line["loss"] for line in reversed(state.log_history) if "loss" in line)


def _rewind(path: Path, step: int) -> None:
    """Drop what a killed run wrote after its last checkpoint: those steps are done again."""
    kept = [line for line in read_metrics(path) if line["step"] <= step]
    replace_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The lines of a `metrics.jsonl` or `samples.jsonl`; a last line cut by a kill is left out."""
    lines = []
    if path.is_file():
        for text in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
    return lines


class Samples(TrainerCallback):
    """Captions a few validation pictures every N steps into `samples.jsonl`."""

    def __init__(
        self, rows: Sequence[Row], folder: Path, every: int, refinements: int, skip_broken: bool = False
    ) -> None:
        self.skip_broken = skip_broken
        self.rows = rows
        self.path = folder / "samples.jsonl"
        self.every = every
        self.refinements = refinements

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        if state.is_world_process_zero:
            _rewind(self.path, state.global_step)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        last = state.global_step == state.max_steps
        if state.is_world_process_zero and (last or state.global_step % self.every == 0):
            self.write(model, state.global_step)

    def write(self, learner: Any, step: int) -> None:
        """Caption the rows with the model as it is and append one line each."""
        import torch

        from ser_ros.model.images import load_image

        model = getattr(learner, "module", learner).model
        training = model.training
        model.eval()
        # Sampling must not move the dice of training: a run with samples learns the same weights.
        with (
            torch.random.fork_rng(devices=[]),
            torch.no_grad(),
            self.path.open("a", encoding="utf-8") as file,
        ):
            for row in self.rows:
                style = row.style if row.style in model.config.prompts else "default"
                try:
                    picture = load_image(row.image)
                except UserError:
                    if not self.skip_broken:
                        raise
                    continue
                found = model.describe([picture], style=style, refinements=self.refinements)[0]
                line = {
                    "step": step, "image": row.image, "truth": row.caption,
                    "initial": found.initial, "refined": found.refined,
                }  # fmt: skip
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        model.train(training)
