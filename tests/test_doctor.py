"""`ser_ros doctor` on good and broken machines: real processes, real files, no mocks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ser_ros.doctor import show
from ser_ros.health import Check, captioning, machine, ros
from ser_ros.runtime.onnx_folder import FORMAT, MANIFEST
from tests.processes import python_module

ROOT = Path(__file__).resolve().parents[1]

pytest.importorskip("torch")
with_ros = pytest.mark.skipif(find_spec("rclpy") is None, reason="no ROS here")
ABSENT = "raise ModuleNotFoundError('no module', name=__name__)"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.model.toys import toy_model

    folder = tmp_path_factory.mktemp("models") / "toy"
    toy_model().save_pretrained(folder)
    return folder


@pytest.fixture
def graphs(tmp_path: Path) -> Path:
    """A folder of ONNX graphs as far as the doctor looks: what runs without torch."""
    folder = tmp_path / "graphs"
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT}))
    return folder


def doctor(*arguments: object, absent: tuple[str, ...] = ("torch",), **environment: str) -> tuple[int, dict]:
    """Exit code, and the rows by name; without the modules `absent`, torch among them because it is slow."""
    with TemporaryDirectory() as folder:
        for module in absent:
            Path(folder, f"{module}.py").write_text(ABSENT, encoding="utf-8")
        path = os.pathsep.join([environment.pop("PYTHONPATH", ""), folder, str(ROOT)])
        answer = subprocess.run(
            python_module("ser_ros.cli", "doctor", "--json", *map(str, arguments)),
            env=os.environ | environment | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert "Traceback" not in answer.stderr
    report = json.loads(answer.stdout)
    assert report["ok"] == (answer.returncode == 0)
    return answer.returncode, {check["name"]: check for check in report["checks"]}


def test_it_knows_every_dependency() -> None:
    tomllib = pytest.importorskip("tomllib")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert list(machine.LIBRARIES) == [re.split(r"[<>=]", line)[0] for line in project["dependencies"]]


@with_ros
def test_a_complete_machine(model: Path) -> None:
    code, rows = doctor("--nodes", "--model", model, absent=())
    assert code == 0, rows
    for name in ("interpreter", "package", "libraries", "torch", "model", "rclpy", "messages", "RMW"):
        assert rows[name]["status"] == "ok", rows[name]
    assert rows["Fast DDS profile"]["status"] == "ok", "tests/conftest.py sets our profile"
    assert "64 MiB" in rows["Fast DDS profile"]["found"]
    assert {"memory", "Java", "ONNX Runtime", "AMENT_PREFIX_PATH"} <= rows.keys()
    assert all(row["status"] == "ok" or row["fix"] for row in rows.values()), "every lack says what to do"


def test_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    bad = Check("model", "missing", "there is no model folder [x]", "give one with --model DIR", needed=True)
    show([Check("torch", "missing", "not installed", "pip install torch"), bad], well=False)
    shown = capsys.readouterr().out
    assert "missing (optional)" in shown
    assert "there is no model folder [x]" in shown, "brackets are no markup"
    assert shown.endswith("Something needed is missing: see the rows in red.\n")


def test_a_missing_model_folder_is_named(tmp_path: Path) -> None:
    code, rows = doctor("--model", tmp_path / "nothing")
    assert code == 1
    assert rows["model"]["status"] == "missing"
    assert str(tmp_path / "nothing") in rows["model"]["found"]


def test_cut_weights_are_found(model: Path, tmp_path: Path) -> None:
    for file in model.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    assert captioning._count_weights(tmp_path) == captioning._count_weights(model) > 1000
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(captioning.UserError, match="cut short"):
        captioning._count_weights(tmp_path)
    assert captioning._model(tmp_path, {"torch": True, "onnx": True}).status == "missing"
    weights.write_bytes(b"\xff" * 4)
    with pytest.raises(captioning.UserError, match="cut short"):
        captioning._count_weights(tmp_path)


def test_broken_libraries_say_their_error(model: Path, tmp_path: Path) -> None:
    library = "libcudart.so.12: cannot open shared object file"
    (tmp_path / "onnxruntime.py").write_text(f"raise OSError({library!r})", encoding="utf-8")
    (tmp_path / "lemminflect.py").write_text("import no_such_module_of_lemminflect", encoding="utf-8")
    code, rows = doctor("--model", model, PYTHONPATH=str(tmp_path))
    assert code == 1
    assert rows["ONNX Runtime"]["found"] == f"OSError: {library}"
    assert "no_such_module_of_lemminflect" in rows["libraries"]["found"]


def test_a_backend_that_runs_the_model_is_needed(model: Path, graphs: Path) -> None:
    code, rows = doctor("--model", graphs)
    assert (code, rows["torch"]["status"], rows["model"]["status"]) == (0, "missing", "ok")
    code, rows = doctor("--model", model)
    assert (code, rows["ONNX Runtime"]["status"], rows["model"]["status"]) == (1, "ok", "missing")
    assert "ser_ros export" in rows["model"]["fix"]
    code, rows = doctor("--model", graphs, absent=("torch", "onnxruntime"))
    assert (code, rows["backend"]["status"], rows["model"]["status"]) == (1, "missing", "missing")


@with_ros
def test_ros_that_does_not_import_stops_only_the_nodes(graphs: Path) -> None:
    code, rows = doctor("--model", graphs, absent=("torch", "rclpy"))
    assert (code, rows["rclpy"]["status"]) == (0, "missing")
    assert "RMW" not in rows
    code, _ = doctor("--nodes", "--model", graphs, absent=("torch", "rclpy"))
    assert code == 1


@with_ros
def test_the_folder_it_is_called_in_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `pip install .` a user stands in the source tree, where no messages are compiled."""
    (tmp_path / "ser_ros").mkdir()
    (tmp_path / "ser_ros" / "__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    found, error = ros._probe()
    assert "messages" in found, error


@with_ros
def test_an_rmw_that_is_not_installed(model: Path) -> None:
    code, rows = doctor("--nodes", "--model", model, RMW_IMPLEMENTATION="rmw_nothing_cpp")
    assert (code, rows["rclpy"]["status"]) == (1, "missing")
    assert "RMW_IMPLEMENTATION=rmw_nothing_cpp" in rows["rclpy"]["fix"]


@with_ros
@pytest.mark.parametrize("domain", ["233", "kitchen"])
def test_a_domain_that_no_node_can_start_in(model: Path, domain: str) -> None:
    code, rows = doctor("--nodes", "--model", model, ROS_DOMAIN_ID=domain)
    assert (code, rows["RMW"]["status"]) == (1, "missing")
    assert rows["RMW"]["fix"] == "set ROS_DOMAIN_ID to a number of 0 to 232"


@pytest.mark.parametrize(
    ("profile", "expected", "found"),
    [
        (None, "warning", "default"),
        ("<dds><segment_size>1024</segment_size></dds>", "warning", "1024 bytes"),
        ("<dds></dds>", "warning", "0 bytes"),
        ("<dds>", "missing", "cannot be used"),
        ((ROOT / "config" / "fastdds_camera.xml").read_text(encoding="utf-8"), "ok", "64 MiB"),
    ],
)
def test_the_profile_in_force(
    profile: str | None, expected: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ros.PROFILE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if profile is not None:
        (tmp_path / "profile.xml").write_text(profile, encoding="utf-8")
        monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(tmp_path / "profile.xml"))
    check = ros._profile()
    assert check.status == expected
    assert found in check.found
    assert expected == "ok" or "fastdds_camera.xml" in check.fix


def test_the_prefix_that_ros2_launch_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert ros._prefix().status == "warning"
    marker = tmp_path / ros.MARKER
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert ros._prefix().status == "ok"
