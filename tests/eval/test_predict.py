"""Prediction files: resumed after a kill, in shards, and never of two recipes."""

from __future__ import annotations

import fcntl
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval.predict import PredictRecipe, load_predict_recipe
from tests.model.toys import toy_model
from tests.train.toy_home import make_toy_home

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict")
    make_toy_home(folder, 7)
    toy_model().save_pretrained(folder / "model")
    return folder


def recipe(toy: Path, out: Path, **changes: object) -> Path:
    content = {
        "model": str(toy / "model"), "references": str(toy / "captions.json"), "images": str(toy / "images"),
        "out": str(out), "beams": 2, "batch": 3, "max_tokens": 8, "device": "cpu", **changes,
    }  # fmt: skip
    path = out.with_suffix(".yaml")
    path.write_text(yaml.safe_dump(content))
    return path


def test_shards_and_resuming_give_the_same_file(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    assert main(["predict", str(recipe(toy, whole)), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 7
    path = recipe(toy, parts)
    assert main(["predict", str(path), "--shard", "2/2"]) == 0
    assert "waits for the other shards" in capsys.readouterr().out
    assert not parts.exists()
    assert main(["predict", str(path), "--shard", "1/2"]) == 0
    assert parts.read_text() == whole.read_text()
    entries = json.loads(whole.read_text())
    assert [entry["image_id"] for entry in entries] == list(range(7))
    lines = tmp_path / "whole.lines" / "1-of-1.jsonl"
    lines.write_text(lines.read_text()[:-30])  # killed while writing the last image
    capsys.readouterr()
    before = whole.read_text()
    assert main(["predict", str(tmp_path / "whole.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done_before"] == 6
    assert whole.read_text() == before
    score = ["score", "--references", str(toy / "captions.json"), "--predictions", str(whole)]
    assert main([*score, "--metrics", "BLEU,CIDEr"]) == 0


@pytest.mark.slow
def test_ray_predicts_the_same(toy: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    assert main(["predict", str(recipe(toy, here))]) == 0
    assert main(["predict", str(recipe(toy, there)), "--ray", "--workers", "2"]) == 0
    assert there.read_text() == here.read_text()


def test_another_recipe_is_refused(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(toy, tmp_path / "p.json", limit=1)
    assert main(["predict", str(path)]) == 0
    assert main(["predict", str(path), "--set", "beams=1"]) == 2
    assert "another recipe (beams 2 instead of 1)" in capsys.readouterr().err


def test_a_recipe_that_captioned_nothing_does_not_bind_the_next(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(toy, tmp_path / "p.json", limit=1)
    assert main(["predict", str(path), "--set", "beams=9"]) == 2
    assert main(["predict", str(path), "--set", "model=/none"]) == 2
    assert main(["predict", str(path)]) == 0
    (tmp_path / "p.lines" / "1-of-1.jsonl").write_text("not\nours\n")
    capsys.readouterr()
    assert main(["predict", str(path)]) == 2
    assert "1-of-1.jsonl is damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beam": 3}, "unknown parameter 'beam'; did you mean 'beams'"),
        ({"beams": "three"}, "beams must be int"),
        ({"images": ""}, "images is missing"),
        ({"batch": 0}, "batch must be at least 1"),
    ],
)
def test_bad_recipes(toy: Path, tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_predict_recipe(recipe(toy, tmp_path / "p.json", **changes))


def test_bad_files_are_one_sentence(toy: Path, tmp_path: Path) -> None:
    path = recipe(toy, tmp_path / "p.json")
    with pytest.raises(UserError, match=r"out is '\.', a folder"):
        load_predict_recipe(path, ["out=."])
    with pytest.raises(UserError, match=r"--set model=\[: \[ is not valid YAML"):
        load_predict_recipe(path, ["model=["])
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not valid YAML"):
        load_predict_recipe(path)


def test_a_second_process_does_not_caption_the_same_shard(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(toy, tmp_path / "p.json")
    lines = tmp_path / "p.lines" / "1-of-1.jsonl"
    lines.parent.mkdir()
    with lines.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["predict", str(path)]) == 2
    assert f"another process captions into {lines}" in capsys.readouterr().err
    assert main(["predict", str(path)]) == 0


def test_pictures_are_seen_as_everywhere(toy: Path, tmp_path: Path) -> None:
    """16 bits, transparency and a camera held sideways: as `ser_ros caption` and the training read them."""
    images = tmp_path / "images"
    images.mkdir()
    plain = Image.open(toy / "images/0.png").convert("L").resize((28, 20))
    plain.convert("RGB").save(images / "plain.png")
    Image.fromarray(np.asarray(plain).astype(np.uint16) * 257).save(images / "deep.png")
    clear = Image.merge("LA", (plain, Image.new("L", plain.size, 255)))
    clear.save(images / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees to the right
    plain.convert("RGB").transpose(Image.Transpose.ROTATE_90).save(images / "turned.png", exif=exif)
    names = ["plain.png", "deep.png", "clear.png", "turned.png"]
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([{"file_name": name, "image_id": name} for name in names]))
    path = recipe(toy, tmp_path / "p.json", references=str(listed), images=str(images))
    assert main(["predict", str(path)]) == 0
    captions = [entry["caption"] for entry in json.loads((tmp_path / "p.json").read_text())]
    assert len(set(captions)) == 1


def test_missing_image(toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(toy, tmp_path / "p.json", images=str(tmp_path))
    assert main(["predict", str(path)]) == 2
    assert "7 of 7 images missing" in capsys.readouterr().err
    assert main(["predict", str(path), "--shard", "0/2"]) == 2


def test_the_yaml_says_the_defaults() -> None:
    assert yaml.safe_load((ROOT / "config" / "predict.yaml").read_text()) == asdict(PredictRecipe())
