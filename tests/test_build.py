"""The three ways in: pip with ROS wheels, pip without, colcon; and what a broken machine is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Left behind by `pip install -e .` and by builds; each must stay out of what is built from the tree.
LEFTOVERS = shutil.ignore_patterns(
    ".git", ".venv*", "build", "install", "log", ".*_cache", ".hypothesis", "demo_output"
)
sys.path.insert(0, str(ROOT / "build_support"))

from ros_wheels import GENERATORS, installed_distribution  # noqa: E402


def run(*command: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a new shell would: without what the ROS wheels of this Python put into os.environ."""
    ours = (
        "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
        "LD_LIBRARY_PATH",
        "PYTHONPATH",
        "AMENT_PREFIX_PATH",
        "VIRTUAL_ENV",
    )
    env = {k: v for k, v in os.environ.items() if k not in ours} | environment
    return subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


def build_wheel(tree: Path, out: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", *options, "-w", out, tree]
    return run(*command, cwd=tree, **environment)


def copy_tree(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT, folder / "tree", ignore=LEFTOVERS, symlinks=True))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the working tree that a test may break."""
    return copy_tree(tmp_path)


@pytest.fixture(scope="module")
def pure_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built without ROS, from a tree as `pip install -e .` leaves it."""
    folder = tmp_path_factory.mktemp("pure")
    tree = copy_tree(folder)
    (tree / "ser_ros" / "msg").mkdir(exist_ok=True)
    (tree / "ser_ros" / "msg" / "__init__.py").write_text("")
    (tree / "ser_ros" / "libser_ros__rosidl_generator_c.so").write_bytes(b"")
    built = build_wheel(tree, folder / "out", "--no-build-isolation", SER_ROS_INTERFACES="0")
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "out").iterdir()
    return wheel


def test_without_ros_a_pure_wheel(pure_wheel: Path) -> None:
    assert pure_wheel.name.endswith("-py3-none-any.whl")
    names = set(zipfile.ZipFile(pure_wheel).namelist())
    assert not [
        name for name in names if name.startswith(("ser_ros/msg", "ser_ros/srv")) or name.endswith(".so")
    ]
    data = next(name.split("/")[0] for name in names if ".data/" in name)
    for name in (
        "ser_ros/cli.py",
        "ser_ros/graph/triples.py",
        f"{data}/data/lib/ser_ros/caption_node",
        f"{data}/data/share/ser_ros/config/fastdds_camera.xml",
        f"{data}/data/share/ser_ros/package.xml",
        f"{data}/data/share/ament_index/resource_index/packages/ser_ros",
    ):
        assert name in names
    assets = {str(p.relative_to(ROOT)) for p in (ROOT / "ser_ros").rglob("assets/**/*") if p.is_file()}
    assert assets <= names


def test_the_wheel_is_under_a_megabyte_without_its_model_and_data(pure_wheel: Path) -> None:
    members = [
        m for m in zipfile.ZipFile(pure_wheel).infolist() if not m.filename.startswith("ser_ros/assets/")
    ]
    largest = sorted(members, key=lambda member: member.compress_size, reverse=True)[:10]
    assert sum(member.compress_size for member in members) < 1_000_000, "\n".join(
        f"{member.compress_size:9,} bytes {member.filename}" for member in largest
    )


def test_an_unknown_distribution_is_named(tree: Path, tmp_path: Path) -> None:
    built = build_wheel(tree, tmp_path / "out", "--no-build-isolation", SER_ROS_INTERFACES="humble")
    assert built.returncode != 0
    assert "SER_ROS_INTERFACES=humble; it takes 0, 1, auto, kilted, jazzy" in built.stderr


@pytest.mark.parametrize(
    ("wheels", "expected"),
    [
        ({}, None),
        ({"ros_std_msgs": "5.5.1"}, None),
        ({"ros_rclpy": "9.1.2", "ros_std_msgs": "5.5.1"}, "kilted"),
        ({"ros_rclpy": "7.1.6", "ros_std_msgs": "5.3.6"}, "jazzy"),
    ],
)
def test_the_wheels_say_which_ros(wheels: dict[str, str], expected: str | None, tmp_path: Path) -> None:
    for name, version in wheels.items():
        (tmp_path / f"{name}-{version}.dist-info").mkdir()
    assert installed_distribution(tmp_path) == expected


@pytest.mark.parametrize(
    "wheels",
    [{"ros_rclpy": "9.1.2", "ros_std_msgs": "5.3.6"}, {"ros_rclpy": "3.3.0", "ros_std_msgs": "4.2.0"}],
)
def test_a_mix_of_distributions_is_one_sentence(wheels: dict[str, str], tmp_path: Path) -> None:
    for name, version in wheels.items():
        (tmp_path / f"{name}-{version}.dist-info").mkdir()
    with pytest.raises(SystemExit, match=r"all wheels must be of one of kilted, jazzy"):
        installed_distribution(tmp_path)


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("cc", "no cc: the ROS messages need a C and a C++ compiler"),
        ("python3", "no python3 here; install Python 3.10 to 3.13"),
    ],
)
def test_make_names_what_the_machine_lacks(missing: str, sentence: str, tmp_path: Path) -> None:
    for program in {"sh", "uname", "pwd", "python3", "cc", "c++", "echo"} - {missing}:
        target = sys.executable if program == "python3" else shutil.which(program)
        if target:
            (tmp_path / program).symlink_to(target)
    checked = run("build_support/check_machine.sh", "python3", ".venv", PATH=str(tmp_path))
    assert checked.returncode == 1
    assert checked.stderr.startswith(f"ser_ros: {sentence}")
    assert checked.stderr.count("\n") == 1


