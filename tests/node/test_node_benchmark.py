"""The robot of `benchmarks/node.py` ends cleanly, however busy it is."""

from __future__ import annotations

import threading
import time

import rclpy

from benchmarks.node import Bench


def test_the_benchmark_ends_without_an_error_in_its_thread(monkeypatch) -> None:
    failed: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda thread: failed.append(thread.exc_value))
    for _ in range(12):
        bench = Bench()
        bench.node.create_timer(0.0001, lambda: None)  # always something to do
        time.sleep(0.05)  # so that the end meets the thread at different places
        bench.close()
        assert not bench.thread.is_alive()
        assert not rclpy.ok()
    assert not failed
