"""`ser_ros caption` as a person uses it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from ser_ros.cli import main
from ser_ros.model.description import Description
from ser_ros.model.edits import word_edits
from ser_ros.runtime.caption_command import marked
from tests.model.toys import toy_model
from tests.processes import python_module


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("caption")
    toy_model(1).save_pretrained(folder / "model")
    (folder / "photos").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "c.png"):
        Image.fromarray(rng.integers(0, 256, (30, 40, 3)).astype(np.uint8)).save(folder / "photos" / name)
    return folder


def caption(place, *arguments: str) -> int:
    return main(["caption", *arguments, "--model", str(place / "model"), "--max-tokens", "8"])


def test_one_line_of_an_image(place, capsys):
    assert caption(place, str(place / "photos" / "a.png")) == 0
    out = capsys.readouterr().out
    assert "refined" in out
    assert "(confidence 0." in out


def test_a_folder_as_json(place, capsys):
    assert caption(place, str(place / "photos"), "--json", "--batch", "2", "--refinements", "2") == 0
    result = json.loads(capsys.readouterr().out)
    assert [c["image"].rsplit("/", 1)[1] for c in result["captions"]] == ["a.png", "b.jpg", "c.png"]
    assert {"initial", "refined", "edits", "confidence", "flags"} <= set(result["captions"][0])
    assert result["backend"] == "torch"


def test_a_bad_image_does_not_stop_the_others(place, tmp_path, capsys):
    (tmp_path / "bad.png").write_text("no image")
    good = place / "photos" / "a.png"
    assert caption(place, str(tmp_path / "bad.png"), str(good), "--json") == 2
    result, err = capsys.readouterr()
    assert [c["image"] for c in json.loads(result)["captions"]] == [str(good)]
    assert "bad.png" in json.loads(result)["errors"][0]["image"]
    assert "not an image" in err


def test_what_was_captioned_before_ctrl_c_is_printed(place, tmp_path, start_process):
    (tmp_path / "bad.png").write_text("no image")
    photos = [tmp_path / f"{number}.png" for number in range(2000)]
    for photo in photos:
        photo.hardlink_to(place / "photos" / "a.png")
    arguments = ["--model", place / "model", "--max-tokens", "8", "--json", tmp_path / "bad.png", *photos]
    process = start_process(python_module("ser_ros.cli", "caption", *map(str, arguments)))
    process.wait_for("bad.png")
    assert process.interrupt() == 130
    assert "Traceback" not in process.output
    *_, told, printed = process.output.splitlines()
    result = json.loads(printed)
    done = len(result["captions"]) + len(result["errors"])
    assert told == f"ser_ros caption: stopped after {done} of 2001 images"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.png"], "does not exist"),
        (["{photos}", "--batch", "0"], "--batch is 0"),
        (["{photos}", "--beams", "99"], "beams is 99"),
        (["{photos}", "--attention", "chair", "out.png"], "draws one image, 3 were given"),
        (["{photos}/a.png", "--attention", "zebra", "out.png"], "the caption has no 'zebra'"),
    ],
)
def test_bad_arguments_are_one_sentence(place, arguments, says, capsys):
    assert caption(place, *(a.replace("{photos}", str(place / "photos")) for a in arguments)) == 2
    assert says in capsys.readouterr().err


def test_attention_overlay(place, tmp_path, capsys):
    image = place / "photos" / "a.png"
    caption(place, str(image), "--json")
    word = json.loads(capsys.readouterr().out)["captions"][0]["refined"].split()[-1]
    assert caption(place, str(image), "--attention", word, str(tmp_path / "out.png")) == 0
    assert Image.open(tmp_path / "out.png").width == 40 * 2 + 8
    for name, says in (("no/out.png", "make it or choose another place"), ("out.xyz", "name a .png")):
        capsys.readouterr()
        assert caption(place, str(image), "--attention", word, str(tmp_path / name)) == 2
        error = capsys.readouterr().err
        assert f"cannot write {tmp_path / name}: " in error
        assert says in error


def test_changes_are_marked_without_colours_too():
    initial, refined = "a red chair by the table", "a big blue chair by the old table here"
    description = Description(initial, refined, word_edits(initial, refined))
    assert marked(description).plain == "a [-red-] {+big blue+} chair by the {+old+} table {+here+}"
