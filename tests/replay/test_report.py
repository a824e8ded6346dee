"""The report in a real browser: no console errors, search, keyboard, names for screen readers, no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ser_ros.graph.parser import parse
from ser_ros.graph.pose import Pose
from ser_ros.model.edits import word_edits
from ser_ros.replay.compare import Comparison, Difference, write_comparison
from ser_ros.replay.map_drawing import Sighting, draw_map
from ser_ros.replay.marking import html_initial, html_refined
from ser_ros.replay.outputs import derive
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.report import ReportInput, write_report
from ser_ros.replay.run import RunFiles
from ser_ros.replay.thumbnails import save_thumbnail

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
        if not one.error:
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


def test_one_frame_at_a_time_on_the_stage(browser, report):
    from selenium.webdriver.common.keys import Keys

    def heading() -> str:
        return browser.find_element("css selector", "#stage h3").text

    browser.get(report.as_uri())
    assert heading().startswith("Frame 0 at")  # the first that the second glance changed
    slider = browser.find_element("id", "slider")
    slider.send_keys(Keys.RIGHT, Keys.RIGHT, Keys.RIGHT)
    assert heading().startswith("Frame 3 at")
    assert slider.get_attribute("aria-valuetext") == heading()
    browser.find_element("id", "back").send_keys(Keys.ENTER)
    assert heading().startswith("Frame 2 at")
    browser.find_element("css selector", "#t7 a").send_keys(Keys.ENTER)
    assert heading().startswith("Frame 7 at")
    assert browser.find_element("css selector", "[aria-current]").get_attribute("id") == "t7"
    # 7 m along the way, as the dot of the map
    assert browser.find_element("css selector", ".here").get_attribute("cx") == "7.00"
    browser.find_element("id", "search").send_keys("dog")
    assert browser.find_element("css selector", "#stage ins").text == "brown"
    ids = browser.execute_script("return [...document.querySelectorAll('[id]')].map((part) => part.id)")
    assert len(ids) == len(set(ids))


def test_a_recording_of_errors_alone_leaves_no_room_for_pictures(browser, tmp_path):
    records = [
        FrameRecord(index, record(index).stamp, "/camera/image", "camera", error="the image is empty")
        for index in range(3)
    ]
    files = RunFiles(tmp_path)
    derived = derive(records, files)
    page = ReportInput("Errors", "", records, derived.triples, derived.world, np.zeros((0, 2)))
    write_report(page, files, tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    stage = browser.find_element("id", "stage")
    assert "the image is empty" in stage.text
    assert stage.size["height"] < 200
    words = stage.find_element("css selector", "h3")
    assert words.size["width"] > 0.9 * stage.size["width"]


def test_a_frame_without_a_picture_has_the_whole_width(browser, report):
    from selenium.webdriver.common.keys import Keys

    browser.get(report.as_uri())
    browser.find_element("css selector", "#t4 a").send_keys(Keys.ENTER)  # an image that could not be read
    stage = browser.find_element("id", "stage")
    assert "the image is <empty>" in stage.text
    assert stage.find_element("css selector", "h3").size["width"] > 0.9 * stage.size["width"]
    frame = browser.find_element("id", "f4")
    assert frame.find_element("css selector", "h3").size["width"] > 0.9 * frame.size["width"]


def test_playing_walks_through_the_frames_found(browser, report):
    browser.get(report.as_uri())
    browser.find_element("id", "search").send_keys("lamp")
    play = browser.find_element("id", "play")
    play.click()
    assert play.text == "Pause"
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(browser, 20).until(lambda _: play.text == "Play")
    assert browser.find_element("css selector", "#stage h3").text.startswith("Frame 8 at")


def test_the_narrow_page_does_not_scroll_sideways(browser, report):
    browser.get(report.as_uri())
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 420, "height": 800, "deviceScaleFactor": 1, "mobile": False},
    )
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 420
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_comparison_shows_the_frames_of_a_verdict(browser, tmp_path):
    found = [
        Difference(number, record(number).stamp, a, b, gain)
        for number, (a, b, gain) in enumerate([("a cat", "a dog", 50.0), ("a rug", "a mat", -20.0)])
    ]
    scores = [("graph F1", 40.0, 55.0)]
    write_comparison(Comparison(tmp_path / "a", tmp_path / "b", 9, found, scores), tmp_path / "compare.html")
    browser.get((tmp_path / "compare.html").as_uri())
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert visible_frames(browser) == ["f0", "f1"]
    browser.find_element("css selector", "input[value=worse]").click()
    assert visible_frames(browser) == ["f1"]
    assert browser.find_element("id", "found").text == "1 of 2 differences"
    assert "worse, -20.0 points" in browser.find_element("id", "f1").text


def test_dark_drawings_have_no_white_ground(browser, report):
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    browser.get(report.as_uri())
    ground = browser.find_element("css selector", ".wide svg rect")
    assert ground.get_attribute("width") == "100%"
    assert ground.value_of_css_property("fill") == "none"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


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


def test_page_of_a_long_recording_stays_under_10_mb(tmp_path):
    files = RunFiles(tmp_path)
    files.thumbnails.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (180, 320, 3), np.uint8)  # the largest JPEG there is
    save_thumbnail(noise, files.thumbnail(0))
    records = [record(index) for index in range(5000)]
    for one in records[1:]:
        files.thumbnail(one.index).hardlink_to(files.thumbnail(0))
    triples = [parse(CAPTIONS[index % len(CAPTIONS)][1]) for index in range(len(CAPTIONS))]
    all_triples = [triples[index % len(CAPTIONS)] for index in range(5000)]
    world = derive(records[:9], files).world
    page = ReportInput("Long", "", records, all_triples, world, np.zeros((0, 2)))
    write_report(page, files, tmp_path / "report.html")
    assert (tmp_path / "report.html").stat().st_size < 10_000_000
    text = (tmp_path / "report.html").read_text()
    assert "Of 5000 frames one in 3 is shown" in text
    assert text.count("data:image/jpeg") > 500


def write_page_of_many_things(folder: Path) -> None:
    """A report whose memory holds more things than its world graph draws."""
    colours = ("red", "blue", "green", "white", "black", "brown", "yellow", "grey")
    nouns = ("chair", "table", "lamp", "bed", "box", "mug", "sofa", "desk", "plant", "door", "rug", "cat")
    records = [record(index) for index in range(len(colours) * len(nouns))]
    for one in records:
        thing = f"a {colours[one.index % len(colours)]} {nouns[one.index // len(colours)]}"
        one.initial = one.refined = f"{thing} next to a {colours[one.index // len(nouns)]} window"
    files = RunFiles(folder)
    derived = derive(records, files)
    page = ReportInput("Many", "", records, derived.triples, derived.world, np.zeros((0, 2)))
    write_report(page, files, folder / "report.html")


def test_page_is_the_same_in_every_process(tmp_path):
    code = "import sys; from pathlib import Path; from tests.replay.test_report import *\n"
    code += "write_page_of_many_things(Path(sys.argv[1]))"
    pages = []
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        root = Path(__file__).resolve().parents[2]
        subprocess.run([sys.executable, "-c", code, tmp_path / seed], env=environment, cwd=root, check=True)
        pages.append((tmp_path / seed / "report.html").read_text())
    assert pages[0] == pages[1]


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


def test_names_on_the_map_leave_the_way_and_one_another_free():
    way = np.array([[x / 20, 0.0] for x in range(100)] + [[2.5, y / 20] for y in range(-40, 40)])
    places = [Sighting(x, 0.0, ("a red chair", "a cat"), "kitchen") for x in (0.0, 0.1, 2.3, 4.9)]
    svg = draw_map(way, places)
    points = [tuple(map(float, p.split(","))) for p in re.search('points="([^"]*)"', svg)[1].split()]
    words = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(start|end)"[^>]*>([^<]*)', svg)
    boxes = []
    for x, y, anchor, text in words:
        left = float(x) - (6 * len(text) if anchor == "end" else 0)
        boxes.append((left, float(y) - 9, left + 6 * len(text), float(y)))
    assert len(boxes) == 12
    assert not [p for p in points for left, top, r, b in boxes if left < p[0] < r and top < p[1] < b]
    for number, (left, top, r, b) in enumerate(boxes):
        assert not [o for o in boxes[:number] if left < o[2] and r > o[0] and top < o[3] and b > o[1]]
