"""Reference and prediction files, good and bad."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval.captions_files import (
    CaptionPair,
    pair_up,
    read_images,
    read_predictions,
    read_references,
    three_sentences,
)


def test_ids_of_other_types_find_each_other(files: SimpleNamespace) -> None:
    pairs = pair_up(files.references, files.predictions)
    assert [pair.image_id for pair in pairs] == ["1", "2", "3"]
    assert pairs[1].references == ["Two dogs run on the grass.", "A pair of dogs playing in a field."]
    assert pairs[2].file_name == "3.png"


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ([{"image_id": 1, "caption": "a"}], "no prediction for images 2, 3"),
        ([{"image_id": "01", "caption": "a"}], "images 1, 2, 3 of .*, but one for image 01"),
        ([{"image_id": i, "caption": "a"} for i in (1, 2, 3, 4)], "predicts image 4 that"),
        ([{"image_id": 1, "caption": "a"}, {"image_id": "1", "caption": "b"}], "image 1 has two predictions"),
        ([{"image_id": 1, "caption": None}], "prediction 0: 'caption' must be text, found null"),
        ([{"image_id": 1.5, "caption": "a"}], "'image_id' must be a whole number or text, found 1.5"),
        ([{"caption": "a"}], "'image_id' must be"),
        ([7], "'image_id' must be"),
        ({"image_id": 1}, "is not a list of predictions"),
    ],
)
def test_bad_predictions(files: SimpleNamespace, predictions: object, message: str) -> None:
    files.predictions.write_text(json.dumps(predictions))
    with pytest.raises(UserError, match=message):
        pair_up(files.references, files.predictions)


def test_the_verb_exits_with_2(files: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    files.predictions.write_text("[{")
    command = ["score", "--references", str(files.references), "--predictions", str(files.predictions)]
    assert main(command) == 2
    assert "is not valid JSON" in capsys.readouterr().err


def test_a_style_that_the_references_lack_is_named(files: SimpleNamespace) -> None:
    content = json.loads(files.references.read_text())
    for annotation in content["annotations"]:
        annotation["style"] = "default"
    files.references.write_text(json.dumps(content))
    with pytest.raises(UserError, match="has no caption of style 'detailed'; it has default"):
        pair_up(files.references, files.predictions, "detailed")


def test_karpathys_flickr_files_have_ids_of_their_own(tmp_path: Path) -> None:
    images = [{"imgid": 7, "filename": "1.jpg", "split": "test", "sentences": [{"raw": "A man."}]}]
    references, said = tmp_path / "dataset_flickr30k.json", tmp_path / "said.json"
    references.write_text(json.dumps({"images": images, "dataset": "flickr30k"}))
    said.write_text(json.dumps([{"image_id": 7, "caption": "A man."}]))
    assert pair_up(references, said) == [CaptionPair("7", "A man.", ["A man."], "1.jpg")]


@pytest.mark.parametrize(
    ("references", "message"),
    [
        ([], "no list 'images'"),
        ({"images": [], "annotations": []}, "no image to score"),
        ({"images": [{"id": 1}], "annotations": None}, "'annotations' must be a list, found null"),
        ({"images": [{"id": 1}], "annotations": []}, "no reference caption for image 1"),
        (
            {"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "  "}]},
            "no reference caption for image 1",
        ),
        (
            {"images": [{"id": 1}], "annotations": [{"image_id": 2, "caption": "a"}]},
            "image 2 is not in 'images'",
        ),
        ({"images": [{"id": 1}, {"id": 1}], "annotations": []}, "image 1 is listed twice"),
        (
            {"images": [{"cocoid": 1, "split": "test", "sentences": 5}]},
            r"images\[0\]: 'sentences' must be a list, found 5",
        ),
    ],
)
def test_bad_references(tmp_path: Path, references: object, message: str) -> None:
    path = tmp_path / "references.json"
    path.write_text(json.dumps(references))
    with pytest.raises(UserError, match=message):
        read_references(path)


def test_the_authors_files(shared_data: Path) -> None:
    inferred = shared_data / "formats" / "authors_inferred"
    found = read_predictions(inferred / "pred_captions_240101000000.json")
    captions, _ = read_references(inferred / "coco_karpathy_test_gt.json")
    assert found
    assert set(found) <= set(captions)
    names = read_images(inferred / "coco_karpathy_test_datalist.json")
    assert names
    assert all("/" in name for name in names.values())
    assert read_images(inferred / "sharegpt_dci_test_datalist.json")


def test_the_authors_cut() -> None:
    assert three_sentences("A park. The dog runs. A cat. Rain.") == "A park.The dog runs.A cat."
    assert three_sentences("It is 3.5 m. Long. Wide.") == "It is 3.5 m.Long."
    assert three_sentences(" A park... A dog") == "A park.A dog."
    assert three_sentences("") == "."
