"""The 60-second demo: `make demo`, or `python demo/run.py`.

Starts caption_node and memory_node as real processes, plays the shipped patrol of a simulated home to
them over DDS, prints what the robot says and how the second glance corrects it, asks the memory three
questions and writes a report. Exits with 0 when captions and answers came.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).resolve().parent
QUESTIONS = ("where is the red chair?", "where did you last see the dog?", "what is on the table?")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bag", type=Path, default=HERE / "patrol" / "bag", help="rosbag2 to play")
    parser.add_argument("--out", type=Path, default=Path("demo_output"), help="folder for report and memory")
    parser.add_argument("--rate", type=float, default=2.0, help="speed of the playback")
    parser.add_argument("--model", default="", help="checkpoint folder (default: the shipped one)")
    args = parser.parse_args()
    # Before rclpy is imported: talk to nobody but our own processes.
    os.environ.update(
        ROS_DOMAIN_ID=os.environ.get("ROS_DOMAIN_ID", "77"),
        ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST",
        FASTDDS_DEFAULT_PROFILES_FILE=str(HERE.parent / "config" / "fastdds_camera.xml"),
        PYTHONUNBUFFERED="1",
    )
    from ser_ros.errors import UserError
    from ser_ros.node.requirements import require_ros

    try:
        require_ros()
        return play(args.bag, args.out, args.rate, args.model)
    except UserError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2


def play(bag_path: Path, out: Path, rate: float, model: str) -> int:
    """Run the whole demo; returns the exit code."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from ser_ros.node.bag_player import BagPlayer
    from ser_ros.replay.bag import Bag
    from ser_ros.replay.bag_source import choose_topic
    from ser_ros.replay.trajectory import read_trajectory

    out.mkdir(parents=True, exist_ok=True)
    store = out / "live_memory.db"
    for old in out.glob(store.name + "*"):
        old.unlink()
    with ExitStack() as stack:
        bag = stack.enter_context(Bag(bag_path))
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        topic = choose_topic(bag, None)
        camera = topic.removesuffix("/compressed")
        trajectory = read_trajectory(bag)
        processes = start_nodes(
            out,
            caption={
                "cameras": f"['{camera}']",
                "compressed": str(topic != camera).lower(),
                "model": f"'{model}'",
            },
            memory={
                "store": str(store.resolve()),
                "frame_id": trajectory.frame_id,
                "odometry_topic": "/odom",
            },
        )
        node = rclpy.create_node("demo")
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        spinning = threading.Thread(target=executor.spin)
        try:
            spinning.start()  # first: the end joins it, whatever fails below
            viewer = Listener(node)
            player = BagPlayer(node, bag)
            if not player.wait_for_subscribers(topic, 180) or not viewer.wait_until_heard(30):
                print(f"demo: caption_node did not start; see {out / 'caption_node.log'}", file=sys.stderr)
                return 1
            print(f"\nPlaying {bag_path.name} at {rate:g}x. What the robot says:\n", flush=True)
            player.play(rate)
            viewer.wait_until_quiet(5)
            answers = ask(node)
        finally:
            executor.shutdown()
            spinning.join(5)
            stop(processes)
    records = write_outputs(viewer.messages, bag_path, topic, out)
    changed = sum(record.initial != record.refined for record in records)
    print(f"\n{len(records)} captions, {changed} changed by the second glance.")
    print(f"Report, for any browser: {(out / 'report.html').resolve()}")
    print(
        f'Ask more: {Path(sys.executable).parent / "ser_ros"} query {out / "memory.db"} "where is the bed?"'
    )
    return 0 if records and all(answers) else 1


def start_nodes(out: Path, caption: dict[str, str], memory: dict[str, str]) -> list[subprocess.Popen[bytes]]:
    """caption_node and memory_node with these parameters, each with its log in `out`."""
    processes = []
    for name, settings in (("caption_node", caption), ("memory_node", memory)):
        command = [sys.executable, "-m", f"ser_ros.node.{name}", "--ros-args"]
        for key, value in {**settings, "use_sim_time": "true"}.items():
            command += ["-p", f"{key}:={value}"]
        if name == "memory_node":
            command += ["-r", "scene_graph:=/caption_node/scene_graph"]
        with (out / f"{name}.log").open("wb") as log:
            processes.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT))
        print(f"started {name} (log: {out / name}.log)")
    print("Loading the model ...", flush=True)
    return processes


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ctrl-C for each node, and no mercy after 10 s."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


