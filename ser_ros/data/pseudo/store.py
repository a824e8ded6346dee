"""The JSONL file of pseudo-initial captions: one line per ground-truth caption, none ever lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from ser_ros.data.sample import Sample
from ser_ros.errors import UserError, cannot_write


@dataclass
class PseudoRecord:
    """One line.

    Attributes:
        key: `Sample.key` of the ground truth.
        image: its picture, relative to the image folder.
        caption: the ground truth.
        pseudo: pseudo-initial captions; empty where `status` is "failed".
        generator: who wrote them: "rules", "other", "model:FOLDER", "llm:NAME".
        status: "ok", or "failed" after all tries; a failed line is tried again by the next run.
        changes: per pseudo caption its changes [category, old, new]; empty where not known.
        tries: answers asked for (LLM).
    """

    key: str
    image: str
    caption: str
    pseudo: list[str] = field(default_factory=list)
    generator: str = ""
    status: Literal["ok", "failed"] = "ok"
    changes: list[list[list[str]]] = field(default_factory=list)
    tries: int = 1

    @classmethod
    def of(cls, sample: Sample, generator: str) -> PseudoRecord:
        """An empty record for this ground truth."""
        return cls(sample.key, sample.image, sample.caption, generator=generator)


class PseudoFile:
    """Appends records durably; what an earlier run wrote is kept and not made again."""

    def __init__(self, path: Path, samples: Sequence[Sample]) -> None:
        """`samples` are this file's ground truths, in order.

        Raises:
            UserError: the file is no JSONL of `ser_ros pseudo`, or belongs to other captions.
        """
        self.path = path
        self.samples = samples
        self.records: dict[str, PseudoRecord] = {}
        self._file: IO[str] | None = None
        captions = {sample.key: sample.caption for sample in samples}
        for number, record in _read(path):
            if captions.get(record.key) != record.caption:
                raise UserError(
                    f"{path}, line {number}: '{record.key}' with this caption is not in the dataset; "
                    "give another --out, or the dataset the file was begun with"
                )
            self.records[record.key] = record

    def todo(self) -> list[Sample]:
        """Ground truths without a good line, in order."""
        done = {key for key, record in self.records.items() if record.status == "ok"}
        return [sample for sample in self.samples if sample.key not in done]

    def add(self, record: PseudoRecord) -> None:
        """Append one record; it is on disk when this returns.

        Raises:
            UserError: the file cannot be written.
        """
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                _drop_cut_line(self.path)
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(_line(record))
            self._file.flush()
        except OSError as error:
            raise cannot_write(self.path, error, "the same command goes on where it stopped") from None
        self.records[record.key] = record

    def finish(self) -> dict[str, Any]:
        """Sort the file into dataset order with one line per ground truth; returns the counts.

        Raises:
            UserError: the file cannot be written.
        """
        if self._file is not None:
            self._file.close()
            self._file = None
        ordered = [self.records[s.key] for s in self.samples if s.key in self.records]
        part = self.path.with_name(self.path.name + ".part")
        try:
            with part.open("w", encoding="utf-8") as file:
                file.writelines(_line(record) for record in ordered)
            os.replace(part, self.path)
        except OSError as error:
            raise cannot_write(self.path, error, "every line is kept, run the same command again") from None
        return counts(self.samples, ordered)


def counts(samples: Sequence[Sample], records: Iterable[PseudoRecord]) -> dict[str, Any]:
    """How many ground truths, pseudo captions, failures, retries, and captions left unchanged."""
    records = list(records)
    written = [(record, text) for record in records for text in record.pseudo]
    return {
        "captions": len(samples),
        "done": sum(record.status == "ok" for record in records),
        "failed": sum(record.status == "failed" for record in records),
        "pseudo": len(written),
        "unchanged": sum(text == record.caption for record, text in written),
        "retries": sum(record.tries - 1 for record in records),
    }


def _line(record: PseudoRecord) -> str:
    return json.dumps(asdict(record), ensure_ascii=False) + "\n"


def _read(path: Path) -> Iterable[tuple[int, PseudoRecord]]:
    if path.is_dir():
        raise UserError(f"{path} is a folder; --out is the file to write")
    if not path.exists():
        return
    # A kill may cut a line in the middle of a letter.
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = PseudoRecord(**json.loads(line))
                if not all(isinstance(text, str) for text in record.pseudo):
                    raise TypeError("a pseudo-initial caption is text")
                yield number, record
            except (ValueError, TypeError):
                if not line.endswith("\n"):
                    return  # cut short by a kill; its ground truth is done again
                raise UserError(f"{path}, line {number} is no line of `ser_ros pseudo`") from None


def _drop_cut_line(path: Path) -> None:
    """A line that a kill cut short must not run into the next one."""
    if path.exists():
        with path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
