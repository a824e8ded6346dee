"""Replace one file, or several that belong together: they are old or new, whenever a process dies.

Of several:

FOLDER/.new.part   the new files while they are written; nobody reads them
FOLDER/.new        the new files, whole, until each has moved up; `finish` goes on where a kill stopped it
FOLDER/.new/.old   names of the old files that have no successor, one a line
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PART, WHOLE, OLD = ".new.part", ".new", ".old"


@contextmanager
def replacing(folder: Path, old: Iterable[str] = ()) -> Iterator[Path]:
    """Write files into the folder that is given, then let them take the places of the old ones in `folder`.

    Args:
        folder: made if it is not there; files of other names stay in it.
        old: names or patterns of files that go, unless a new one has the same name.

    Raises:
        OSError: no room or no right to write; `folder` is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    finish(folder)
    part = folder / PART
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        yield part
        gone = {path.name for pattern in old for path in folder.glob(pattern)} - set(os.listdir(part))
        (part / OLD).write_text("".join(f"{name}\n" for name in sorted(gone)), encoding="utf-8")
        for path in (*part.iterdir(), part):
            _to_disk(path)
        os.rename(part, folder / WHOLE)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    _to_disk(folder)
    finish(folder)


def finish(folder: Path) -> None:
    """Let new files that a killed process left take their places.

    Raises:
        OSError: no right to write.
    """
    whole = folder / WHOLE
    if not whole.is_dir():
        return
    # Another process that reads the folder may finish it at the same time: what it has done is done.
    with suppress(FileNotFoundError):
        gone = (whole / OLD).read_text(encoding="utf-8").splitlines()
        for name in set(gone) & set(os.listdir(folder)):  # nothing outside, whoever wrote it
            (folder / name).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        for name in sorted(set(os.listdir(whole)) - {OLD}):
            with suppress(FileNotFoundError):
                os.replace(whole / name, folder / name)
    (whole / OLD).unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        whole.rmdir()


def replace_text(path: Path, text: str) -> None:
    """Write one file so that a process that dies, or a full disk, leaves it old or new, never cut."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _to_disk(path: Path) -> None:
    """So that the order of writes outlives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
