"""Energy that the board counts: RAPL of x86 processors, the INA sensors of a Jetson, NVML of NVIDIA GPUs."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

SYS = Path("/sys")
_PERIOD = 0.05
"""Seconds between two readings of a sensor that tells power, not energy."""


Counter = tuple[Callable[[], float], float]
"""Reads joules since some moment; joules at which it starts again from 0."""


class EnergyMeter:
    """Joules between `start` and `stop` of every source that is there and may be read."""

    def __init__(self, sys: Path = SYS, nvml: str = "libnvidia-ml.so.1"):
        self._counters: dict[str, Counter] = {**rapl(sys), **gpus(nvml)}
        self._power = ina(sys)
        self._sampler = PowerSampler(self._power) if self._power else None
        self._begin: dict[str, float] = {}

    @property
    def sources(self) -> list[str]:
        """Names of what is measured: RAPL domains, GPUs, "jetson"."""
        return [*self._counters, *(["jetson"] if self._power else [])]

    def start(self) -> None:
        self._begin = {name: read() for name, (read, _) in self._counters.items()}
        if self._sampler:
            self._sampler.start()

    def stop(self) -> dict[str, float]:
        """Source -> joules since `start`."""
        joules = {}
        for name, (read, wraps) in self._counters.items():
            used = read() - self._begin[name]
            joules[name] = used if used >= 0 else used + wraps
        if self._sampler:
            joules["jetson"] = self._sampler.stop()
        return joules


class PowerSampler:
    """Adds up watts times seconds in a thread."""

    def __init__(self, watts: Callable[[], float]):
        self._watts = watts
        self._done = threading.Event()
        self._joules = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._done.clear()
        self._joules = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        if self._thread:
            self._thread.join()
        return self._joules

    def _run(self) -> None:
        before = time.perf_counter()
        while True:
            last = self._done.wait(_PERIOD)
            now = time.perf_counter()
            self._joules += self._watts() * (now - before)
            before = now
            if last:
                return


def rapl(sys: Path) -> dict[str, Counter]:
    """Counters of the processor packages by name."""
    found: dict[str, Counter] = {}
    for zone in sorted(sys.glob("class/powercap/intel-rapl:[0-9]")):
        with contextlib.suppress(OSError, ValueError):  # only root may read them on most systems
            wraps = int((zone / "max_energy_range_uj").read_text()) / 1e6
            int((zone / "energy_uj").read_text())
            name = f"{(zone / 'name').read_text().strip()} (RAPL)"
            found[name] = (partial(_joules, zone / "energy_uj"), wraps)
    return found


def _joules(file: Path) -> float:
    return int(file.read_text()) / 1e6


def ina(sys: Path) -> Callable[[], float] | None:
    """Watts of a Jetson: its input rail where that is measured, otherwise all rails together."""
    rails: list[tuple[str, Path, Path]] = []
    for label in sorted(sys.glob("bus/i2c/drivers/ina3221*/*/hwmon/hwmon*/in[1-3]_label")):
        channel = label.name[2]
        volts, amperes = label.with_name(f"in{channel}_input"), label.with_name(f"curr{channel}_input")
        with contextlib.suppress(OSError, ValueError):
            int(volts.read_text()), int(amperes.read_text())
            rails.append((label.read_text().strip(), volts, amperes))
    rails = [rail for rail in rails if rail[0] == "VDD_IN"] or rails
    if not rails:
        return None
    return lambda: sum(int(v.read_text()) * int(a.read_text()) / 1e6 for _, v, a in rails)


def gpus(library: str) -> dict[str, Counter]:
    """Energy counters of NVML by name; they count from the load of the driver."""
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return {}
    if nvml.nvmlInit_v2():
        return {}
    count = ctypes.c_uint()
    nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    found: dict[str, Counter] = {}
    for index in range(count.value):
        device = ctypes.c_void_p()
        if nvml.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(device)):
            continue

        def read(device: ctypes.c_void_p = device) -> float:
            millijoules = ctypes.c_ulonglong()
            if nvml.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(millijoules)):
                return -1.0
            return millijoules.value / 1e3

        if read() >= 0:
            found[f"GPU {index} (NVML)"] = (read, 0.0)
    return found
