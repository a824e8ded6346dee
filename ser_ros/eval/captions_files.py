"""References and predictions from files: every complaint names the file and the image.

References are COCO caption annotations (`captions_val2014.json`, the authors' `*_test_gt.json`, the
simulated home's `captions.json`) or Karpathy's `dataset_coco.json` (its test split). Predictions are
a list of `{"image_id", "caption", "file_name"?}`, COCO's result format and the authors' alike.
Ids are compared as text, so the authors' "391895" finds COCO's 391895.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ser_ros.data.entries import load_json
from ser_ros.errors import UserError

MOST_IDS_NAMED = 5


@dataclass(frozen=True)
class CaptionPair:
    """One image to score."""

    image_id: str
    candidate: str
    references: list[str]
    file_name: str = ""


def read_references(path: Path, style: str = "") -> tuple[dict[str, list[str]], dict[str, str]]:
    """Captions and file names by image id, in the order of the file.

    Args:
        path: COCO caption annotations or Karpathy's dataset_coco.json.
        style: keep only annotations of this style, where the file has styles; "" keeps all.

    Raises:
        UserError: the file is none of the formats, or an image has no caption.
    """
    content = load_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise UserError(f"{path} has no list 'images'; references are COCO or Karpathy caption files")
    names = _names(content, path)
    captions: dict[str, list[str]] = {image_id: [] for image_id in names}
    if "annotations" not in content:
        for number, image in enumerate(content["images"]):
            if image["split"] == "test":
                where = f"{path}, images[{number}]"
                sentences = _field(image, "sentences", list, where)
                texts = [_field(sentence, "raw", str, where) for sentence in sentences]
                captions[_id(image, _karpathy_key(image), where)] = texts
    annotations = content.get("annotations", [])
    if not isinstance(annotations, list):
        raise UserError(f"{path}: 'annotations' must be a list, found {json.dumps(annotations)[:60]}")
    styles: set[str] = set()
    for number, annotation in enumerate(annotations):
        where = f"{path}, annotations[{number}]"
        image_id = _id(annotation, "image_id", where)
        if image_id not in captions:
            raise UserError(f"{where}: image {image_id} is not in 'images'")
        caption = _field(annotation, "caption", str, where)
        styles.add(annotation.get("style") or style)
        if not style or annotation.get("style", style) == style:
            captions[image_id].append(caption)
    if style and styles and style not in styles:
        raise UserError(f"{path} has no caption of style {style!r}; it has {', '.join(sorted(styles))}")
    bare = [image_id for image_id, texts in captions.items() if not any(text.strip() for text in texts)]
    if bare:
        raise UserError(f"{path} has no reference caption for {_named(bare)}")
    if not captions:
        raise UserError(f"{path} has no image to score")
    return captions, names


def read_images(path: Path) -> dict[str, str]:
    """File name by image id: of any reference file, or of the authors' list [{file_name, image_id}].

    Raises:
        UserError: the file is none of these, or an image has no name.
    """
    content = load_json(path)
    if isinstance(content, list):
        content = {
            "images": [{**e, "id": e.get("image_id")} for e in content if isinstance(e, dict)],
            "annotations": [],
        }
    if not isinstance(content, dict) or not isinstance(content.get("images"), list):
        raise UserError(f"{path} has no list 'images' of pictures to caption")
    names = _names(content, path)
    nameless = [image_id for image_id, name in names.items() if not name]
    if nameless or not names:
        raise UserError(
            f"{path} has no file name for {_named(nameless)}" if names else f"{path} lists no image"
        )
    return names


def read_predictions(path: Path) -> dict[str, str]:
    """Caption by image id; raises UserError for duplicates and for anything but text."""
    content = load_json(path)
    if not isinstance(content, list):
        raise UserError(f"{path} is not a list of predictions {{image_id, caption}}")
    found: dict[str, str] = {}
    for number, entry in enumerate(content):
        where = f"{path}, prediction {number}"
        image_id = _id(entry, "image_id", where)
        if image_id in found:
            raise UserError(f"{where}: image {image_id} has two predictions")
        found[image_id] = _field(entry, "caption", str, where)
    return found


def pair_up(references: Path, predictions: Path, style: str = "") -> list[CaptionPair]:
    """Every reference image with its prediction, in the order of the references.

    Raises:
        UserError: an image without prediction or a prediction without image; the ids are named.
    """
    wanted, names = read_references(references, style)
    found = read_predictions(predictions)
    missing = [image_id for image_id in wanted if image_id not in found]
    extra = [image_id for image_id in found if image_id not in wanted]
    if missing:
        instead = f", but one for {_named(extra)}" if extra else ""
        raise UserError(f"{predictions} has no prediction for {_named(missing)} of {references}{instead}")
    if extra:
        raise UserError(f"{predictions} predicts {_named(extra)} that {references} does not have")
    return [CaptionPair(i, found[i], texts, names[i]) for i, texts in wanted.items()]


def three_sentences(caption: str) -> str:
    """The authors' cut of detailed captions: three sentences, joined by periods without a space.

    "A park. The dog. A cat. Rain." gives "A park.The dog.A cat.", whose "park.the" is one PTB token, and
    a decimal counts as a period. Only for comparing with their numbers (`--authors-cut`).
    """
    sentences = [part.strip() for part in caption.split(".")]
    return ".".join([sentence for sentence in sentences if sentence][:3]) + "."


def _names(content: dict[str, Any], path: Path) -> dict[str, str]:
    """File names by id; of Karpathy's file the test split."""
    karpathy = "annotations" not in content
    names: dict[str, str] = {}
    for number, image in enumerate(content["images"]):
        where = f"{path}, images[{number}]"
        if karpathy and _field(image, "split", str, where) != "test":
            continue
        image_id = _id(image, _karpathy_key(image) if karpathy else "id", where)
        if image_id in names:
            raise UserError(f"{where}: image {image_id} is listed twice")
        folder = image.get("filepath", "")
        name = image.get("filename" if karpathy else "file_name") or ""
        names[image_id] = f"{folder}/{name}" if folder else str(name)
    return names


def _karpathy_key(image: dict[str, Any]) -> str:
    """Flickr8k and Flickr30k in Karpathy's format have no COCO ids."""
    return "cocoid" if image.get("cocoid") is not None else "imgid"


def _id(entry: Any, field: str, where: str) -> str:
    value = entry.get(field) if isinstance(entry, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise UserError(f"{where}: '{field}' must be a whole number or text, found {json.dumps(value)[:60]}")
    return str(value)


def _field(entry: Any, field: str, kind: type, where: str) -> Any:
    value = entry.get(field) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        wanted = "text" if kind is str else "a list"
        raise UserError(f"{where}: '{field}' must be {wanted}, found {json.dumps(value)[:60]}")
    return value


def _named(ids: Iterable[str]) -> str:
    ids = list(ids)
    shown = ", ".join(ids[:MOST_IDS_NAMED])
    more = f" and {len(ids) - MOST_IDS_NAMED} more" if len(ids) > MOST_IDS_NAMED else ""
    return f"image{'s' if len(ids) > 1 else ''} {shown}{more}"
