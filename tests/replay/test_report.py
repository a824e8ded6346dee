"""The report in a real browser: no console errors, search, keyboard, names for screen readers, no network."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ser_ros.graph.pose import Pose
from ser_ros.model.edits import word_edits
from ser_ros.replay.map_drawing import Sighting, draw_map
from ser_ros.replay.marking import html_initial, html_refined
from ser_ros.replay.outputs import derive
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.report import ReportInput, write_report
from ser_ros.replay.run import RunFiles, save_thumbnail

CAPTIONS = [
    ("a red chair in a kitchen", "a red chair next to a wooden table in a kitchen"),
    ("a black dog on a rug", "a brown dog on a rug"),
    ("a tall lamp behind a sofa", "a tall lamp behind a sofa"),
]


def record(index: int) -> FrameRecord:
    initial, refined = CAPTIONS[index % len(CAPTIONS)]
    return FrameRecord(
        index,
        1_700_000_000_000_000_000 + index * 10**9,
        "/camera/image",
        "camera",
        Pose("map", float(index), 0.0),
        initial,
        refined,
        [asdict(edit) for edit in word_edits(initial, refined)],
        0.8,
        0.7,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    files = RunFiles(folder)
    files.thumbnails.mkdir()
    records = [record(index) for index in range(9)]
    records[4] = FrameRecord(4, records[4].stamp, "/camera/image", "camera", error="the image is <empty>")
    for one in records:
        save_thumbnail(np.full((48, 64, 3), 90, np.uint8), files.thumbnail(one.index))
    derived = derive(records, files)
    path = np.array([[float(i), 0.0] for i in range(9)])
    timings = [{"index": i, "total": 0.1 + 0.01 * i, "tower": 0.05} for i in range(9)]
    page = ReportInput("What the robot saw", "a & b", records, derived.triples, derived.world, path, timings)
    write_report(page, files, folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (extra [test])")
    programs = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(programs):
        pytest.skip("Chromium and chromedriver are not installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    network = ["--disable-quic", "--disable-sync", "--disable-background-networking"]
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,900", *network):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()


def visible_frames(browser) -> list[str]:
    return [
        e.get_attribute("id") for e in browser.find_elements("css selector", ".frame") if e.is_displayed()
    ]


def test_page_loads_without_console_errors_and_searches(browser, report):
    browser.get(report.as_uri())
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert len(visible_frames(browser)) == 9
    box = browser.find_element("id", "search")
    box.send_keys("wooden TABLE")
    assert visible_frames(browser) == ["f0", "f3", "f6"]
    assert browser.find_element("id", "found").text == "3 of 9 frames"
    box.clear()
    box.send_keys("nothing like it")
    assert visible_frames(browser) == []


def test_keyboard_reaches_frames_and_a_link_shows_a_hidden_one(browser, report):
    from selenium.webdriver.common.keys import Keys

    browser.get(report.as_uri())
    browser.find_element("tag name", "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the frames"
    browser.find_element("id", "search").send_keys("dog")
    browser.execute_script("location.hash = '#f0'")
    assert browser.find_element("id", "f0").is_displayed()


def test_screen_reader_gets_names_for_everything(browser, report):
    browser.get(report.as_uri())
    for image in browser.find_elements("css selector", ".frame img"):
        assert image.get_attribute("alt")
    for drawing in browser.find_elements("css selector", "svg[role=img]"):
        assert drawing.find_elements("css selector", "title")
    assert browser.find_element("css selector", "html").get_attribute("lang") == "en"
    label = browser.find_element("css selector", "label[for=search]")
    assert label.text == "Search captions"


def test_page_is_self_contained_small_and_escaped(report):
    text = report.read_text()
    links = set(re.findall(r"""(?:src|href)=["']([^"'#][^"']*)""", text))
    assert all(link.startswith("data:") for link in links)
    assert len(text) < 10_000_000
    assert "the image is &lt;empty&gt;" in text
    assert "a &amp; b" in text


def test_changed_words_are_marked_in_both_captions():
    initial, refined = CAPTIONS[1]
    edits = [asdict(edit) for edit in word_edits(initial, refined)]
    assert html_initial(initial, edits) == "a <del>black</del> dog on a rug"
    assert html_refined(initial, edits) == "a <ins>brown</ins> dog on a rug"


def test_map_shows_path_places_and_scale():
    svg = draw_map(np.array([[0.0, 0.0], [4.0, 2.0]]), [Sighting(1.0, 1.0, ("red chair", "cat"), "kitchen")])
    for word in ("red chair", "cat", "kitchen", "polyline", " m</text>"):
        assert word in svg
    assert draw_map(np.zeros((0, 2)), []) == ""
