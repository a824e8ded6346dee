"""Take the README's pictures anew, of the report and of Rerun: `.venv/bin/python docs/take_pictures.py`.

Run it when the shipped model, the patrol or a design changed. It replays demo/patrol, chooses the frame that
the second glance mended most, and photographs both pages in headless Chromium. Needs the extras
`[torch,viz,eval,test]` and Debian's chromium and chromium-driver; a few minutes on two cores.
"""

from __future__ import annotations

import argparse
import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from selenium import webdriver

from ser_ros.cli import main as ser_ros
from ser_ros.node.rerun_process import RerunProcess
from ser_ros.replay.bag import Bag
from ser_ros.replay.outputs import Derived, derive
from ser_ros.replay.record import FrameRecord, read_records
from ser_ros.replay.references import read_references
from ser_ros.replay.rerun_drawing import APPLICATION, blueprint, import_rerun
from ser_ros.replay.rerun_recording import log_replay
from ser_ros.replay.run import RunFiles
from ser_ros.replay.scoring import score_caption
from ser_ros.replay.trajectory import read_trajectory

ROOT = Path(__file__).resolve().parents[1]
PATROL = ROOT / "demo" / "patrol"
IMAGES = ROOT / "docs" / "images"
PATIENCE = 240  # seconds for a page to stop changing; WebGL is drawn by the CPU


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, help="a replay of demo/patrol to show (default: make one)")
    given = parser.parse_args().run
    with TemporaryDirectory() as scratch:
        run = given or Path(scratch) / "run"
        if given is None and ser_ros(["replay", str(PATROL / "bag"), "--out", str(run)]) != 0:
            raise SystemExit(2)
        files = RunFiles(run)
        records = read_records(files.captions)
        number = most_mended(records)
        print(f"frame {records[number].index}: {records[number].initial} -> {records[number].refined}")
        with browser(1200, 890, "light") as driver:
            driver.get((run / "report.html").resolve().as_uri())
            driver.execute_script(f"document.querySelector('#t{records[number].index} a').click()")
            save(driver, IMAGES / "report.png")
        with rerun_page(records, number, files) as page, browser(1400, 720, "dark") as driver:
            driver.get(page)
            save(driver, IMAGES / "rerun.png")


def most_mended(records: list[FrameRecord]) -> int:
    """Position of the record whose graph F1 the second glance raised most; of equals the surest."""
    truth = read_references(PATROL / "ground_truth.json", "default")

    def gain(record: FrameRecord) -> tuple[float, float]:
        reference = truth[record.stamp]
        before, after = (score_caption(text, reference).all for text in (record.initial, record.refined))
        return after.f1 + (after.f1 - before.f1), record.confidence

    return max(range(len(records)), key=lambda number: gain(records[number]))


@contextmanager
def rerun_page(records: list[FrameRecord], number: int, files: RunFiles) -> Iterator[str]:
    """Address of a page that shows the replay up to `number`: the viewer opens at the newest record."""
    derived = derive(records, files)
    shown = slice(number + 1)
    with Bag(PATROL / "bag") as bag:
        trajectory = read_trajectory(bag)
    viewer = RerunProcess(window=False, port=9976, web_port=9190, memory_mb=500)
    stream = import_rerun().RecordingStream(APPLICATION)
    try:
        stream.connect_grpc(viewer.source, default_blueprint=blueprint([records[number].camera]))
        until = Derived(derived.triples[shown], derived.world)
        log_replay(stream, records[shown], until, files, trajectory)
        stream.flush()
        yield viewer.page
    finally:
        stream.disconnect()
        viewer.close()


@contextmanager
def browser(width: int, height: int, scheme: str) -> Iterator[Any]:
    """Headless Chromium with a window of so many pixels, on a "light" or "dark" desktop."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in ("--headless=new", "--no-sandbox", "--hide-scrollbars", "--use-angle=swiftshader"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        yield driver
    finally:
        driver.quit()


def save(driver: Any, out: Path) -> None:
    """Write the page as a PNG of 256 colours once it has been drawn and two looks at it are equal."""
    last, end = b"", time.monotonic() + PATIENCE
    while time.monotonic() < end:
        time.sleep(4)
        now = driver.get_screenshot_as_png()
        picture = Image.open(io.BytesIO(now)).convert("RGB")
        if now == last and picture.getcolors(1000) is None:  # a loading page has few colours
            break
        last = now
    picture.quantize(256, dither=Image.Dither.NONE).save(out, optimize=True)
    print(f"{out}: {out.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
