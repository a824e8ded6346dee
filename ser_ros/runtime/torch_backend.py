"""The captioner on torch: CPU, CUDA (Jetson included) or Apple's MPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ser_ros.errors import UserError
from ser_ros.model.describe import Engine, describe
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.cuda_engine import CudaEngine
from ser_ros.runtime.cuda_graphs import CudaGraphs
from ser_ros.runtime.two_glances import TwoGlanceCaptioner


def load(
    model: str | Path, device: str = "auto", dtype: str = "auto", *, cuda_graphs: bool = True
) -> TwoGlanceCaptioner:
    """Load a checkpoint folder into a torch captioner.

    Args:
        model: checkpoint folder.
        device: "auto" (CUDA, then MPS, then CPU) or a torch device such as "cpu" or "cuda:0".
        dtype: "fp32", "bf16", "fp16", or "auto": fp16 on a GPU without bf16, bf16 on a GPU that has it, and
            fp32 on a CPU.
        cuda_graphs: on a CUDA device, record and replay (`CudaEngine`); False is for comparisons.

    Raises:
        UserError: the folder, device or dtype cannot be used.
    """
    place = pick_device(device)
    network = SerModel.from_pretrained(model, dtype=pick_dtype(dtype, place), device="cpu")
    graphs = CudaGraphs(place) if place.type == "cuda" and cuda_graphs else None
    engine: Engine = network
    try:
        network.to(place)
        if graphs is not None:
            engine = CudaEngine(network, graphs)
            _record(engine)
    except torch.OutOfMemoryError:
        raise UserError(f"the model in {model} does not fit into the memory of {place}") from None

    def free() -> None:
        network.to("meta")
        if graphs is not None:
            graphs.clear()
        if place.type == "cuda":
            torch.cuda.empty_cache()

    return TwoGlanceCaptioner(engine, "torch", str(place), on_close=free)


def _record(engine: CudaEngine) -> None:
    """Record what every caption needs, for which the first picture would have to wait."""
    config = engine.model.config
    picture = np.zeros((config.image.size, config.image.size, 3), np.uint8)
    describe(engine, [picture], refinements=int(config.deeplens is not None), max_tokens=2)


def pick_device(name: str) -> torch.device:
    """The torch device of a name, checked to be there.

    Raises:
        UserError: no such device here, or no device is called so.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(f"no device {name!r}; use auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (
        not torch.cuda.is_available() or (device.index or 0) >= torch.cuda.device_count()
    ):
        raise UserError(
            f"device {name} is not there ({torch.cuda.device_count()} CUDA devices); use auto or cpu"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise UserError("device mps is not there; use auto or cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise UserError(f"no device {name!r}; use auto, cpu, cuda or cuda:N")
    return device


def pick_dtype(name: str, device: torch.device) -> str:
    """The name of the dtype to load.

    Raises:
        UserError: torch has no dtype of that name.
    """
    if name not in ("auto", "fp32", "bf16", "fp16"):
        raise UserError(f"no dtype {name!r} on torch; use auto, fp32, bf16 or fp16")
    if name != "auto":
        return name
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "fp32"
