"""Whether the parts of a configuration fit together, so that no picture has to find out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ser_ros.errors import UserError

if TYPE_CHECKING:
    from ser_ros.model.config import SerConfig

FITS = ("pad", "stretch", "crop")


def check(config: SerConfig, name: str) -> None:
    """Look for values that no picture can be captioned with.

    Args:
        config: a whole model.
        name: how the error calls it, the path of `config.json`.

    Raises:
        UserError: the first such value.
        KeyError, TypeError, ValueError, ZeroDivisionError: a size of a part is missing or no number.
    """
    _check_image(config, name)
    _check_towers(config, name)
    _check_words(config, name)


def _check_image(config: SerConfig, name: str) -> None:
    image = config.image
    if image.size < 1:
        raise UserError(f"{name}: image.size is {image.size}; it must be 1 or more pixels")
    if not all(0 <= mean <= 1 for mean in image.mean):
        raise UserError(f"{name}: image.mean is {list(image.mean)}; each colour must be 0 to 1")
    if not all(0 < std < math.inf for std in image.std):
        raise UserError(f"{name}: image.std is {list(image.std)}; each colour must be above 0")
    if image.fit not in FITS:
        raise UserError(f"{name}: image.fit is {image.fit!r}; it must be one of {', '.join(FITS)}")


def _check_towers(config: SerConfig, name: str) -> None:
    for tower in config.towers:
        if tower.patches != config.patches:
            raise UserError(
                f"{name}: towers with {config.patches} and {tower.patches} patches cannot be joined"
            )
        top = int(tower.sizes["num_hidden_layers"])
        wrong = [layer for layer in config.buffer_layers if not 0 <= layer <= top]
        if wrong:
            raise UserError(f"{name}: layers {wrong} do not exist in a tower of {top} layers")
        if tower.merge_after is not None and not 0 <= tower.merge_after <= config.buffer_layers[0]:
            raise UserError(
                f"{name}: towers.merge_after is {tower.merge_after}; it must be 0 to "
                f"{config.buffer_layers[0]}, the lowest layer that a glance reads"
            )
        if tower.merge_after is not None and tower.side % tower.stride:
            raise UserError(f"{name}: towers.merge_after needs an even number of patches in a row")
        _check_heads(tower.sizes, f"{name}: towers")
        if tower.pixels != config.image.size:
            raise UserError(
                f"{name}: image.size is {config.image.size}, but the {tower.kind} tower takes "
                f"{tower.pixels}; they must be equal"
            )


def _check_words(config: SerConfig, name: str) -> None:
    _check_heads(config.language.sizes, f"{name}: language")
    dropout = float(config.language.sizes.get("dropout", 0))
    if not 0 <= dropout <= 1:
        raise UserError(f"{name}: language.sizes.dropout is {dropout:g}; it must be 0 to 1")
    vocabulary = int(config.language.sizes["vocab_size"])
    for key, token in (("bos", config.language.bos), ("eos", config.language.eos)):
        if token is not None and not 0 <= token < vocabulary:
            raise UserError(f"{name}: language.{key} is {token}; it must be 0 to {vocabulary - 1}")
    for style, prompt in config.prompts.items():
        for text in (prompt.glance, prompt.refine):
            if text is not None and text.count("<image>") != 1:
                raise UserError(
                    f"{name}: a prompt of style {style!r} must have <image> exactly once: {text!r}"
                )


def _check_heads(sizes: dict[str, Any], part: str) -> None:
    # transformers refuses all but a negative number of them, and has a default
    if int(sizes.get("num_attention_heads", 1)) < 1:
        raise UserError(f"{part}.sizes.num_attention_heads must be 1 or more")
