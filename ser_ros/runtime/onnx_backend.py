"""The captioner on ONNX Runtime, over the graphs that `ser_ros export` writes (no torch import)."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime as ort

from ser_ros.errors import UserError
from ser_ros.model.config import SerConfig
from ser_ros.model.decoding.session import pad
from ser_ros.model.describe import Clock
from ser_ros.model.processor import preprocess
from ser_ros.model.tokenizer import CaptionTokenizer
from ser_ros.runtime.device_memory import memory_errors
from ser_ros.runtime.onnx_folder import EMBEDDINGS, read_manifest
from ser_ros.runtime.onnx_growing_cache import GrowingCacheSession
from ser_ros.runtime.onnx_session import OnnxSession
from ser_ros.runtime.onnx_shared_cache import SharedCacheSession, is_fused
from ser_ros.runtime.two_glances import TwoGlanceCaptioner

_NO_FLASH = "ORT_GQA_DISABLE_FLASH_ATTENTION"
_CPU_FLAGS = Path("/proc/cpuinfo")

Features = dict[int, np.ndarray]
"""The buffer of both glances: hidden state index -> patch tokens [B, N, Dv] float32."""


def load(model: str | Path, device: str = "auto", dtype: str = "auto") -> TwoGlanceCaptioner:
    """Load a folder of graphs into a captioner.

    Args:
        model: folder written by `ser_ros export`.
        device: "cpu", "cuda", "cuda:N", "tensorrt", or "auto": CUDA where this ONNX Runtime has it.
        dtype: "fp32", "int8" or "auto"; the precision is chosen at the export, another is refused.

    Raises:
        UserError: the folder, device or dtype cannot be used.
    """
    folder = Path(model).expanduser()
    manifest = read_manifest(folder)
    if dtype not in ("auto", manifest["dtype"]):
        raise UserError(
            f"the graphs in {folder} are {manifest['dtype']}, not {dtype}; export the model again"
        )
    place, providers = pick_providers(device)
    engine = OnnxEngine(folder, providers)
    return TwoGlanceCaptioner(engine, "onnx", place, on_close=engine.close)


def pick_providers(device: str) -> tuple[str, list]:
    """The device's name and ONNX Runtime's execution providers for it, the preferred first."""
    offered = ort.get_available_providers()
    kind, _, number = device.partition(":")
    if device == "auto":
        kind = "cuda" if "CUDAExecutionProvider" in offered else "cpu"
    if kind not in ("cpu", "cuda", "tensorrt") or (number and not number.isdigit()) or device == "cpu:":
        raise UserError(f"no device {device!r} on ONNX Runtime; use auto, cpu, cuda, cuda:N or tensorrt")
    cpu = ["CPUExecutionProvider"]
    if kind == "cpu":
        return "cpu", cpu
    index = {"device_id": int(number or 0)}
    wanted = [("CUDAExecutionProvider", index)]
    if kind == "tensorrt":
        wanted.insert(0, ("TensorrtExecutionProvider", index))
    for name, _ in wanted:
        if name not in offered:
            raise UserError(f"this ONNX Runtime has no {name}; install onnxruntime-gpu or use device cpu")
    return f"{kind}:{number or 0}", [*wanted, *cpu]


class OnnxEngine:
    """An `Engine` of `ser_ros.model.describe` over four graphs."""

    out_of_memory: tuple[type[BaseException], ...] = (MemoryError,)

    def __init__(self, folder: Path, providers: list):
        self.config = SerConfig.load(folder)
        self.tokenizer: CaptionTokenizer | None = CaptionTokenizer.load(folder, self.config)
        try:
            self.words = np.load(folder / EMBEDDINGS, mmap_mode="r", allow_pickle=False)  # [V, D]
        except (OSError, ValueError) as error:
            raise UserError(
                f"{folder / EMBEDDINGS} cannot be read ({error}); export the model again"
            ) from None
        self._tower = _open(folder / "tower.onnx", providers)
        self._connector = _open(folder / "connector.onnx", providers)
        self._deeplens = _open(folder / "deeplens.onnx", providers) if self.config.deeplens else None
        self._language = _open(folder / "language.onnx", providers)
        self._session = SharedCacheSession if is_fused(self._language) else GrowingCacheSession

    def encode(self, images: Sequence[np.ndarray], clock: Clock) -> Features:
        with clock("preprocess"):
            pixels = preprocess(images, self.config.image)
        with clock("tower"), memory_errors():
            states = self._tower.run(None, {"pixels": pixels})
        return dict(zip(self.config.buffer_layers, states, strict=True))

    def rows(self, features: Features, index: Sequence[int]) -> Features:
        return {layer: states[list(index)] for layer, states in features.items()}

    def open_glance(
        self, features: Features, prompts: list[list[int]], top: int, clock: Clock
    ) -> OnnxSession:
        with clock("connector"), memory_errors():
            inputs = {"features": _channels(features, self.config.connector.layers)}
            vision = self._connector.run(None, inputs)[0]
        return self._session(self._language, self.words, self.config, prompts, vision, top)

    def open_refine(
        self, features: Features, prompts: list[list[int]], initials: list[list[int]], top: int, clock: Clock
    ) -> OnnxSession:
        lens = self.config.deeplens
        assert lens is not None  # the writer refuses before
        with clock("deeplens"), memory_errors():
            captions = [initial[: lens.max_caption] for initial in initials]
            vision = self._look_again(_channels(features, lens.layers), captions)
        return self._session(self._language, self.words, self.config, prompts, vision, top)

    def _look_again(self, features: np.ndarray, captions: list[list[int]]) -> np.ndarray:
        """DeepLens over features [B, N, C] and the ids of initial captions: [B, N, D]."""
        assert self._deeplens is not None
        takes = {entry.name for entry in self._deeplens.get_inputs()}
        if "caption" not in takes:
            return self._deeplens.run(None, {"features": features})[0]
        if "lengths" in takes:
            ids, lengths = pad(captions)
            # One masked token keeps an empty caption from being an empty tensor.
            ids = ids if ids.shape[1] else np.zeros((len(ids), 1), np.int64)
            inputs = {"features": features, "caption": np.asarray(self.words[ids]), "lengths": lengths}
            return self._deeplens.run(None, inputs)[0]
        # Without a mask, captions of different length cannot share a forward.
        looks = []
        for row, caption in enumerate(captions):
            words = np.asarray(self.words[np.array([caption], np.int64)])  # [1, T, D]
            looks.append(self._deeplens.run(None, {"features": features[row : row + 1], "caption": words})[0])
        return np.concatenate(looks)

    def close(self) -> None:
        """Free the graphs and the map of the embeddings."""
        del self._tower, self._connector, self._deeplens, self._language, self.words


def _channels(features: Features, layers: tuple[int, ...]) -> np.ndarray:
    """Hidden states side by side on channels: [B, N, len(layers) * Dv]."""
    return np.concatenate([features[layer] for layer in layers], axis=-1)


def adds_in_16_bits(machine: str, flags: Path) -> bool:
    """Whether an x86 processor lacks VNNI; true where its flags cannot be read."""
    if machine.lower() not in ("x86_64", "amd64"):
        return False
    return not flags.is_file() or "vnni" not in flags.read_text()


def _open(path: Path, providers: list) -> ort.InferenceSession:
    if not path.is_file():
        raise UserError(f"{path} is missing; export the model again")
    options = ort.SessionOptions()
    options.log_severity_level = 3  # its warnings are about its own choice of kernels
    # Threads that wait in a loop take the cores from the next graph, and from the robot's other processes.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if adds_in_16_bits(platform.machine(), _CPU_FLAGS):
        # Two 8-bit products may overflow: take the slower exact kernels. Elsewhere they would only cost time.
        options.add_session_config_entry("session.x64quantprecision", "1")
    if os.environ.get("OMP_NUM_THREADS", "").isdigit():  # as torch and NumPy take it
        options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    try:
        with memory_errors(), _without_flash():
            return ort.InferenceSession(str(path), options, providers=providers)
    except MemoryError:
        raise UserError(f"{path} does not fit into the memory; use a smaller model or --int8") from None
    except Exception as error:  # ONNX Runtime has a class for each kind of damage
        raise UserError(f"{path} cannot be loaded ({error}); export the model again") from None


@contextmanager
def _without_flash() -> Iterator[None]:
    """Let GroupQueryAttention compute a prompt at once: its tiles take 18 ms a layer for 592 tokens, not 8.

    ONNX Runtime 1.32 has no other switch; MultiHeadAttention has its own and keeps its tiles.
    """
    before = os.environ.get(_NO_FLASH)
    os.environ[_NO_FLASH] = "1"
    try:
        yield
    finally:
        os.environ.pop(_NO_FLASH)
        if before is not None:
            os.environ[_NO_FLASH] = before
