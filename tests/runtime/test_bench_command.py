"""`ser_ros export` and `ser_ros bench` as a person uses them, on a toy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ser_ros.cli import main
from ser_ros.model.decoding import Session
from ser_ros.model.describe import Clock, Writer
from ser_ros.runtime import bench_model
from ser_ros.runtime.bench_script import ScriptedEngine
from ser_ros.runtime.energy import EnergyMeter, PowerSampler, ina, rapl
from tests.model.toys import toy_config, toy_model


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    toy_model(1).save_pretrained(folder / "model")
    assert main(["export", str(folder / "model"), str(folder / "graphs")]) == 0
    return folder


@pytest.mark.parametrize("name", ["model", "graphs"])
def test_stages_of_both_backends(folders, name, capsys):
    short = ["--iterations", "3", "--tokens", "9", "--edits", "2"]
    assert main(["bench", "--model", str(folders / name), *short, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["backend"] == {"model": "torch", "graphs": "onnx"}[name]
    assert list(result["stages"]) == [
        "preprocess",
        "tower",
        "connector",
        "prefill",
        "decode",
        "deeplens",
        "refine",
    ]
    assert all(seconds > 0 for seconds in result["stages"].values())
    assert 0 < result["single_seconds"] < result["refined_seconds"]
    assert result["peak_rss_mb"] > 50


def test_table_for_people(folders, capsys):
    assert main(["bench", "--model", str(folders / "graphs"), "--iterations", "1"]) == 0
    out = capsys.readouterr().out
    assert "deeplens" in out
    assert "images/s with one glance" in out
    assert "peak memory" in out
    assert "energy" not in out
    assert main(["bench", "--model", str(folders / "graphs"), "--iterations", "1", "--power"]) == 0
    assert "energy" in capsys.readouterr().out


def test_random_weights_of_a_size(monkeypatch, capsys):
    monkeypatch.setitem(bench_model.SIZES, "paper", toy_config())
    assert (
        main(
            [
                "bench",
                "--size",
                "paper",
                "--backend",
                "onnx",
                "--dtype",
                "int8",
                "--iterations",
                "1",
                "--json",
            ]
        )
        == 0
    )
    assert json.loads(capsys.readouterr().out)["model"] == "paper"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--edits", "21"], "--edits is 21; it must be 0 to 20"),
        (["--iterations", "0"], "--iterations is 0"),
        (["--tokens", "400"], "lower max_tokens"),
    ],
)
def test_bad_arguments(folders, arguments, says, capsys):
    assert main(["bench", "--model", str(folders / "model"), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_export_says_what_it_wrote(folders, capsys, tmp_path):
    assert main(["export", str(folders / "model"), str(tmp_path / "out"), "--int8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["dtype"] == "int8"
    assert set(result["files"]) == {
        "config.json",
        "tokenizer.json",
        "export.json",
        "embeddings.npy",
        *(
            f"{part}.{kind}"
            for part in ("tower", "connector", "deeplens", "language")
            for kind in ("onnx", "weights")
        ),
    }
    assert main(["export", str(tmp_path / "none"), str(tmp_path / "x")]) == 2
    assert "there is no model folder" in capsys.readouterr().err


@pytest.mark.parametrize("edits", [0, 1, 5])
def test_the_script_is_written(edits):
    """Both captions are the planned ones, and the second costs fewer forwards than tokens."""
    engine = ScriptedEngine(toy_model(2), tokens=20, edits=edits)
    writer = Writer(engine, "default", 21, 1, 1, Clock())
    features = engine.encode([np.zeros((9, 9, 3), np.uint8)], writer.clock)
    initial = writer.glance(features, 1)
    refined = writer.refine(features, initial)
    assert initial[0].ids == engine.initial[:-1]
    assert refined[0].ids == engine.refined[:-1]
    assert sum(a != b for a, b in zip(engine.initial, engine.refined, strict=True)) == edits
    assert initial[0].forwards == 21
    assert refined[0].forwards <= 1 + 2 * edits
    session: Session = engine.open_glance(features, [engine.tokenizer.glance_prompt()], 1, Clock())
    assert (
        session.prefill(np.zeros((1, 0), np.int64), np.zeros(1, np.int64)).ids[0, 0, 0] == engine.initial[0]
    )


def test_energy_of_rapl(tmp_path):
    zone = tmp_path / "class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, text in (("name", "package-0"), ("energy_uj", "9000000"), ("max_energy_range_uj", "10000000")):
        (zone / name).write_text(text + "\n")
    meter = EnergyMeter(tmp_path, nvml="no-such-library.so")
    assert meter.sources == ["package-0 (RAPL)"]
    meter.start()
    (zone / "energy_uj").write_text("2000000\n")
    assert meter.stop() == {"package-0 (RAPL)": pytest.approx(3.0)}  # the counter started again
    assert rapl(tmp_path / "none") == {}


def test_energy_of_a_jetson(tmp_path):
    sensor = tmp_path / "bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon1"
    sensor.mkdir(parents=True)
    for channel, label, millivolts, milliamperes in ((1, "VDD_IN", 5000, 2000), (2, "VDD_SOC", 5000, 900)):
        (sensor / f"in{channel}_label").write_text(label)
        (sensor / f"in{channel}_input").write_text(str(millivolts))
        (sensor / f"curr{channel}_input").write_text(str(milliamperes))
    watts = ina(tmp_path)
    assert watts is not None
    assert watts() == pytest.approx(10.0)  # the input rail alone: the others are behind it
    sampler = PowerSampler(watts)
    sampler.start()
    assert sampler.stop() > 0
    assert ina(tmp_path / "none") is None


def test_no_energy_is_no_error(tmp_path):
    meter = EnergyMeter(tmp_path, nvml="no-such-library.so")
    meter.start()
    assert meter.stop() == {}
