"""Models of true size with random weights, to measure time where no trained ones are at hand."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import TYPE_CHECKING

from ser_ros.errors import UserError
from ser_ros.model.config import SerConfig, TowerConfig

if TYPE_CHECKING:
    from ser_ros.model.tokenizer import CaptionTokenizer

SIZES = {"paper": SerConfig(), "paper-288": SerConfig(towers=(TowerConfig(merge_after=6),))}
"""Name -> sizes; "paper" is CLIP ViT-L/14 at 336 px, a DeepLens of about 50 M parameters and OPT-125M.

"paper-288" merges its 576 tokens in pairs after the tower's sixth layer.
"""


def write_model(folder: Path, size: str, backend: str, int8: bool) -> Path:
    """Write a random model, and its graphs for ONNX Runtime; return the folder to load.

    In a process of its own, so that building it does not count in this one's peak memory.

    Raises:
        UserError: the process that builds the model failed.
    """
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write, args=(folder, SIZES[size].to_json(), backend == "onnx", int8))
    process.start()
    process.join()
    made = folder / ("graphs" if backend == "onnx" else "model")
    if process.exitcode or not made.is_dir():
        raise UserError(
            f"the model of size {size} could not be built in {folder}; is the disk or memory full?"
        )
    return made


def random_tokenizer(config: SerConfig) -> CaptionTokenizer:
    """As many words as the language model has, so that choosing one takes its true time."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    from ser_ros.model.tokenizer import CaptionTokenizer

    words = ["<s>", "<pad>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words += [f"<{number}>" for number in range(len(words), int(config.language.sizes["vocab_size"]))]
    tokenizer = Tokenizer(models.BPE(vocab={word: i for i, word in enumerate(words)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return CaptionTokenizer(tokenizer, config)


def _write(folder: Path, config_json: str, graphs: bool, int8: bool) -> None:
    import torch

    from ser_ros.model.ser_model import SerModel

    config = SerConfig.from_json(config_json)
    torch.manual_seed(0)
    SerModel(config, random_tokenizer(config)).save_pretrained(folder / "model")
    if graphs:
        from ser_ros.runtime.onnx_export import export

        export(folder / "model", folder / "graphs", int8=int8)
