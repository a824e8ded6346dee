"""What is said where a file cannot be written: the path, the reason, and what to do for it."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.errors import cannot_write


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "its disk is read-only"),
        (errno.EACCES, "get the right to write there"),
        (errno.EEXIST, "a file stands where a folder should be"),
        (errno.ENOTDIR, "a file stands where a folder should be"),
        (errno.ENOENT, "the folder it should lie in does not exist"),
        (errno.EISDIR, "name a file"),
        (errno.EIO, "choose another place"),
    ],
)
def test_the_advice_fits_the_reason(number: int, advice: str) -> None:
    said = str(cannot_write("/data/x.json", OSError(number, "reason")))
    assert said.startswith("cannot write /data/x.json: ")
    assert advice in said
    assert ("free some space" in said) == (number == errno.ENOSPC)


def test_what_is_kept_is_said_after_the_advice() -> None:
    said = str(cannot_write("x", OSError(errno.ENOSPC, "full"), "the same command goes on"))
    assert (
        said
        == "cannot write x: No space left on device; free some space on its disk; the same command goes on"
    )


def test_a_librarys_own_words_are_passed_on() -> None:
    assert str(cannot_write("x.png", OSError("encoder error"))) == "cannot write x.png: encoder error"


def test_a_disk_that_fills_up_in_the_middle_of_any_verb_is_one_sentence(small_disk, capsys) -> None:
    """`score` opens the file for each picture's scores before it judges, and writes it at the end."""
    folder: Path = small_disk("4k")
    references, predictions = folder.parent / "references.json", folder.parent / "predictions.json"
    images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(40)]
    captions = [{"id": i, "image_id": i, "caption": "a red chair"} for i in range(40)]
    references.write_text(json.dumps({"images": images, "annotations": captions}))
    predictions.write_text(json.dumps([{"image_id": i, "caption": "a red chair"} for i in range(40)]))
    command = ["score", "--references", str(references), "--predictions", str(predictions)]
    assert main([*command, "--metrics", "BLEU", "--per-image", str(folder / "images.jsonl")]) == 2
    assert "No space left on device; free some space" in capsys.readouterr().err
