"""Training on two hosts: two network namespaces that see each other over one cable only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from tests.train.conftest import Toy
from tests.train.test_stages import ENV, train, weights

ADDRESSES = ("10.213.7.1", "10.213.7.2")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Names of two namespaces; each has a loopback and its end of the cable, called "cable"."""
    names = [f"ser-{os.getpid()}-{number}" for number in (0, 1)]
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root and iproute2")
    made = subprocess.run(["ip", "netns", "add", names[0]], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no network namespaces here: {made.stderr.strip()}")
    try:
        ip("netns", "add", names[1])
        ip("-n", names[0], "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", names[1])
        for name, address in zip(names, ADDRESSES, strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", "cable")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "cable", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


@pytest.mark.slow
def test_two_hosts_learn_what_one_process_learns(toy: Toy, hosts: list[str]) -> None:
    train(toy)
    two = toy.folder / "two"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    torchrun += ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{ADDRESSES[0]}:29500"]
    job = ["-m", "ser_ros.cli", "train", str(toy.recipe), "--set", f"output={two}"]
    logs = [(toy.folder / f"{host}.log").open("w+") for host in hosts]
    enter = ["ip", "netns", "exec"]
    # Both namespaces have this machine's name, so each is told which of the two hosts it is.
    processes = [
        subprocess.Popen(
            [*enter, host, *torchrun, "--local-addr", address, "--rdzv-conf", f"is_host={number == 0}", *job],
            env={**ENV, "GLOO_SOCKET_IFNAME": "cable"},
            stdout=log,
            stderr=log,
        )
        for number, (host, address, log) in enumerate(zip(hosts, ADDRESSES, logs, strict=True))
    ]
    try:
        for process, log in zip(processes, logs, strict=True):
            code = process.wait(240)
            log.seek(0)
            assert code == 0, log.read()[-3000:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for log in logs:
            log.close()
    for stage in ("pretrain", "stage1", "stage2"):
        one, other = weights(toy.folder / "run" / stage / "model"), weights(two / stage / "model")
        for name in one:
            torch.testing.assert_close(one[name], other[name], atol=2e-3, rtol=2e-2)