class Listener:
    """Prints captions and announcements as they arrive, and keeps the captions."""

    def __init__(self, node):
        from rich.console import Console
        from std_msgs.msg import String

        from ser_ros.msg import Caption

        self.messages: list = []
        self._node = node
        self._last = time.monotonic()
        self._console = Console(highlight=False)
        self._captions = node.create_subscription(Caption, "/caption_node/caption", self._caption, 50)
        self._sentences = node.create_subscription(String, "/memory_node/announcement", self._sentence, 50)

    def wait_until_heard(self, seconds: float) -> bool:
        """True as soon as caption_node publishes captions (it is active, the model is loaded)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._node.count_publishers("/caption_node/caption"):
                return True
            time.sleep(0.05)
        return False

    def wait_until_quiet(self, seconds: float) -> None:
        """Return when no caption came for 2 s, at the latest after `seconds`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and time.monotonic() - self._last < 2:
            time.sleep(0.1)

    def _caption(self, message) -> None:
        from rich.markup import escape

        from ser_ros.node.live_record import record_of
        from ser_ros.replay.marking import mark, pieces

        self._last = time.monotonic()
        self.messages.append(message)
        parts = pieces(message.initial, record_of(message).edits)
        refined = mark(parts, "new", lambda text: f"[bold green]{escape(text)}[/]", escape)
        stamp = message.header.stamp.sec + message.header.stamp.nanosec / 1e9
        self._console.print(
            f"[dim]{stamp % 1000:7.1f} s[/]  {refined}  [dim]({message.confidence:.2f})[/]", soft_wrap=True
        )
        if message.edits:
            initial = mark(parts, "gone", lambda text: f"[red strike]{escape(text)}[/]", escape)
            self._console.print(f"           [dim]first glance:[/] {initial}", soft_wrap=True)

    def _sentence(self, message) -> None:
        self._console.print(f"           [bold blue]announces:[/] {message.data}", soft_wrap=True)


def ask(node) -> list[bool]:
    """Ask the memory the questions; True for each that got an answer."""
    from ser_ros.srv import QueryMemory

    client = node.create_client(QueryMemory, "/memory_node/query")
    if not client.wait_for_service(timeout_sec=20):
        print("demo: memory_node does not answer; see its log", file=sys.stderr)
        return [False]
    print()
    answered = []
    for question in QUESTIONS:
        future = client.call_async(QueryMemory.Request(text=question))
        end = time.monotonic() + 10
        while not future.done() and time.monotonic() < end:
            time.sleep(0.02)
        answer = future.result() if future.done() else None
        answered.append(answer is not None and answer.success)
        if answer is None or not answer.success:
            print(f"  You:   {question}\n  Robot: no answer")
            continue
        print(f"  You:   {question}\n  Robot: {answer.speech}")
        if answer.matches and answer.matches[0].pose_valid:
            position = answer.matches[0].pose.pose.position
            print(f"         (seen while the robot stood at x={position.x:.1f} m, y={position.y:.1f} m)")
    return answered


def write_outputs(messages: list, bag_path: Path, topic: str, out: Path) -> list:
    """captions.jsonl, graphs, a bag and the report from the captions that came over DDS."""
    from ser_ros.node.live_record import record_of
    from ser_ros.replay.bag_source import BagSource
    from ser_ros.replay.outputs import derive
    from ser_ros.replay.report import ReportInput, write_report
    from ser_ros.replay.run import RunFiles
    from ser_ros.replay.thumbnails import save_thumbnail
    from ser_ros.replay.trajectory import read_trajectory

    files = RunFiles(out)
    files.thumbnails.mkdir(exist_ok=True)
    source = BagSource(bag_path, topic)
    trajectory = read_trajectory(source.bag)
    by_stamp = {m.header.stamp.sec * 10**9 + m.header.stamp.nanosec: m for m in messages}
    records, timings = [], []
    for frame in source.frames():
        message = by_stamp.get(frame.stamp)
        if message is not None and frame.image is not None:
            records.append(record_of(message, frame.index, trajectory.at(frame.stamp)))
            timings.append({"total": message.inference_time})
            save_thumbnail(frame.image, files.thumbnail(frame.index))
    files.captions.write_text("".join(record.to_json() + "\n" for record in records), encoding="utf-8")
    derived = derive(records, files)
    report = ReportInput(
        title="What the robot saw",
        subtitle=f"{bag_path.name}, {topic}, captioned live over DDS; poses from {trajectory.description}",
        records=records,
        triples=derived.triples,
        world=derived.world,
        path=trajectory.path(),
        timings=timings,
    )
    write_report(report, files, out / "report.html")
    return records


if __name__ == "__main__":
    sys.exit(main())
