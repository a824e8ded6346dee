"""A tower trained from scratch may see through convolutions instead of a linear patch projection."""

import pytest
import torch

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig, TowerConfig
from ser_ros.model.conv_stem import ConvStem, patch_side
from ser_ros.model.ser_model import SerModel
from tests.model.toys import toy_model

SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 16,
}


def model_with_stem() -> SerModel:
    return toy_model(image=ImageConfig(size=32), towers=(TowerConfig(sizes=SIZES, stem=(8, 16)),), spread=0.1)


def test_every_halving_doubles_the_patch():
    assert patch_side((8,)) == 8
    assert patch_side((8, 16)) == 16
    assert ConvStem((8, 16), 32)(torch.zeros(2, 3, 64, 64)).shape == (2, 32, 4, 4)


def test_a_token_stands_for_its_place_in_the_picture():
    stem, picture = ConvStem((8,), 16).eval(), torch.zeros(1, 3, 64, 64)
    stem.residual[0].norm = torch.nn.Identity()  # its mean over the whole map reaches every token
    touched = picture.clone()
    touched[..., :8, :8] = 1.0
    changed = (stem(touched) - stem(picture)).abs().sum(1)[0] > 1e-6  # [8, 8]
    assert changed[0, 0]
    assert not changed[3:, 3:].any()


def test_a_model_with_a_stem_describes_saves_and_loads(tmp_path):
    model = model_with_stem()
    pixels = torch.randn(2, 3, 32, 32)
    buffer = model.see(pixels)
    assert buffer.layers[2].shape == (2, 4, 32)
    model.save_pretrained(tmp_path / "model")
    again = SerModel.from_pretrained(tmp_path / "model").eval()
    assert again.config.towers[0].stem == (8, 16)
    assert torch.equal(again.see(pixels).layers[2], buffer.layers[2])


def test_a_patch_side_that_the_stem_does_not_make_is_refused():
    with pytest.raises(UserError, match=r"patches of 16 pixels, but towers\.sizes\.patch_size is 14"):
        toy_model(towers=(TowerConfig(sizes={**SIZES, "image_size": 28, "patch_size": 14}, stem=(8, 16)),))


def test_only_clip_takes_a_stem():
    sizes = {**SIZES, "num_hidden_layers": 2}
    with pytest.raises(UserError, match="only a clip tower takes a stem"):
        toy_model(image=ImageConfig(size=32), towers=(TowerConfig(kind="siglip", sizes=sizes, stem=(8, 16)),))
