"""Memory of the device a model runs on: is it full, how much is used, give back what can be."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_SENTENCES = ("out of memory", "can't allocate memory", "failed to allocate", "bad_alloc", "bad allocation")


def is_out_of_memory(error: BaseException) -> bool:
    """True for MemoryError, torch.OutOfMemoryError and what ONNX Runtime and CUDA say."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return any(sentence in text for sentence in _SENTENCES)


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise MemoryError for a library's own way to say that the memory is full."""
    try:
        yield
    except Exception as error:
        if is_out_of_memory(error) and not isinstance(error, MemoryError):
            raise MemoryError(str(error)) from None
        raise


def accelerator_megabytes() -> int | None:
    """Memory that torch holds on the GPU in MB; None without torch or GPU. Imports nothing."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return torch.cuda.memory_reserved() // 1_000_000


def free_memory() -> None:
    """Collect garbage and return torch's cached blocks to the device; imports nothing."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
