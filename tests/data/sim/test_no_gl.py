"""Without OpenGL the error names the package to install; a fresh process, MuJoCo binds GL at import."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mujoco") is None, reason="needs MuJoCo")


def test_a_missing_gl_library_is_named(tmp_path):
    # PyOpenGL finds libOSMesa through ctypes.util; where it finds none is what a bare machine looks like.
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes.util\nctypes.util.find_library = lambda name: None\n"
        "import ctypes\n_real = ctypes.CDLL.__init__\n"
        "def init(self, name, *a, **k):\n"
        "    if name and 'OSMesa' in str(name): raise OSError('no ' + str(name))\n"
        "    _real(self, name, *a, **k)\n"
        "ctypes.CDLL.__init__ = init\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()]),
        "MUJOCO_GL": "osmesa",
    }
    command = [
        sys.executable,
        "-m",
        "ser_ros.cli",
        "sim",
        "render",
        "--count",
        "1",
        "--workers",
        "1",
        "--out",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "libosmesa6" in done.stderr
    assert "Traceback" not in done.stderr
