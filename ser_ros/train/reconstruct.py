"""How much of a picture do the tower's features keep? (paper Analysis 2, Fig. 6, H.4, Table 17)

A frozen tower, an MAE decoder that learns to paint the picture from the features of the last layer
or of several layers, and the errors on pictures it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from ser_ros.errors import UserError
from ser_ros.model.config import SerConfig
from ser_ros.model.images import load_image
from ser_ros.model.processor import preprocess
from ser_ros.model.replace_files import replace_text
from ser_ros.model.vision_tower import VisionTowers
from ser_ros.train.assemble import first_tower
from ser_ros.train.callbacks import MetricsFile, ProgressBar, final_loss
from ser_ros.train.dataset import first_readable
from ser_ros.train.mae_decoder import MaeDecoder, patchify, unpatchify
from ser_ros.train.recipe import Recipe, Reconstruct, Stage
from ser_ros.train.recipe_file import write_recipe
from ser_ros.train.rows import stage_rows
from ser_ros.train.trainer import SerTrainer, last_checkpoint, loader_errors, training_arguments

HELD_OUT = 200  # pictures for the error and the grid, at most a tenth of all


class Pictures(Dataset):
    """Pictures as the tower sees them."""

    def __init__(self, images: Sequence[str], config: SerConfig, skip_broken: bool = False) -> None:
        """`skip_broken` takes the next picture where one cannot be decoded, else that is a UserError."""
        self.images = images
        self.config = config
        self.skip_broken = skip_broken

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict[str, Any]:
        picture = first_readable(self.images, index, load_image, self.skip_broken)[1]
        return {"pixels": preprocess([picture], self.config.image)[0]}


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """{"pixel_values": [B, 3, S, S], "labels": [B]}; Trainer counts a batch by its labels."""
    pixels = torch.from_numpy(np.stack([item["pixels"] for item in items]))
    return {"pixel_values": pixels, "labels": torch.zeros(len(items), dtype=torch.long)}


class Painter(nn.Module):
    """Frozen tower and learning decoder; the loss is the mean squared error of normalised pixels."""

    accepts_loss_kwargs = True

    def __init__(self, towers: VisionTowers, config: SerConfig, probe: Reconstruct) -> None:
        super().__init__()
        self.towers = towers.requires_grad_(False)
        self.layers = tuple(probe.layers)
        grid = round(config.patches**0.5)
        self.decoder = MaeDecoder(
            len(self.layers) * config.vision_width,
            config.patches,
            config.image.size // grid,
            probe.width,
            probe.depth,
            probe.heads,
        )

    def train(self, mode: bool = True) -> Painter:
        super().train(mode)
        self.towers.eval()
        return self

    def paint(self, pixel_values: Tensor) -> Tensor:
        """Reconstructed patches [B, N, p * p * 3]."""
        with torch.no_grad():
            buffer = self.towers(pixel_values, self.layers)
        return self.decoder(buffer.channels(self.layers))

    def forward(
        self, pixel_values: Tensor, labels: Tensor, num_items_in_batch: Tensor | int | None = None
    ) -> dict[str, Tensor]:
        """{"loss": mean over the pictures of the whole step}."""
        error = (self.paint(pixel_values) - patchify(pixel_values, self.decoder.grid)) ** 2
        count = len(labels) if num_items_in_batch is None else num_items_in_batch
        return {"loss": error.mean(dim=(1, 2)).sum() / count}

    def trained_state(self) -> dict[str, Tensor]:
        """The decoder's weights, by their names in this module."""
        return {f"decoder.{name}": weight for name, weight in self.decoder.state_dict().items()}


