"""The memory of memory_node as its parameters name it: to be written, or where it cannot be, to be asked."""

from __future__ import annotations

from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory
from ser_ros.graph.memory.connection import IN_MEMORY, NotWritable
from ser_ros.graph.memory.embeddings import MiniLM
from ser_ros.node.memory_parameters import MemoryNodeParameters, config_of


def open_memory(parameters: MemoryNodeParameters) -> tuple[Memory, str]:
    """The open memory, and "" or why nothing new can be remembered in it.

    A robot that answers from what it knows helps more than one that does not start. Where there is nothing
    to answer from, it does not.

    Raises:
        UserError: it cannot be read either, or there is none and none can be made.
    """
    path, config = expanded(parameters.store) or IN_MEMORY, config_of(parameters)
    embedder = MiniLM(parameters.embeddings) if parameters.embeddings else None
    try:
        return Memory.open(path, config, embedder=embedder), ""
    except NotWritable as error:
        unwritable = (
            f"{error}; questions are answered from what it holds, but nothing new is remembered or announced:"
            " make it writable or give another file as parameter store, and start the node again"
        )
        return Memory.open(path, config, embedder=embedder, read_only=True), unwritable


def file_of(memory: Memory) -> tuple[int, int] | None:
    """Device and inode of what lies at the memory's path; None where nothing does."""
    try:
        found = Path(memory.store.path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def lost(memory: Memory, opened: tuple[int, int] | None) -> str:
    """Says that what lay at the memory's path when it was opened (`file_of`) lies there no more, else ""."""
    if file_of(memory) == opened:
        return ""
    return (
        f"{memory.store.path} was deleted or replaced while it is open: what is remembered is lost when the "
        "node ends; ~/save writes it to save_path"
    )


def expanded(path: str) -> str:
    """The path with the home folder for "~"; "" stays empty.

    Raises:
        UserError: nobody knows the home folder, as in a container whose user has none.
    """
    try:
        return str(Path(path).expanduser()) if path else ""
    except RuntimeError as error:
        raise UserError(
            f"there is no home folder for {path!r}; give a path that begins with '/', or set HOME"
        ) from error