def test_make_is_content_with_this_machine() -> None:
    assert run("build_support/check_machine.sh", sys.executable, ".venv").returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_with_ros_wheels_a_platform_wheel_that_works(tree: Path, tmp_path: Path) -> None:
    """`pip install '.[ros]'` into an empty environment, as a user does it."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    installed = run(python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", ".[ros]", cwd=tree)
    assert installed.returncode == 0, installed.stderr
    assert (environment / "bin" / "ser_ros").is_file()
    site = next((environment / "lib").glob("python3*")) / "site-packages" / "ser_ros"
    libraries = sorted(p.name for p in site.glob("*.so"))
    assert "ser_ros_s__rosidl_typesupport_c.so" in libraries
    assert not [name for name in libraries if name.endswith("_cpp.so")]
    check = "from ser_ros.msg import Caption; from ser_ros.srv import QueryMemory; import rclpy; rclpy.init()"
    used = run(
        python, "-c", f"{check}; rclpy.create_node('n').create_publisher(Caption, 'c', 1)", cwd=tmp_path
    )
    assert used.returncode == 0, used.stderr
    assert (environment / "share/ser_ros/msg/Caption.msg").is_file()
    doctor = run(python, "-m", "ser_ros.cli", "doctor", "--json", cwd=tmp_path)
    assert '"name": "messages", "status": "ok"' in doctor.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_wrong_definition_fails_with_the_compiler_s_message(tree: Path, tmp_path: Path) -> None:
    (tree / "msg" / "SceneRelation.msg").write_text("# Wrong.\nuint99 subject\n")
    built = build_wheel(tree, tmp_path / "out", SER_ROS_INTERFACES="kilted")
    assert built.returncode != 0
    assert "uint99" in built.stderr
    assert "ser_ros: the ROS messages did not compile; the reason stands above." in built.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_without_a_compiler_the_build_says_so(tree: Path, tmp_path: Path) -> None:
    built = build_wheel(tree, tmp_path / "out", SER_ROS_INTERFACES="kilted", CXX="no-such-compiler")
    assert built.returncode != 0
    assert (
        "ser_ros: no no-such-compiler: compiling the ROS messages needs a C and a C++ compiler"
        in built.stderr
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_colcon(tree: Path, tmp_path: Path) -> None:
    """As in a ROS workspace; the ROS installation is an environment of the wheels."""
    environment = tmp_path / "ros"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    needs = [*GENERATORS["kilted"], "colcon-common-extensions==0.3.0", "setuptools<80", f"{tree}[ros]"]
    prepared = run(python, "-m", "pip", "install", "--quiet", *needs, SER_ROS_INTERFACES="0")
    assert prepared.returncode == 0, prepared.stderr
    # The package itself comes from colcon.
    run(python, "-m", "pip", "uninstall", "--yes", "--quiet", "ser-ros")
    workspace = tmp_path / "workspace"
    (workspace / "src").mkdir(parents=True)
    tree.rename(workspace / "src" / "ser_ros")
    ros = {
        "AMENT_PREFIX_PATH": str(environment),
        "CMAKE_PREFIX_PATH": str(environment),
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        # What setup.bash of a ROS installation would set.
        "LD_LIBRARY_PATH": str(environment / "lib"),
    }
    for option in ([], ["--symlink-install"]):
        shutil.rmtree(workspace / "install", ignore_errors=True)
        shutil.rmtree(workspace / "build", ignore_errors=True)
        # Only because this ROS is made of wheels (cmake/pip_wheels.cmake says why).
        wheels = f"-DCMAKE_PROJECT_ser_ros_INCLUDE={workspace}/src/ser_ros/cmake/pip_wheels.cmake"
        built = run("colcon", "build", *option, "--cmake-args", wheels, cwd=workspace, **ros)
        assert built.returncode == 0, built.stdout + built.stderr
        prefix = workspace / "install" / "ser_ros"
        for name in (
            "share/ament_index/resource_index/packages/ser_ros",
            "share/ament_index/resource_index/rosidl_interfaces/ser_ros",
            "share/ser_ros/package.xml",
            "share/ser_ros/msg/Caption.msg",
            "share/ser_ros/srv/QueryMemory.srv",
            "share/ser_ros/config/fastdds_camera.xml",
        ):
            assert (prefix / name).is_file(), name
        programs = {path.name for path in (ROOT / "scripts").iterdir()}
        assert {path.name for path in (prefix / "lib/ser_ros").iterdir()} == programs
        use = (
            "from ser_ros.msg import Caption; import ser_ros.graph.triples as t; print(Caption(), t.__file__)"
        )
        script = f". install/setup.sh && python3 -c '{use}' && install/ser_ros/lib/ser_ros/ser_ros --version"
        used = run("bash", "-c", script, cwd=workspace, **ros)
        assert used.returncode == 0, used.stderr
        assert str(prefix) in used.stdout
        assert "ser_ros 0" in used.stdout
