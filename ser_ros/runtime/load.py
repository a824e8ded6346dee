"""Choose a backend for a model folder."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.runtime.captioner import Captioner

ASSETS = Path(__file__).resolve().parents[1] / "assets"
DEFAULT_MODEL = ASSETS / "ser-sim"
"""The model that comes with the package."""

BACKENDS = {"torch": "ser_ros.runtime.torch_backend", "onnx": "ser_ros.runtime.onnx_backend"}


def load_captioner(
    model: str | Path = "", backend: str = "auto", device: str = "auto", dtype: str = "auto"
) -> Captioner:
    """Load a captioner.

    Args:
        model: checkpoint folder, or folder of exported ONNX graphs; "" is the one that comes with ser_ros.
        backend: "torch", "onnx", or "auto": ONNX Runtime for a folder with ONNX graphs, torch otherwise.
        device: as the backend names it; "auto" takes the fastest that is there.
        dtype: as the backend names it; "auto" is the best for the device.

    Raises:
        UserError: a name, package, device or folder that cannot be used.
    """
    folder = Path(model).expanduser() if str(model) else DEFAULT_MODEL
    if backend == "auto":
        backend = "onnx" if folder.is_dir() and any(folder.glob("*.onnx")) else "torch"
    if backend not in BACKENDS:
        raise UserError(f"no backend {backend!r}; use auto, {' or '.join(BACKENDS)}")
    needs = {"torch": ("torch", "transformers"), "onnx": ("onnxruntime",)}[backend]
    missing = [package for package in (*needs, "tokenizers") if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(
            f"backend {backend} needs {', '.join(missing)}: pip install 'ser-ros[{backend}]' (on a Jetson: "
            "NVIDIA's wheels, docs/install.md)"
        )
    return importlib.import_module(BACKENDS[backend]).load(model if str(model) else folder, device, dtype)
