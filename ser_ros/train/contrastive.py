"""Train a small CLIP from scratch on the simulated home, for the shipped checkpoint.

    python -m ser_ros.train.contrastive config/train/sim_clip.yaml --set root=SIM_FOLDER
    torchrun --nproc_per_node 2 -m ser_ros.train.contrastive ...     # several processes, on a CPU too

Two contrasts at once: pictures against their captions, as CLIP does, and patches against the words
for what they show ("region-text contrast": Zhong et al., RegionCLIP, CVPR 2022), because a few
thousand pictures are not enough for captions alone to teach the patches. Only the vision tower is
kept; it goes into a fresh model folder from which pretrain, stage 1 and stage 2 start.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from ser_ros.errors import UserError
from ser_ros.model.ser_model import SerModel
from ser_ros.train.contrastive_data import COLOURS, Pairs, Pictures, load_pairs, mirrored, padded
from ser_ros.train.contrastive_recipe import ContrastiveRecipe, load_contrastive
from ser_ros.train.contrastive_start import TextTower, fresh_model, train_vocabulary
from ser_ros.train.crew import Crew
from ser_ros.train.muon import Muon
from ser_ros.train.run import alone


class Clip(nn.Module):
    """The model's vision tower and a text tower that meet in one space."""

    def __init__(self, model: SerModel, text: TextTower, width: int):
        super().__init__()
        self.vision, self.text = model.vision, text
        self.top = max(model.config.buffer_layers)
        self.norm = nn.LayerNorm(model.config.vision_width)
        self.patch = nn.Linear(model.config.vision_width, width)
        self.picture = nn.Linear(model.config.vision_width, width)
        self.scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def patches(self, pixels: Tensor) -> Tensor:
        """Normed patch tokens [B, N, Dv] of the highest layer that the model reads."""
        return self.norm(self.vision(pixels, (self.top,)).layers[self.top])


@dataclass
class Losses:
    """What one batch taught: losses and the share of patches that were named rightly, all scalars."""

    total: Tensor
    kind: Tensor
    colour: Tensor
    caption: Tensor
    kind_right: Tensor
    colour_right: Tensor

    def numbers(self) -> dict[str, float]:
        """All but `total`; waits for the device."""
        names = [f.name for f in dataclasses.fields(self) if f.name != "total"]
        values = torch.stack([getattr(self, name).detach().float() for name in names]).tolist()
        return {name: round(value, 4) for name, value in zip(names, values, strict=True)}


def losses(clip: Clip, batch: Pairs, words: Words, recipe: ContrastiveRecipe) -> Losses:
    """Both contrasts of one batch."""
    tokens = clip.patches(batch.pixels)  # [B, N, Dv]
    regions = F.normalize(clip.patch(tokens), dim=-1)
    texts = clip.text(words.ids, words.lengths)
    kinds, colours = texts[: words.kinds], texts[words.kinds :]
    kind_logits = regions @ kinds.T / recipe.temperature  # [B, N, K]
    colour_logits = regions @ colours.T / recipe.temperature
    # Most patches show walls and floors, which are learned soon: things weigh more.
    weight = 1 - (1 - recipe.background_weight) * batch.kind[..., 0]  # [B, N]
    kind_loss = -(weight * (batch.kind * kind_logits.log_softmax(-1)).sum(-1)).sum() / weight.sum()
    seen = batch.colour.sum(-1)
    colour_loss = -(batch.colour * colour_logits.log_softmax(-1)).sum() / seen.sum().clamp(min=1)
    pictures = F.normalize(clip.picture(tokens.mean(1)), dim=-1)
    captions = clip.text(batch.ids, batch.lengths)
    logits = pictures @ captions.T * clip.scale.clamp(max=4.6).exp()
    target = torch.arange(len(logits), device=logits.device)
    caption_loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    total = kind_loss + colour_loss + recipe.caption_weight * caption_loss
    with torch.no_grad():
        things = batch.kind[..., 0] < 0.5  # patches that show mostly a thing
        kind_right = _share(kind_logits.argmax(-1) == batch.kind.argmax(-1), things)
        colour_right = _share(colour_logits.argmax(-1) == batch.colour.argmax(-1), seen > 0.5)
    return Losses(total, kind_loss, colour_loss, caption_loss, kind_right, colour_right)


def _share(right: Tensor, of: Tensor) -> Tensor:
    return (right & of).sum() / of.sum()


@dataclass
class Words:
    """Token ids of every kind's and every colour's words: [K + C, T] with lengths [K + C]."""

    ids: Tensor
    lengths: Tensor
    kinds: int


