"""LLaVA conversation files: LLaVA-Pretrain LCS-558K, ShareGPT4V, and the paper authors' own files.

[{"id", "image", "conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}],
  "pre_caption"?: the initial caption of a stage 2 row}]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.data.entries import Entry, entries, load_json
from ser_ros.data.sample import CaptionCounter, Sample

IMAGE_TOKEN = "<image>"


def read(path: Path, split: str = "train") -> Iterator[Sample]:
    """One sample per human/gpt turn of every entry that has a picture.

    Args:
        path: the JSON list.
        split: unused; these files hold one split each.

    Raises:
        UserError: names the file, the entry and the field that is wrong.
    """
    counter = CaptionCounter()
    numbers: dict[tuple[str, str, str], int] = {}
    for entry in entries(path, load_json(path), "LLaVA conversation"):
        if entry.value.get("image") is None:
            continue  # text-only instruction rows of LLaVA mixes
        image = entry.text("image")
        image_id = entry.id("id", default=image)
        pre_caption = entry.text("pre_caption") if entry.value.get("pre_caption") is not None else None
        for question, caption in _turns(entry):
            # Stage 2 repeats a ground-truth caption once per pseudo-initial caption.
            truth = (image_id, image, caption)
            number = numbers.get(truth) if pre_caption is not None else None
            if number is None:
                number = numbers[truth] = counter.next(image_id)
            yield Sample(
                image=image,
                caption=caption,
                image_id=image_id,
                number=number,
                question=question,
                pre_caption=pre_caption,
            )


def _turns(entry: Entry) -> Iterator[tuple[str | None, str]]:
    """(question or None, caption) of each pair of turns."""
    turns = entry.get("conversations", list)
    if len(turns) < 2 or len(turns) % 2:
        raise entry.wrong("conversations", "pairs of a human and a gpt turn", [f"{len(turns)} turns"])
    for index in range(0, len(turns), 2):
        human = entry.child("conversations", index, turns[index])
        gpt = entry.child("conversations", index + 1, turns[index + 1])
        for turn, who in ((human, "human"), (gpt, "gpt")):
            if turn.text("from") != who:
                raise turn.wrong("from", f'"{who}"', turn.value["from"])
        # The placeholder stands before or after the question, with or without a line break.
        question = human.get("value", str).replace(IMAGE_TOKEN, "").strip()
        yield question or None, gpt.text("value")
