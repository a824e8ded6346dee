"""Real pictures: the same for the same seed, true to their records, and whole after a kill."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ser_ros.cli import main
from ser_ros.data.sim.dataset import RenderOptions, render, scene_pictures
from ser_ros.data.sim.score import read_predictions, score
from ser_ros.errors import UserError


def test_a_scene_is_deterministic(scene):
    options, pictures = scene
    again = list(scene_pictures(options, 0))
    assert [r for r, _ in again] == [r for r, _ in pictures]
    for (_, one), (_, two) in zip(pictures, again, strict=True):
        np.testing.assert_array_equal(one, two)


def test_pictures_show_something_and_boxes_lie_inside(scene):
    for record, picture in scene[1]:
        assert picture.shape == (96, 96, 3)
        assert picture.std() > 10
        for thing in record["objects"]:
            x0, y0, x1, y1 = thing["box"]
            assert 0 <= x0 < x1 <= 1
            assert 0 <= y0 < y1 <= 1
            assert thing["noun"] in {noun for noun, _ in record["allowed"]}


def test_a_killed_render_resumes_without_a_broken_picture(scene, tmp_path):
    options = RenderOptions(split="val", count=6, size=64, workers=1)
    render(tmp_path, options)
    whole = {p.name: p.read_bytes() for p in (tmp_path / "images").iterdir()}
    records = sorted((tmp_path / "records").iterdir())
    records[0].unlink()  # killed before the record: its pictures may be there or not
    (tmp_path / "images" / "000000_0.jpg").write_bytes(b"half")
    summary = render(tmp_path, options)
    assert summary["pictures"] == 6
    assert {p.name: p.read_bytes() for p in (tmp_path / "images").iterdir()} == whole
    for path in (tmp_path / "images").iterdir():
        Image.open(path).load()


def test_coco_and_graphs_fit_and_references_score_well(scene, tmp_path, capsys):
    out = tmp_path / "val"
    assert (
        main(
            [
                "sim",
                "render",
                "--split",
                "val",
                "--count",
                "8",
                "--size",
                "64",
                "--workers",
                "1",
                "--out",
                str(out),
                "--json",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["pictures"] == 8
    coco = json.loads((out / "captions.json").read_text())
    assert len(coco["annotations"]) == 80
    assert {a["style"] for a in coco["annotations"]} == {"default", "detailed"}
    for style in ("default", "detailed"):
        first = {a["image_id"]: a["caption"] for a in reversed(coco["annotations"]) if a["style"] == style}
        path = tmp_path / f"{style}.json"
        path.write_text(json.dumps([{"image_id": i, "caption": c} for i, c in first.items()]))
        found = score(read_predictions(path), out, style)
        assert found["objects"]["f1"] > 0.9
        assert found["attributes"]["f1"] > 0.8
        assert found["relations"]["f1"] > 0.6
        assert found["hallucination_rate"] < 0.06


def test_few_pictures_need_few_rooms(scene, tmp_path):
    assert render(tmp_path, RenderOptions(split="val", count=3, size=64, workers=1))["pictures"] == 3
    assert len(list((tmp_path / "records").iterdir())) <= 3


def test_another_seed_in_the_same_folder_is_refused(scene, tmp_path):
    render(tmp_path, RenderOptions(split="val", count=1, size=64, workers=1))
    with pytest.raises(UserError, match="another render"):
        render(tmp_path, RenderOptions(split="val", count=1, size=64, workers=1, seed=1))


@pytest.mark.parametrize("arguments", [["--count", "0"], ["--workers", "0"]])
def test_bad_numbers_are_named(arguments, tmp_path, capsys):
    assert main(["sim", "render", "--out", str(tmp_path), *arguments]) == 2
    assert "--count and --workers" in capsys.readouterr().err


@pytest.mark.parametrize("action", [["render", "--count", "1", "--out"], ["patrol"]])
@pytest.mark.parametrize("below", ["", "home"])
def test_a_file_in_the_way_of_the_folder_is_named(action, below, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["sim", *action, str(tmp_path / "file" / below)]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "file") in said
    assert "choose" in said
    assert "free some space" not in said


@pytest.mark.parametrize("action", [["render", "--count", "1", "--out"], ["patrol"]])
@pytest.mark.parametrize("arguments", [["--size", "15"], ["--size", "641"], ["--seed", "-1"]])
def test_pictures_that_cannot_be_are_named(action, arguments, tmp_path, capsys):
    assert main(["sim", *action, str(tmp_path / "out"), *arguments]) == 2
    assert "--size must be 16 to 640 and --seed at least 0" in capsys.readouterr().err


@pytest.mark.parametrize(("folder", "content"), [("records", b'{"'), ("images", b""), ("images", None)])
def test_what_a_power_cut_or_a_hand_spoiled_is_rendered_again(scene, tmp_path, folder, content):
    options = RenderOptions(split="val", count=1, size=64, workers=1)
    render(tmp_path, options)
    path = sorted((tmp_path / folder).iterdir())[0]
    before = path.read_bytes()
    path.write_bytes(content) if content is not None else path.unlink()
    render(tmp_path, options)
    assert path.read_bytes() == before


def test_a_full_disk_keeps_what_is_rendered(scene, small_disk):
    folder = small_disk("8k")
    options = RenderOptions(split="val", count=1, size=64, workers=1)
    with pytest.raises(UserError, match=r"No space left.*; free some space.*; what is rendered is kept"):
        render(folder / "home", options)
    small_disk("4m")
    assert render(folder / "home", options)["pictures"] == 1


def test_a_file_of_another_program_is_not_mistaken_for_a_render(tmp_path):
    (tmp_path / "options.json").write_bytes(b"\xff no JSON")
    with pytest.raises(UserError, match="another render"):
        render(tmp_path, RenderOptions(count=1, workers=1))
