"""The whole chain of commands that makes the shipped checkpoint, in small, on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import load_captioner

CHAIN = Path(__file__).resolve().parents[2] / "config/train/sim_chain.sh"
TOWER = (
    "minutes=0.2 batch_size=16 sizes.width=64 sizes.heads=2 sizes.tower_depth=2 "
    "sizes.second_layers=[1,2] sizes.stem=[16,32] sizes.connector=64 sizes.deeplens_width=64 "
    "sizes.language_depth=1"
)
STEPS = {"pretrain": 3, "stage1": 6, "stage2": 4}


# Found, not imported: MuJoCo takes its GL when it is imported, and other tests choose theirs later.
@pytest.mark.skipif(find_spec("mujoco") is None, reason="MuJoCo is not installed")
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["gpu", "cpu"])
def test_the_chain_ends_with_a_model_that_looks_twice_and_goes_on_where_it_stopped(kind, tmp_path):
    """`gpu` too: only its device and sizes are set back to what a CPU does in minutes."""
    data, run = tmp_path / "data", tmp_path / "run"
    changes = [f"stages.{n}.{k}={v}" for n, steps in STEPS.items()
              for k, v in (("max_steps", steps), ("batch_size", 8), ("micro_batch", 4))]  # fmt: skip
    train = f"precision=fp32 workers=0 feature_cache={run}/features {' '.join(changes)}"
    environment = {
        **os.environ, "PICTURES": "160", "SECOND": "40", "THIRD": "16",
        "CLIP": f"device=cpu precision=fp32 {TOWER}", "TRAIN": train,
        "MUJOCO_GL": "osmesa", "OMP_NUM_THREADS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    command = ["bash", str(CHAIN), kind, str(data), str(run)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    captioner = load_captioner(str(run / "ser-sim"), backend="torch", device="cpu")
    options = CaptionOptions(style="default", max_tokens=8)
    (description,) = captioner.describe([np.zeros((64, 64, 3), np.uint8)], options)
    captioner.close()
    assert description.initial is not None
    assert description.refined is not None
    stages = [run / stage for stage in STEPS] + ([run / "again/stage2"] if kind == "gpu" else [])
    before = {stage: (stage / "model/model.safetensors").stat().st_mtime_ns for stage in stages}
    own = sorted(data.glob("pseudo-own*.jsonl"))
    assert sum(len(path.read_text().splitlines()) for path in own) == (40 * 6 if kind == "gpu" else 160 * 6)
    assert all(json.loads(line)["pseudo"] for path in own for line in path.read_text().splitlines())

    again = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr[-2000:]
    assert before == {stage: (stage / "model/model.safetensors").stat().st_mtime_ns for stage in stages}
