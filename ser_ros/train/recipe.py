"""Everything that decides a training run; the only place of its defaults.

The defaults are the paper's (Table 15, Table 17, H.1). `config/train/recipe.yaml` says the same
with units and ranges; a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal["vision", "connector", "deeplens", "language"]
SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup", "inverse_sqrt")
"""Learning rate schedules of transformers that need nothing but a warm-up."""


@dataclass
class Pseudo:
    """Where initial captions to be refined come from (paper F.1, Table 12).

    Attributes:
        path: JSONL file of `ser_ros pseudo`; a glob takes all shards.
        per_caption: most pseudo-initial captions taken per ground-truth caption, 1 to 16.
    """

    path: str = ""
    per_caption: int = 3


@dataclass
class Source:
    """One dataset of a stage.

    Attributes:
        format: name of a reader: coco, dci, grand, karpathy, llava, sharegpt4v.
        path: annotation file or folder, relative to `Recipe.root`.
        images: image folder, relative to `Recipe.root`.
        split: split of the file, where the format has splits.
        style: prompt of the checkpoint these captions answer; "" keeps the annotation's own, in the
            pretrain stage it is "plain" where the checkpoint has that (LLaVA's template).
        pseudo: initial captions for stage 2; more than one file are mixed (Data1 + Data3).
        include_gt: also refine each ground-truth caption itself (Data4 of Table 12).
        limit: most pictures taken, in the order of the file; 0 takes all.
        expect_images: pictures there should be (Table 14); 0 does not check.
        expect_captions: ground-truth captions there should be; 0 does not check.
    """

    format: str = "coco"
    path: str = ""
    images: str = ""
    split: str = "train"
    style: str = ""
    pseudo: list[Pseudo] = field(default_factory=list)
    include_gt: bool = False
    limit: int = 0
    expect_images: int = 0
    expect_captions: int = 0


@dataclass
class Stage:
    """One of the three stages (paper Table 15).

    Attributes:
        data: datasets, mixed by shuffling all of their samples.
        trains: parts that learn; all others stay bit for bit as they were.
        epochs: passes over the data.
        max_steps: optimiser steps after which to stop; 0 goes by `epochs`.
        learning_rate: peak of AdamW.
        warmup: share of the steps during which the rate rises from 0.
        schedule: one of `SCHEDULES`; "cosine" falls to 0.
        weight_decay: AdamW's.
        batch_size: samples in one optimiser step over all processes.
        micro_batch: samples one process holds at once; the rest is gradient accumulation.
        glance_rate: stage 2 only: share of the rows trained as first glances, so that the shared
            language model does not forget them; the paper has none.
        caption_in_prompt: stage 2 only: share of the rows whose initial caption also stands in
            the language model's prompt (the authors' `pre_caption_insert_rate`).
    """

    data: list[Source] = field(default_factory=list)
    trains: list[Part] = field(default_factory=list)
    epochs: float = 1.0
    max_steps: int = 0
    learning_rate: float = 2e-5
    warmup: float = 0.03
    schedule: str = "cosine"
    weight_decay: float = 0.0
    batch_size: int = 256
    micro_batch: int = 32
    glance_rate: float = 0.0
    caption_in_prompt: float = 0.8


@dataclass
class Reconstruct:
    """The image reconstruction probe (paper Analysis 2, Fig. 6, Table 17).

    Attributes:
        data: pictures to reconstruct; their captions are not used.
        layers: tower layers the decoder sees, 1-based; [23] is LF, [13, 18, 23] is MF.
        width: channels of the MAE decoder.
        depth: its transformer blocks.
        heads: its attention heads.
        epochs: passes over the pictures.
        max_steps: optimiser steps after which to stop; 0 goes by `epochs`.
        learning_rate: peak of AdamW.
        beta2: second beta of AdamW; the first is 0.9.
        weight_decay: AdamW's.
        batch_size: pictures in one optimiser step over all processes.
        micro_batch: pictures one process holds at once.
        grid: pictures in the PNG grid.
    """

    data: list[Source] = field(default_factory=list)
    layers: list[int] = field(default_factory=lambda: [13, 18, 23])
    width: int = 512
    depth: int = 8
    heads: int = 16
    epochs: float = 10.0
    max_steps: int = 0
    learning_rate: float = 1e-5
    beta2: float = 0.95
    weight_decay: float = 0.05
    batch_size: int = 64
    micro_batch: int = 64
    grid: int = 8


def pretrain() -> Stage:
    """Connector only, one epoch of LCS-558K."""
    return Stage(trains=["connector"], epochs=1.0, learning_rate=1e-4)


def stage1() -> Stage:
    """Connector and language model learn to caption at the first glance."""
    return Stage(trains=["connector", "language"], epochs=10.0)


def stage2() -> Stage:
    """DeepLens and language model learn to refine."""
    return Stage(trains=["deeplens", "language"], epochs=2.0)


STAGES: dict[str, Any] = {
    "pretrain": pretrain,
    "stage1": stage1,
    "stage2": stage2,
    "reconstruct": Reconstruct,
}


@dataclass
class ModelSource:
    """What the first stage starts from.

    Attributes:
        start: ser_ros checkpoint folder; "" builds the model from the two parts below.
        vision_tower: folder or hub id of a transformers vision model.
        second_tower: another one whose channels stand beside the first's (Table 8, CLIP + DINOv2); both must
            make the same patches of a picture, DINOv2 is brought to the first one's size; "" has none.
        language_model: folder or hub id of a transformers language model and its tokenizer.
        config: fields of SerConfig that differ from its defaults, nested as in config.json; LoRA
            is `language: {lora: {...}}` (Table 5). With `start` only `deeplens` may differ from the folder's;
            it then begins anew.
    """

    start: str = ""
    vision_tower: str = "openai/clip-vit-large-patch14-336"
    second_tower: str = ""
    language_model: str = "facebook/opt-125m"
    config: dict[str, Any] = field(default_factory=dict)


@dataclass
class Recipe:
    """One training run.

    Attributes:
        name: shown in logs.
        output: run folder; each stage has a folder in it, the last model lies in STAGE/model.
        root: folder that `Source` paths are relative to.
        seed: of weights, order and choice of pseudo captions.
        model: what to start from.
        stages: what to do, in the order pretrain, stage1, stage2; only those named run.
        precision: "bf16", "fp16" or "fp32" arithmetic; weights that learn are kept in fp32.
        tf32: TensorFloat-32 matrix products on GPUs that have them.
        device: "auto", "cpu" or "cuda".
        gradient_checkpointing: recompute activations of the language model to save memory.
        max_length: most positions of one row, vision tokens included.
        workers: processes that load pictures, per training process.
        feature_cache: folder for the frozen tower's features; "" runs the tower every time.
        missing_images: "error" stops before training, "skip" leaves their samples out.
        log_every: optimiser steps between two lines of metrics.
        save_every: optimiser steps between two checkpoints to resume from.
        keep_checkpoints: how many of them stay on disk.
        validation: dataset for the validation loss and the captioned samples; null has neither.
        validate_every: optimiser steps between two validation losses; 0 only at the end.
        sample_every: optimiser steps between two rounds of captioned samples; 0 for none.
        samples: pictures captioned in each round.
        fsdp: transformers' `fsdp` options, "" is plain DDP.
    """

    name: str = "ser"
    output: str = "runs/ser"
    root: str = "."
    seed: int = 42
    model: ModelSource = field(default_factory=ModelSource)
    stages: dict[str, Any] = field(default_factory=dict)
    precision: str = "bf16"
    tf32: bool = True
    device: str = "auto"
    gradient_checkpointing: bool = True
    max_length: int = 2048
    workers: int = 4
    feature_cache: str = ""
    missing_images: str = "error"
    log_every: int = 10
    save_every: int = 500
    keep_checkpoints: int = 2
    validation: Source | None = None
    validate_every: int = 0
    sample_every: int = 500
    samples: int = 4
    fsdp: str = ""