def reconstruct(recipe: Recipe, probe: Reconstruct, folder: Path, restart: bool = False) -> dict[str, Any]:
    """Train the decoder, resuming where a killed run stopped; write the grid and the errors.

    Args:
        recipe: the run.
        probe: its parameters.
        folder: results go here.
        restart: train it anew though it is there.

    Returns:
        Summary: steps, loss, and over held-out pictures `mse` (0-1 RGB) and `psnr` (dB), and `grid`.

    Raises:
        UserError: layers the tower does not have, missing pictures, an unreadable tower.
    """
    transformers.set_seed(recipe.seed)
    rows, _ = stage_rows(recipe, "stage1", Stage(data=probe.data))
    images = list(dict.fromkeys(row.image for row in rows))
    held_out = images[:: max(10, len(images) // HELD_OUT)]
    learned = [image for image in images if image not in set(held_out)]
    if not learned:
        raise UserError("the reconstruction probe needs at least two pictures")
    args = training_arguments(recipe, probe, folder)
    towers, config = first_tower(recipe, probe.layers)
    painter = Painter(towers, config, probe)
    skip = recipe.missing_images == "skip"
    folder.mkdir(parents=True, exist_ok=True)
    if args.should_save:
        write_recipe(recipe, folder / "recipe.yaml")
    decoder = folder / "decoder.safetensors"
    summary: dict[str, Any] = {"stage": "reconstruct", "status": "kept"}
    kept = folder / "summary.json"  # written last
    if kept.is_file() and not restart:
        painter.decoder.load_state_dict(load_file(decoder))
        summary |= json.loads(kept.read_text()) | {"status": "kept"}
        painter.to(args.device)
    else:
        bar = ProgressBar("reconstruct")
        trainer = SerTrainer(
            model=painter,
            args=args,
            train_dataset=Pictures(learned, config, skip),
            data_collator=collate,
            callbacks=[bar, MetricsFile(folder)],
        )
        trainer.remove_callback(transformers.PrinterCallback)
        checkpoint = last_checkpoint(folder)
        with bar, loader_errors():
            outcome = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        summary |= {
            "status": "done",
            "rows": len(learned),
            "layers": list(probe.layers),
            "steps": trainer.state.global_step,
            "loss": final_loss(trainer.state),
            "seconds": round(outcome.metrics["train_runtime"], 1),
        }
        if not args.should_save:
            return summary
        weights = {name: value.detach().cpu() for name, value in painter.decoder.state_dict().items()}
        save_file(weights, decoder, metadata={"format": "pt"})
    painter.eval()
    shown, painted, summary["mse"] = _errors(painter, Pictures(held_out, config, skip), probe.grid)
    summary["psnr"] = round(-10 * float(np.log10(summary["mse"])), 2)
    summary["grid"] = str(folder / "grid.png")
    np.savez_compressed(folder / "grid.npz", images=shown, painted=painted, layers=np.array(probe.layers))
    _draw(Path(recipe.output).parent, folder, shown)
    replace_text(kept, json.dumps(summary, indent=2) + "\n")
    return summary


def _errors(painter: Painter, pictures: Pictures, shown: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The first pictures and their reconstructions [n, S, S, 3] uint8, and the error over all in 0-1 RGB."""
    device = painter.decoder.enter.weight.device
    image = pictures.config.image
    mean, std = (np.asarray(values, np.float32) for values in (image.mean, image.std))
    truths, paintings, errors = [], [], []
    with torch.no_grad():
        for start in range(0, len(pictures), 16):
            pixels = collate([pictures[n] for n in range(start, min(start + 16, len(pictures)))])
            pixel_values = pixels["pixel_values"].to(device)
            painted = unpatchify(painter.paint(pixel_values), painter.decoder.grid)
            pair = [
                (value.float().cpu().permute(0, 2, 3, 1).numpy() * std + mean).clip(0, 1)
                for value in (pixel_values, painted)
            ]
            errors.extend(((pair[0] - pair[1]) ** 2).mean(axis=(1, 2, 3)).tolist())
            truths.append(pair[0])
            paintings.append(pair[1])
    as_bytes = [
        (np.concatenate(parts)[:shown] * 255).round().astype(np.uint8) for parts in (truths, paintings)
    ]
    return as_bytes[0], as_bytes[1], float(np.mean(errors))


def _draw(runs: Path, folder: Path, images: np.ndarray) -> None:
    """PNG: originals above this run's reconstructions, above those of other runs of the same pictures."""
    from PIL import Image, ImageDraw

    lines: list[tuple[str, np.ndarray]] = [("original", images)]
    for path in sorted(runs.glob("*/reconstruct/grid.npz")):
        with np.load(path) as other:
            if np.array_equal(other["images"], images):
                layers = ", ".join(str(layer) for layer in other["layers"])
                lines.append((f"layers {layers}" if "," in layers else f"layer {layers}", other["painted"]))
    if len(lines) == 1:
        with np.load(folder / "grid.npz") as own:
            lines.append(("reconstruction", own["painted"]))
    size, title = images.shape[1], 18
    canvas = Image.new("RGB", (len(images) * size, len(lines) * (size + title)), "white")
    draw = ImageDraw.Draw(canvas)
    for row, (name, pictures) in enumerate(lines):
        draw.text((4, row * (size + title) + 3), name, fill="black")
        for column, picture in enumerate(pictures):
            canvas.paste(Image.fromarray(picture), (column * size, row * (size + title) + title))
    canvas.save(folder / "grid.png")
