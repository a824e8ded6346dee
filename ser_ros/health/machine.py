"""Interpreter, this package, its libraries, memory, Java."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import ser_ros
from ser_ros.health import Check, try_import

# Module by distribution, of [project.dependencies] in pyproject.toml; a colcon build does not bring them.
LIBRARIES = {
    "numpy": "numpy",
    "pillow": "PIL",
    "networkx": "networkx",
    "rosbags": "rosbags",
    "mcap": "mcap",
    "jinja2": "jinja2",
    "textblob": "textblob",
    "lemminflect": "lemminflect",
    "threadpoolctl": "threadpoolctl",
    "PyYAML": "yaml",
    "rich": "rich",
    "tqdm": "tqdm",
}
# Bytes. The full-size model in bf16 peaks at 1.4 GB (docs/install.md).
MEMORY_WANTED = 2 * 1024**3


def checks() -> list[Check]:
    return [_interpreter(), _package(), _libraries(), _memory(), _java()]


def _interpreter() -> Check:
    return Check("interpreter", "ok", f"Python {platform.python_version()}, {sys.executable}", needed=True)


def _package() -> Check:
    folder = Path(ser_ros.__file__).parent
    found = f"ser_ros {ser_ros.__version__}, {folder}"
    try:
        installed = metadata.version("ser-ros")
    except metadata.PackageNotFoundError:
        return Check("package", "ok", found, needed=True)  # colcon, or the source tree on PYTHONPATH
    if installed != ser_ros.__version__:
        return Check(
            "package",
            "warning",
            f"{found}; pip knows {installed}",
            "two copies are on the path; run `pip install .` again or clean PYTHONPATH",
            needed=True,
        )
    return Check("package", "ok", found, needed=True)


def _libraries() -> Check:
    absent, broken = [], []
    for distribution, module in LIBRARIES.items():
        found = try_import(module)
        if found is None:
            absent.append(distribution)
        elif isinstance(found, str):
            broken.append(f"{distribution} ({found})")
    if absent or broken:
        fix = "pip install " + " ".join(absent) if absent else "install the broken ones again"
        return Check("libraries", "missing", "not usable: " + ", ".join(absent + broken), fix, needed=True)
    return Check("libraries", "ok", f"{len(LIBRARIES)} of {len(LIBRARIES)}", needed=True)


def _memory() -> Check:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        free, total = (int(rows[key].split()[0]) * 1024 for key in ("MemAvailable", "MemTotal"))
    except (OSError, KeyError, ValueError):
        return Check("memory", "warning", "unknown", "no /proc/meminfo on this system")
    found = f"{free / 1024**3:.1f} of {total / 1024**3:.1f} GiB free"
    if free < MEMORY_WANTED:
        fix = "a full-size model needs 2 GiB: close programs, or use a small model such as the shipped one"
        return Check("memory", "warning", found, fix)
    return Check("memory", "ok", found)


def _java() -> Check:
    fix = "only METEOR and SPICE need it; Debian, Ubuntu: apt install default-jre-headless"
    java = shutil.which("java")
    if not java:
        return Check("Java", "missing", "no java in PATH", fix)
    try:
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("Java", "missing", f"{java} does not run ({type(error).__name__})", fix)
    if asked.returncode:
        return Check("Java", "missing", f"{java} -version failed with {asked.returncode}", fix)
    return Check("Java", "ok", (asked.stderr or asked.stdout).splitlines()[0])