def optimizers(clip: Clip, recipe: ContrastiveRecipe) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices and convolutions (Jordan et al. 2024); AdamW for embeddings, norms, heads."""
    inner = (".layers.", ".blocks.", ".residual.", ".halve.")
    hidden = [p for n, p in clip.named_parameters() if p.ndim >= 2 and any(part in n for part in inner)]
    chosen = {id(p) for p in hidden}
    rest = [p for p in clip.parameters() if id(p) not in chosen]
    return [
        Muon(hidden, lr=recipe.learning_rate, weight_decay=recipe.weight_decay),
        torch.optim.AdamW(rest, lr=recipe.adam_rate, weight_decay=recipe.weight_decay, betas=(0.9, 0.98)),
    ]


def train(recipe: ContrastiveRecipe) -> dict:
    """Train; write `output/init` and `output/contrastive.jsonl`; returns the summary.

    Raises:
        UserError: no such device or data, or another training runs in `output`.
    """
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    device = recipe.device if recipe.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda but torch sees no GPU here; set device: auto")
    if device == "cuda":
        torch.set_float32_matmul_precision("high")  # tf32, for what autocast leaves in fp32
    with alone(Path(recipe.output), int(os.environ.get("RANK", "0")) == 0):
        return _train(recipe, device)


def _train(recipe: ContrastiveRecipe, device: str) -> dict:
    crew = Crew(device)
    generator = torch.Generator(device).manual_seed(recipe.seed * 1000 + crew.rank)
    root, output = Path(recipe.root), Path(recipe.output)
    tokenizer = train_vocabulary(root / "val", recipe.sizes.vocabulary)
    if recipe.start:
        model = SerModel.from_pretrained(recipe.start, dtype="fp32")
    else:
        model = fresh_model(recipe.sizes, tokenizer)
    model.train_only({"vision"})

    size, patch = recipe.sizes.image, recipe.sizes.patch
    data = load_pairs(root / "train", size, patch, tokenizer).to(device)
    held = load_pairs(root / "val", size, patch, tokenizer, data.kinds).to(device)
    text = TextTower(recipe.sizes, tokenizer.get_vocab_size())
    # Twice as fast through the stem's convolutions on a CPU.
    clip = Clip(model, text, recipe.sizes.width).to(device, memory_format=torch.channels_last)
    ids, lengths = padded(tokenizer, [*data.kinds, *COLOURS])
    words = Words(ids.to(device), lengths.to(device), len(data.kinds))
    tools = optimizers(clip, recipe)
    start, step = time.monotonic(), 0
    curve = (output / "contrastive.jsonl" if crew.first else Path(os.devnull)).open("w")
    bar = tqdm(total=100, unit="%", desc="contrastive", mininterval=5.0, disable=not crew.first)
    done = 0.0
    while done < 1:
        factor = min(1.0, (step + 1) / 60) * min(1.0, (1 - done) / 0.6)
        for tool, rate in zip(tools, (recipe.learning_rate, recipe.adam_rate), strict=True):
            tool.param_groups[0]["lr"] = rate * factor
        index = torch.randint(len(data), (recipe.batch_size,), generator=generator, device=device)
        batch = data.batch(index, generator, moved=True)
        if step % 2:
            batch = mirrored(batch)
        clip.train()
        with torch.autocast(device, torch.bfloat16, enabled=recipe.precision == "bf16"):
            found = losses(clip, batch, words, recipe)
        for tool in tools:
            tool.zero_grad(set_to_none=True)
        found.total.backward()
        spent = (time.monotonic() - start) / 60
        done = crew.average(clip, max(spent / recipe.minutes, (step + 1) / recipe.steps))
        nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        for tool in tools:
            tool.step()
        step += 1
        if step % 20 == 0:
            line = {"step": step, "minutes": round(spent, 2), "pictures": len(data), **found.numbers()}
            if step % 200 == 0 and crew.first:
                line["val"] = _validate(clip, held, words, recipe)
                model.save_pretrained(output / "init", card="Contrastive training is still running.\n")
            curve.write(json.dumps(line) + "\n")
            curve.flush()
        bar.update(round(100 * done) - bar.n)
    bar.close()
    seconds = time.monotonic() - start
    if not crew.first:
        return {}
    summary = {
        "steps": step,
        "pictures": len(data),
        "minutes": round(seconds / 60, 1),
        "pictures_per_second": round(step * recipe.batch_size * crew.size / seconds, 1),
        "device": device,
        "validation": _validate(clip, held, words, recipe),
        "model": str(output / "init"),
    }
    curve.write(json.dumps(summary) + "\n")
    curve.close()
    model.to("cpu").save_pretrained(output / "init", card=f"Start of the stages: {json.dumps(summary)}\n")
    return summary


@torch.no_grad()
def _validate(clip: Clip, held: Pictures, words: Words, recipe: ContrastiveRecipe) -> dict[str, float]:
    clip.eval()
    device = held.pixels.device
    generator = torch.Generator(device).manual_seed(0)
    some = [
        losses(clip, held.batch(index, generator), words, recipe).numbers()
        for index in torch.arange(min(len(held), 256), device=device).split(64)
    ]
    return {k: round(float(np.mean([s[k] for s in some])), 4) for k in some[0]}


def main(argv: list[str] | None = None) -> int:
    """Read the recipe, train, print the summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument(
        "--set",
        nargs="*",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change a value of the recipe",
    )
    args = parser.parse_args(argv)
    try:
        print(json.dumps(train(load_contrastive(args.recipe, args.set))))
    except UserError as error:
        print(f"contrastive: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
