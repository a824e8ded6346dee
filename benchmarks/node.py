"""How late are captions, and what does the node cost besides the model? Over real DDS, two processes.

    python benchmarks/node.py                    # the model of the package
    python benchmarks/node.py --model DIR --json

Part 1, latency: a camera at 5 Hz, 640x480 rgb8, best effort; from the image's stamp to the caption
in this process. Part 2, overhead: a camera at 30 Hz; milliseconds per caption outside the model, and
the share of one core the node uses while the gate skips every image (a still scene), the model idle.
Ratios come from one run; other load on the machine changes all of them.
"""

from __future__ import annotations

import argparse
import array
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from ser_ros.msg import Caption

HEIGHT, WIDTH = 480, 640
PROFILE = Path(__file__).resolve().parents[1] / "config" / "fastdds_camera.xml"


class Bench:
    """The robot around the node."""

    def __init__(self) -> None:
        rclpy.init()
        self.node = rclpy.create_node("bench")
        self.camera = self.node.create_publisher(Image, "image", qos_profile_sensor_data)
        self.latencies: list[float] = []
        self.captions: list[Caption] = []
        self.status: dict[str, str] = {}
        self.node.create_subscription(Caption, "/caption_node/caption", self._on_caption, 50)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self.parameters = AsyncParameterClient(self.node, "caption_node")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._spin)
        self.thread.start()

    def _spin(self) -> None:
        while not self.ending.is_set():
            self.executor.spin_once()

    def _on_caption(self, message: Caption) -> None:
        now = self.node.get_clock().now().nanoseconds
        self.latencies.append((now - message.header.stamp.sec * 10**9 - message.header.stamp.nanosec) * 1e-9)
        self.captions.append(message)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "caption_node":
                self.status = {value.key: value.value for value in status.values}

    def film(self, rate: float, seconds: float, still: bool) -> int:
        """Publish for so long; returns the number of images."""
        rng = np.random.default_rng(0)
        blocks = rng.integers(0, 256, (64, 12, 16, 3), dtype=np.uint8)
        pictures = [
            array.array("B", block.repeat(HEIGHT // 12, 0).repeat(WIDTH // 16, 1).tobytes())
            for block in (blocks[:1] if still else blocks)
        ]
        begin = time.monotonic()
        sent = 0
        while time.monotonic() - begin < seconds:
            message = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH)
            message.data = pictures[sent % len(pictures)]
            message.header.stamp = self.node.get_clock().now().to_msg()
            self.camera.publish(message)
            sent += 1
            time.sleep(max(0.0, begin + sent / rate - time.monotonic()))
        return sent

    def set(self, **values: float | bool) -> None:
        """Set parameters of the node."""
        done = threading.Event()
        future = self.parameters.set_parameters(
            [Parameter(name, value=value) for name, value in values.items()]
        )
        future.add_done_callback(lambda future: done.set())
        done.wait(10)

    def close(self) -> None:
        """End the thread, then the executor, whose shutdown destroys what a thread that spins waits for."""
        self.ending.set()
        self.executor.create_task(lambda: None)  # something to do, so that the thread looks up
        self.thread.join()
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown()


def measure(model: str, seconds: float) -> dict[str, float]:
    """All numbers of one run; times in milliseconds."""
    command = [sys.executable, "-m", "ser_ros.node.caption_node", "--ros-args", "-p", "max_rate_hz:=0.0"]
    command += ["-p", "keyframe_threshold:=0.0"] + (["-p", f"model:={model}"] if model else [])
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "active (" in line:
            break
    threading.Thread(target=process.stderr.read, daemon=True).start()
    bench = Bench()
    try:
        while not bench.camera.get_subscription_count():
            time.sleep(0.1)
        bench.film(5, 3, still=False)  # warm
        bench.latencies.clear()
        bench.captions.clear()
        sent = bench.film(5, seconds, still=False)
        time.sleep(1.2)
        latency = np.array(bench.latencies) * 1e3
        inference = np.array([caption.inference_time for caption in bench.captions]) * 1e3
        stages = dict(bench.status)
        bench.set(keyframe_threshold=0.2, keyframe_max_interval=0.0)
        bench.film(30, 2, still=True)
        filmed, share = _core_used(bench, process.pid, seconds)
        time.sleep(1.2)
        rate_in = float(bench.status["images in (Hz)"])
        memory = float(bench.status["memory (MB)"])
        bench.set(max_rate_hz=2.0)
        _, limited = _core_used(bench, process.pid, seconds)
    finally:
        process.terminate()
        process.wait(20)
        bench.close()

    def p50(stage: str) -> float:
        return float(stages[f"{stage} p50 / p95 (ms)"].split("/")[0])

    return {
        "captions": len(latency),
        "images at 5 Hz": sent,
        "stamp to caption p50 (ms)": float(np.median(latency)),
        "stamp to caption p95 (ms)": float(np.percentile(latency, 95)),
        "model p50 (ms)": float(np.median(inference)),
        "outside the model p50 (ms)": float(np.median(latency[: len(inference)] - inference[: len(latency)])),
        "of it: convert and gate p50 (ms)": p50("convert"),
        "of it: parse and publish p50 (ms)": p50("parse and publish"),
        "images at 30 Hz": filmed,
        "images in (Hz)": rate_in,
        "core used at 30 Hz, all skipped (%)": 100 * share,
        "core used at 30 Hz, 2 Hz looked at, all skipped (%)": 100 * limited,
        "memory (MB)": memory,
    }


def _core_used(bench: Bench, process: int, seconds: float) -> tuple[int, float]:
    """Images sent at 30 Hz of a still scene, and the share of one core the node used meanwhile."""
    node = psutil.Process(process)
    before, begin = sum(node.cpu_times()[:2]), time.monotonic()
    filmed = bench.film(30, seconds, still=True)
    return filmed, (sum(node.cpu_times()[:2]) - before) / (time.monotonic() - begin)


def main() -> int:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="", help="checkpoint folder (default: the model of the package)")
    parser.add_argument(
        "--seconds", type=float, default=15.0, help="length of each part (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    os.environ.setdefault("FASTDDS_DEFAULT_PROFILES_FILE", str(PROFILE))
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    load = os.getloadavg()[0]
    numbers = measure(args.model, args.seconds)
    if args.json:
        print(json.dumps({**numbers, "load before": load}, indent=2))
        return 0
    for name, value in {**numbers, "load of the machine before": load}.items():
        print(f"{name:40} {value:10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
