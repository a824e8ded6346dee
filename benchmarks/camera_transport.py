"""How many camera images arrive in another process, with and without config/fastdds_camera.xml.

    python benchmarks/camera_transport.py [--seconds 5]

Best-effort QoS as camera drivers use it; 30 images a second; two processes on this machine.
"""

from __future__ import annotations

import argparse
import array
import os
import subprocess
import sys
import time
from pathlib import Path

PROFILE = Path(__file__).resolve().parents[1] / "config" / "fastdds_camera.xml"
RATE = 30  # images per second
SIZES = ((640, 480), (1280, 720), (1920, 1080))


def send(width: int, height: int, images: int) -> None:
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    rclpy.init()
    node = rclpy.create_node("camera")
    publisher = node.create_publisher(Image, "image", qos_profile_sensor_data)
    message = Image(width=width, height=height, step=3 * width, encoding="rgb8")
    message.data = array.array("B", os.urandom(3 * width * height))
    while not publisher.get_subscription_count():
        time.sleep(0.05)
    time.sleep(1)  # discovery is mutual; the other side may still be a moment behind
    start = time.monotonic()
    for number in range(images):
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
        publisher.publish(message)
        time.sleep(max(0.0, start + (number + 1) / RATE - time.monotonic()))
    time.sleep(1)
    rclpy.shutdown()


def receive(width: int, height: int, images: int, profile: bool) -> tuple[int, float]:
    """Number of images that arrived and their median latency in seconds."""
    os.environ.pop("FASTDDS_DEFAULT_PROFILES_FILE", None)
    if profile:
        os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(PROFILE)
    import rclpy
    from rclpy.qos import qos_profile_sensor_data
    from sensor_msgs.msg import Image

    latencies: list[float] = []

    def note(message: Image) -> None:
        stamp = message.header.stamp
        latencies.append(time.time() - stamp.sec - stamp.nanosec * 1e-9)

    rclpy.init()
    node = rclpy.create_node("listener")
    node.create_subscription(Image, "image", note, qos_profile_sensor_data)
    camera = subprocess.Popen([sys.executable, __file__, "--send", f"{width},{height},{images}"])
    while camera.poll() is None:
        rclpy.spin_once(node, timeout_sec=0.1)
    rclpy.shutdown()
    return len(latencies), sorted(latencies)[len(latencies) // 2] if latencies else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of images per row")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--receive", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.send:
        send(*map(int, args.send.split(",")))
        return
    if args.receive:
        count, latency = receive(*map(int, args.receive.split(",")))
        print(f"{count} {latency}")
        return
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    images = int(args.seconds * RATE)
    print("| Image | Profile | Arrived | Median latency |\n|---|---|---|---|")
    for width, height in SIZES:
        for profile in (0, 1):
            # A child per row: Fast DDS reads the profile once in a process.
            command = [sys.executable, __file__, "--receive", f"{width},{height},{images},{profile}"]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            count, latency = answer.stdout.split()[-2:]
            name = "fastdds_camera.xml" if profile else "default"
            print(f"| {width}x{height} | {name} | {count} of {images} | {float(latency) * 1e3:.1f} ms |")


if __name__ == "__main__":
    main()
