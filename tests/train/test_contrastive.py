"""The small CLIP of the shipped checkpoint: its recipe, its data, its optimiser, a short run."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from ser_ros.model.ser_model import SerModel
from ser_ros.train.contrastive import main
from ser_ros.train.contrastive_data import COLOURS, load_pairs, mirrored
from ser_ros.train.contrastive_recipe import ContrastiveRecipe, load_contrastive
from ser_ros.train.contrastive_start import train_vocabulary
from ser_ros.train.muon import Muon, orthogonalise

CONFIG = Path(__file__).resolve().parents[2] / "config/train"
THINGS = [("chair", "red"), ("table", "blue"), ("ball", "green")]


@pytest.fixture
def home(tmp_path) -> Path:
    """Pictures of one coloured square each, in the files that `ser_ros sim render` writes."""
    for split, count in (("train", 24), ("val", 8)):
        folder = tmp_path / "data" / split
        (folder / "images").mkdir(parents=True)
        (folder / "records").mkdir()
        records = []
        for i in range(count):
            noun, colour = THINGS[i % 3]
            pixels = np.full((64, 64, 3), 200, np.uint8)
            pixels[:32, :32] = {"red": (220, 20, 20), "blue": (20, 20, 220), "green": (20, 180, 20)}[colour]
            Image.fromarray(pixels).save(folder / "images" / f"{i}.jpg")
            grid = np.full((16, 16), -1)
            grid[:8, :8] = 0
            texts = [f"A {colour} {noun} in a room."] * 5
            records.append(
                {"file_name": f"{i}.jpg", "things": [[noun, colour, [colour]]], "grid": grid.ravel().tolist(),
                 "captions": {"default": texts, "detailed": texts}}
            )  # fmt: skip
        (folder / "records" / "0.json").write_text(json.dumps(records))
        annotations = [{"caption": r["captions"]["default"][0]} for r in records]
        (folder / "captions.json").write_text(json.dumps({"annotations": annotations}))
    return tmp_path


def test_yaml_documents_exactly_the_dataclass():
    raw = yaml.safe_load((CONFIG / "sim_clip.yaml").read_text())
    expected = dataclasses.asdict(ContrastiveRecipe())
    for name in ("second_layers", "stem"):
        expected["sizes"][name] = list(expected["sizes"][name])
    assert raw == expected


@pytest.mark.parametrize("name", ["sim_clip.yaml", "sim_clip_gpu.yaml"])
def test_recipes_load(name):
    recipe = load_contrastive(CONFIG / name)
    assert recipe.sizes.image % recipe.sizes.patch == 0
    assert max(recipe.sizes.second_layers) == recipe.sizes.tower_depth


def test_patches_carry_the_share_of_what_they_show(home):
    data = load_pairs(home / "data/train", 64, 16, train_vocabulary(home / "data/val", 400))
    kinds = data.kinds
    batch = data.batch(torch.tensor([0]), torch.Generator().manual_seed(0))
    shares = batch.kind[0].reshape(4, 4, -1)
    assert batch.kind[0].sum(-1).numpy() == pytest.approx(1.0)
    assert (shares[:2, :2, kinds.index("chair")] == 1).all()
    assert (shares[2:, :, 0] == 1).all()
    assert batch.colour[0].reshape(4, 4, -1)[0, 0, COLOURS.index("red")] == 1
    assert batch.colour[0].reshape(4, 4, -1)[2:].sum() == 0
    turned = mirrored(batch)
    assert (turned.kind[0].reshape(4, 4, -1)[:2, 2:, kinds.index("chair")] == 1).all()
    torch.testing.assert_close(mirrored(turned).pixels, batch.pixels)


def test_a_moved_picture_takes_its_map_along(home):
    data = load_pairs(home / "data/train", 64, 16, train_vocabulary(home / "data/val", 400))
    batch = data.batch(torch.arange(12), torch.Generator().manual_seed(0), moved=True)
    red = batch.pixels[::3, 0] - batch.pixels[::3, 1] > 1.5  # the chairs, [B, S, S]
    share = red.float().unfold(1, 16, 16).unfold(2, 16, 16).mean((3, 4)).flatten(1)
    named = batch.kind[::3, :, data.kinds.index("chair")]
    assert 0.02 < named.mean() < 0.9
    assert (share - named).abs().mean() < 0.08  # a cell of the map is a quarter of a patch


def test_a_batch_holds_whole_captions(home):
    tokenizer = train_vocabulary(home / "data/val", 400)
    data = load_pairs(home / "data/train", 64, 16, tokenizer)
    batch = data.batch(torch.tensor([0, 1]), torch.Generator().manual_seed(0))
    texts = [tokenizer.decode(ids[:n].tolist()) for ids, n in zip(batch.ids, batch.lengths, strict=True)]
    assert texts == [" A red chair in a room.", " A blue table in a room."]


def test_another_split_takes_the_same_numbers(home):
    tokenizer = train_vocabulary(home / "data/val", 400)
    data = load_pairs(home / "data/val", 32, 16, tokenizer, ["wall", "ball", "chair"])
    assert data.kinds == ["wall", "ball", "chair"]
    assert [int(data.kind[i, 0, 0]) for i in range(3)] == [2, 0, 1]  # no table among them


def test_orthogonalise_makes_singular_values_one():
    for shape in ((8, 32), (32, 8)):
        values = torch.linalg.svdvals(
            orthogonalise(torch.randn(shape, generator=torch.Generator().manual_seed(0)))
        )
        assert ((values > 0.6) & (values < 1.3)).all()


def test_muon_descends():
    weight = torch.nn.Parameter(torch.ones(4, 6))
    tool = Muon([weight], lr=0.2)
    for _ in range(60):
        tool.zero_grad()
        (weight**2).sum().backward()
        tool.step()
    assert weight.abs().max() < 0.5


def test_a_short_run_learns_the_colours_and_writes_a_model_the_stages_can_start_from(home, capsys):
    sizes = {"image": 64, "patch": 16, "width": 32, "tower_depth": 2, "second_layers": [1, 2], "heads": 2,
             "connector": 32, "deeplens_width": 32, "deeplens_depth": 1, "language_depth": 1,
             "vocabulary": 400}  # fmt: skip
    raw = {
        "root": str(home / "data"),
        "output": str(home / "run"),
        "minutes": 2,
        "steps": 120,
        "batch_size": 12,
        "sizes": sizes,
    }
    (home / "r.yaml").write_text(yaml.safe_dump(raw))
    assert main([str(home / "r.yaml"), "--set", "seed=1"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["validation"]["colour_right"] > 0.9
    model = SerModel.from_pretrained(home / "run/init")
    assert model.tokenizer is not None
    assert model.see(model.preprocess([np.zeros((64, 64, 3), np.uint8)])).layers[2].shape == (1, 16, 32)

    # A shipped checkpoint is fp16, which no CPU can train in.
    SerModel.from_pretrained(home / "run/init", dtype="fp16").save_pretrained(home / "shipped")
    changes = [f"start={home / 'shipped'}", f"output={home / 'more'}", "steps=2"]
    assert main([str(home / "r.yaml"), "--set", *changes]) == 0
    assert SerModel.from_pretrained(home / "more/init").dtype == torch.float32


def test_no_pictures_is_a_sentence(tmp_path, capsys):
    (tmp_path / "r.yaml").write_text(f"{{root: {tmp_path}, output: {tmp_path / 'run'}}}")
    assert main([str(tmp_path / "r.yaml")]) == 2
    assert "ser_ros sim render" in capsys.readouterr().err


def test_sizes_that_do_not_fit_are_a_sentence(home, capsys):
    (home / "r.yaml").write_text(f"{{root: {home / 'data'}, output: {home / 'run'}, sizes: {{heads: 5}}}}")
    assert main([str(home / "r.yaml")]) == 2
    assert "sizes.width is 192, no multiple of sizes.heads: 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("minutes=0", "minutes must be above 0, not 0"),
        ("steps=0", "steps must be from 1 to inf, not 0"),
        ("batch_size=1", "batch_size must be from 2 to inf, not 1"),
        ("temperature=0", "temperature must be from 0.01 to 1.0, not 0"),
        ("seed=-1", "seed must be from 0 to 4294967295, not -1"),
        ("device=tpu", "device must be one of auto, cpu, cuda, not 'tpu'"),
        ("precision=fp8", "precision must be one of fp32, bf16, not 'fp8'"),
        ("root=[", "--set root=[: [ is not valid YAML"),
        ("minutes", "--set minutes: write KEY=VALUE"),
        (f"output={CONFIG}/sim.yaml", f"cannot write {CONFIG}/sim.yaml: File exists"),
    ],
)
def test_a_recipe_that_cannot_be_is_a_sentence(change, message, capsys):
    assert main([str(CONFIG / "sim_clip.yaml"), "--set", change]) == 2
    said = capsys.readouterr().err
    assert said.startswith("contrastive: ")
    assert message in said


@pytest.mark.parametrize("content", [None, b"\xff", b"a: [", b"[]"])
def test_a_file_that_is_no_recipe_is_a_sentence(content, tmp_path, capsys):
    path = tmp_path / "r.yaml"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"contrastive: recipe {path} ")
