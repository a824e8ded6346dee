"""The reconstruction probe: exact patches, a falling error, a frozen tower, and the picture grid."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ser_ros.cli import main
from ser_ros.train.mae_decoder import MaeDecoder, patchify, sincos_positions, unpatchify
from tests.train.conftest import Toy

PROBE = """
name: toy
output: {folder}/{name}
root: {folder}
model: {{start: {folder}/init}}
precision: fp32
device: cpu
workers: 0
log_every: 5
save_every: 20
stages:
  reconstruct: {{layers: {layers}, width: 32, depth: 1, heads: 2, epochs: 8, learning_rate: 3.0e-3,
    batch_size: 16, micro_batch: 16, grid: 4, data: [{{path: train/captions.json, images: train/images}}]}}
"""


def test_patches_are_the_picture() -> None:
    pixels = torch.arange(2 * 3 * 8 * 8, dtype=torch.float32).reshape(2, 3, 8, 8)
    patches = patchify(pixels, 2)
    assert patches.shape == (2, 4, 48)
    # The second patch is the upper right one; its first value its upper left red.
    assert patches[0, 1, 0] == pixels[0, 0, 0, 4]
    assert patches[0, 1, 1] == pixels[0, 1, 0, 4]
    torch.testing.assert_close(unpatchify(patches, 2), pixels)


def test_positions_differ_in_both_directions() -> None:
    positions = sincos_positions(3, 16)
    assert positions.shape == (9, 16)
    assert len({tuple(row.tolist()) for row in positions}) == 9
    with pytest.raises(ValueError, match="multiple of 4"):
        sincos_positions(3, 18)


def test_the_decoder_is_maes() -> None:
    """Table 17's probe at full size: 8 blocks of width 512 with 16 heads (models_mae.py)."""
    with torch.device("meta"):
        decoder = MaeDecoder(3 * 1024, 576, 14, 512, 8, 16)
    blocks = 8 * (4 * 512 * 512 + 4 * 512 + 2 * 512 * 2048 + 2048 + 512 + 4 * 512)
    ends = 3072 * 512 + 512 + 512 * 588 + 588 + 2 * 512
    assert sum(p.numel() for p in decoder.parameters()) == blocks + ends
    assert decoder(torch.zeros(2, 576, 3072, device="meta")).shape == (2, 576, 588)


def test_the_probe(toy: Toy, capsys: pytest.CaptureFixture[str]) -> None:
    before = (toy.folder / "init/model.safetensors").read_bytes()
    found = {}
    for name, layers in (("last", [2]), ("multi", [1, 2])):
        recipe = toy.folder / f"{name}.yaml"
        recipe.write_text(PROBE.format(folder=toy.folder, name=name, layers=layers))
        assert main(["train", str(recipe), "--json"]) == 0
        (found[name],) = json.loads(capsys.readouterr().out)["stages"]
    metrics = [json.loads(line) for line in (toy.folder / "last/reconstruct/metrics.jsonl").open()]
    losses = [line["loss"] for line in metrics if "loss" in line]
    assert losses[-1] < 0.7 * losses[0]
    assert found["multi"]["layers"] == [1, 2]
    assert 0 < found["multi"]["mse"] < 0.2
    assert found["multi"]["psnr"] == pytest.approx(-10 * np.log10(found["multi"]["mse"]), abs=0.01)
    with Image.open(toy.folder / "multi/reconstruct/grid.png") as grid:
        assert grid.size == (4 * 28, 3 * (28 + 18))  # original, last and multi above each other
    assert (toy.folder / "init/model.safetensors").read_bytes() == before
    # A second call draws again without training.
    assert main(["train", str(toy.folder / "last.yaml"), "--json"]) == 0
    (again,) = json.loads(capsys.readouterr().out)["stages"]
    assert again["status"] == "kept"
    assert again["mse"] == pytest.approx(found["last"]["mse"])
    # One that was killed before it had written its summary is ended from its last checkpoint.
    probe = toy.folder / "last/reconstruct"
    (probe / "summary.json").unlink()
    (probe / "decoder.safetensors").write_bytes(b"cut short")
    assert main(["train", str(toy.folder / "last.yaml"), "--json"]) == 0
    (again,) = json.loads(capsys.readouterr().out)["stages"]
    assert again["status"] == "done"
    assert again["mse"] == pytest.approx(found["last"]["mse"], rel=1e-3)
    # Other layers are another probe.
    assert main(["train", str(toy.folder / "last.yaml"), "--set", "stages.reconstruct.layers=[1, 2]"]) == 2
    assert "another recipe (stages.reconstruct.layers)" in capsys.readouterr().err


def test_layers_the_model_does_not_keep(toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = toy.folder / "deep.yaml"
    recipe.write_text(PROBE.format(folder=toy.folder, name="deep", layers=[9]))
    assert main(["train", str(recipe)]) == 2
    assert "keeps tower layers up to 2, not layer 9" in capsys.readouterr().err
