"""The launch files: what they start for which arguments (needs launch_ros), and that the twins are twins."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import signal
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import psutil
import pytest
import yaml

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
TWIN = "$(find-pkg-share ser_ros)/launch/caption.launch.py"
ARGUMENTS = (
    "image_topic compressed camera_namespace model device backend params_file namespace use_sim_time "
    "autostart memory viewer log_level"
)


def test_xml_and_yaml_include_the_python_file():
    includes = ElementTree.parse(LAUNCH / "caption.launch.xml").getroot().findall("include")
    assert [include.get("file") for include in includes] == [TWIN]
    (include,) = yaml.safe_load((LAUNCH / "caption.launch.yaml").read_text())["launch"]
    assert include["include"]["file"] == TWIN


def test_every_argument_is_described():
    tree = ast.parse((LAUNCH / "caption.launch.py").read_text())
    (table,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS"
    ]
    assert isinstance(table, ast.Dict)
    assert [key.value for key in table.keys] == ARGUMENTS.split()
    assert all(len(row.elts[1].value) > 10 for row in table.values)


@pytest.fixture
def start(monkeypatch):
    """`start(**arguments)` gives {executable: Node} that the launch file starts, and its variables."""
    pytest.importorskip("launch_ros", reason="launch_ros is not installed (it is not on PyPI)")
    from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable

    from launch import LaunchContext

    prefixes = [sys.prefix, *filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))]
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(prefixes))

    def run(**arguments):
        spec = importlib.util.spec_from_file_location("caption_launch", LAUNCH / "caption.launch.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        context = LaunchContext()
        context.launch_configurations.update(arguments)
        variables = {}
        for entity in module.generate_launch_description().entities:
            if isinstance(entity, DeclareLaunchArgument):
                entity.execute(context)
            elif isinstance(entity, SetEnvironmentVariable):
                variables[context.perform_substitution(entity.name[0])] = context.perform_substitution(
                    entity.value[0]
                )
        return {node.node_executable: node for node in module.nodes(context)}, variables

    return run


def test_both_nodes_and_the_profile(start, monkeypatch):
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    nodes, variables = start()
    assert set(nodes) == {"caption_node", "memory_node"}
    assert variables["FASTDDS_DEFAULT_PROFILES_FILE"].endswith("config/fastdds_camera.xml")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/mine.xml")
    assert start()[1]["FASTDDS_DEFAULT_PROFILES_FILE"] == "/mine.xml"


def test_memory_and_viewer_are_optional(start):
    assert set(start(memory="false")[0]) == {"caption_node"}
    assert "viewer_node" in start(viewer="rerun")[0]
    assert "rviz2" in start(viewer="rviz")[0]
    assert "foxglove_bridge" in start(viewer="foxglove")[0]


def test_what_is_missing_ends_the_launch_before_a_node_starts(start):
    for viewer, program in (("rviz", "rviz2"), ("foxglove", "foxglove_bridge")):
        assert next(iter(start(viewer=viewer)[0])) == program
    with pytest.raises(RuntimeError, match=r"params_file /nothing\.yaml does not exist"):
        start(params_file="/nothing.yaml")


def test_a_wrong_choice_is_refused(start):
    with pytest.raises(RuntimeError, match="backend"):
        start(backend="magic")


@pytest.mark.slow
@pytest.mark.parametrize("language", ["py", "xml", "yaml"])
def test_ctrl_c_twice_ends_both_nodes(language, toy_folder, tmp_path, start_process):
    ros2 = shutil.which("ros2", path=f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}")
    if ros2 is None:
        pytest.skip("the command ros2 is not installed (it is not on PyPI)")
    parameters = tmp_path / "memory.yaml"
    parameters.write_text("/**/memory_node:\n  ros__parameters:\n    store: ''\n")
    prefixes = [sys.prefix, *filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep))]
    arguments = [f"model:={toy_folder}", "image_topic:=eye", "namespace:=bot", f"params_file:={parameters}"]
    process = start_process(
        [ros2, "launch", "ser_ros", f"caption.launch.{language}", *arguments],
        env={**os.environ, "AMENT_PREFIX_PATH": os.pathsep.join(prefixes)},
    )
    process.wait_for("[bot.memory_node]: active (")
    process.wait_for("[bot.caption_node]: active (listening to /bot/eye;")
    for child in psutil.Process(process.popen.pid).children():
        child.send_signal(signal.SIGINT)  # a terminal sends it to all; launch sends one more to each
    assert process.interrupt() == 0
    assert process.output.count("process has finished cleanly") == 2, process.output
