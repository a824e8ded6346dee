"""What all tests share: labelled data, a ROS domain of their own, real processes."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.processes import Process

ROOT = Path(__file__).resolve().parents[1]


def _own_domain() -> int:
    """A ROS domain no other test run or xdist worker of this machine has; held until the process ends.

    Up to 101, because the ports of higher domains may be taken by any outgoing connection.
    """
    for step in range(101):
        domain = 1 + (os.getpid() + step) % 101
        lock = os.open(Path(tempfile.gettempdir(), f"ser_ros_domain_{domain}"), os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return domain
    raise RuntimeError("all 101 ROS domains are held by other test runs")


# A busy machine is no defect. CI judges a commit by the same cases each time; new ones are found at home.
settings.register_profile("ser_ros", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ser_ros")

# A script that starts pytest in the background makes it deaf to SIGINT, which the processes of tests inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_logs = tempfile.TemporaryDirectory(prefix="ser_ros_log_")

# Before anything imports rclpy or a message, and inherited by every process a test starts.
os.environ.update(
    ROS_DOMAIN_ID=str(_own_domain()),
    ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST",
    ROS_PYTHON_CHECK_FIELDS="1",
    FASTDDS_DEFAULT_PROFILES_FILE=str(ROOT / "config" / "fastdds_camera.xml"),
    ROS_LOG_DIR=_logs.name,
    HF_HUB_OFFLINE="1",
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small_disk(size) -> folder` mounts a tmpfs of that size, or changes the size of the one mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")

    def mount(size: str) -> Path:
        option = f"remount,size={size}" if folder.is_mount() else f"size={size}"
        command = ["mount", "-t", "tmpfs", "-o", option, "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of labelled data beside the checkout (or $SER_ROS_SHARED_DATA); skips without it."""
    folder = Path(os.environ.get("SER_ROS_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no labelled data at {folder} (set SER_ROS_SHARED_DATA)")
    return folder


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """`start_process([program, argument, ...], env=None) -> Process`; all are ended after the test."""
    processes: list[Process] = []

    def start(command: list[str], env: dict[str, str] | None = None) -> Process:
        processes.append(Process(command, tmp_path / f"process_{len(processes)}.log", env))
        return processes[-1]

    yield start
    for process in processes:
        process.end()
