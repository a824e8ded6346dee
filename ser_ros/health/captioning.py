"""What runs the model: torch, ONNX Runtime, the model folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.health import Check, jetson, try_import
from ser_ros.runtime.load import DEFAULT_MODEL
from ser_ros.runtime.onnx_folder import is_export, read_manifest


def checks(model: Path | None) -> list[Check]:
    """`model` None is the shipped one. One of the two backends is needed, whichever it is."""
    torch, onnx = _torch(), _onnxruntime()
    rows = [torch, onnx]
    if torch.status == onnx.status == "missing":
        fix = "install one of the two: `pip install 'ser-ros[onnx]'` or `pip install 'ser-ros[torch]'`"
        rows.append(Check("backend", "missing", "neither torch nor ONNX Runtime", fix, needed=True))
    there = {"torch": torch.status != "missing", "onnx": onnx.status != "missing"}
    return [*rows, _model(model or DEFAULT_MODEL, there)]


def _torch() -> Check:
    torch = try_import("torch")
    if torch is None:
        return Check(
            "torch",
            "missing",
            "not installed",
            "pip install 'ser-ros[torch]'; on a Jetson NVIDIA's own wheel",
        )
    if isinstance(torch, str):
        return Check("torch", "missing", torch, "install torch again, of the build for this machine")
    transformers: Any = try_import("transformers")
    if transformers is None or isinstance(transformers, str):
        found = f"torch {torch.__version__}, no transformers" + (f" ({transformers})" if transformers else "")
        return Check("torch", "missing", found, "pip install 'transformers>=5.0,<6'")
    found = f"{torch.__version__}, transformers {transformers.__version__}"
    if torch.cuda.is_available():
        device = torch.cuda.get_device_properties(0)
        free = torch.cuda.mem_get_info()[0] / 1024**3
        return Check(
            "torch", "ok", f"{found}, CUDA {torch.version.cuda}, {device.name}, {free:.1f} GiB free on it"
        )
    if torch.version.cuda:
        fix = "no matter without a GPU (the CPU build is smaller); else look at nvidia-smi and its driver"
        return Check("torch", "warning", f"{found}, CUDA {torch.version.cuda} without a GPU, device cpu", fix)
    if nvidia_driver():
        fix = (
            "there is an NVIDIA GPU but this torch is built for the CPU; on a Jetson take NVIDIA's own wheel"
        )
        return Check("torch", "warning", f"{found}, device cpu", fix)
    return Check("torch", "ok", f"{found}, device cpu")


def nvidia_driver(root: Path = Path("/")) -> bool:
    """Whether the system below `root` has NVIDIA's driver, of a graphics card or of a Jetson."""
    return (root / "proc/driver/nvidia/version").exists() or (root / jetson.RELEASE).exists()


def _onnxruntime() -> Check:
    runtime: Any = try_import("onnxruntime")
    if runtime is None:
        return Check("ONNX Runtime", "missing", "not installed", "pip install 'ser-ros[onnx]'")
    if isinstance(runtime, str):
        return Check("ONNX Runtime", "missing", runtime, "install onnxruntime again")
    providers = ", ".join(
        name.removesuffix("ExecutionProvider") for name in runtime.get_available_providers()
    )
    return Check("ONNX Runtime", "ok", f"{runtime.__version__}, {providers}")


def _model(folder: Path, there: dict[str, bool]) -> Check:
    """Whether it is whole and a backend that is there runs it; torch compares every tensor."""
    fix = "give one with --model DIR; `ser_ros import-llava` makes one from the authors' weights"
    try:
        if not folder.is_dir():
            raise UserError(f"there is no model folder {folder}")
        if is_export(folder):
            read_manifest(folder)
            needs, found = "onnx", f"{folder}, ONNX graphs"
        else:
            needs = "torch"
            found = f"{folder}, {_count_parameters(folder, there['torch']) / 1e6:.1f} M parameters"
    except (UserError, OSError, ValueError) as error:
        return Check("model", "missing", str(error), fix, needed=True)
    if not there[needs]:
        fix = f"pip install 'ser-ros[{needs}]'"
        if needs == "torch":
            fix += "; or run `ser_ros export` where torch is and give the folder it writes with --model"
        return Check("model", "missing", f"{found}, but no {needs} to run it", fix, needed=True)
    return Check("model", "ok", found, needed=True)


def _count_parameters(folder: Path, with_torch: bool) -> int:
    if not with_torch:
        return _count_weights(folder)
    from ser_ros.model.checkpoint import load

    return sum(weight.numel() for weight in load(folder).parameters())


def _count_weights(folder: Path) -> int:
    """Number of weights by the headers of the safetensors files, each as long as its header says."""
    for name in ("config.json", "tokenizer.json"):
        json.loads((folder / name).read_text(encoding="utf-8"))
    files = sorted(folder.glob("model*.safetensors"))
    if not files:
        raise UserError(f"{folder} holds no model.safetensors")
    return sum(_count_in_file(file) for file in files)


def _count_in_file(file: Path) -> int:
    """Format: 8 bytes length n (little endian), n bytes of JSON, then the data."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length)) if 8 + length <= size else None
    if not isinstance(header, dict):
        raise UserError(f"{file} is cut short or no safetensors file")
    tensors = [row for name, row in header.items() if name != "__metadata__"]
    if size != 8 + length + max((row["data_offsets"][1] for row in tensors), default=0):
        raise UserError(f"{file} is cut short: its header promises more than {size} bytes")
    count = 0
    for row in tensors:
        elements = 1
        for extent in row["shape"]:
            elements *= extent
        count += elements
    return count
