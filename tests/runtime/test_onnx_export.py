"""What `ser_ros export` refuses, and what it leaves behind."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from ser_ros.errors import UserError
from ser_ros.model.config import LanguageConfig, LoraConfig, TowerConfig
from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.onnx_export import export
from tests.model.toys import toy_config, toy_model


@pytest.mark.parametrize("int8", [False, True])
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path, int8):
    """A limit on the size of a file stands for the full disk: the write is refused in the same way."""
    toy_model(0).save_pretrained(tmp_path / "model")
    code = (
        "import resource, sys; from ser_ros.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["export", tmp_path / "model", tmp_path / "graphs", *(["--int8"] if int8 else [])]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2, done.stderr
    assert f"cannot write {tmp_path / 'graphs'}" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_export_leaves_other_folders_alone(tmp_path_factory, tmp_path):
    source = tmp_path_factory.mktemp("export") / "model"
    toy_model(0).save_pretrained(source)
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UserError, match="not an earlier export"):
        export(source, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    model = SerModel.from_pretrained(source)
    assert model.config.deeplens
    graphs = tmp_path / "graphs"
    export(source, graphs)
    export(source, graphs)  # an earlier export is replaced
    assert {file.name for file in tmp_path.iterdir()} == {"thesis.txt", "graphs"}


@pytest.mark.parametrize("kind", ["llama", "lora", "cross_attention", "siglip2"])
def test_what_cannot_be_exported_is_named(tmp_path, kind):
    config = toy_config()
    sizes = {
        "vocab_size": 400, "hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 256,
    }  # fmt: skip
    patches = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2}
    changes = {
        "llama": {"language": LanguageConfig(kind="llama", sizes=sizes)},
        "lora": {"language": replace(config.language, lora=LoraConfig(rank=2, targets=("q_proj",)))},
        "cross_attention": {"connector": replace(config.connector, kind="cross_attention")},
        "siglip2": {"towers": (TowerConfig("siglip2", {**patches, "num_patches": 4, "patch_size": 14}),)},
    }[kind]
    if kind == "lora":
        pytest.importorskip("peft")
    toy_model(0, **changes).save_pretrained(tmp_path / "model")
    with pytest.raises(UserError, match=f"(?i){kind}"):
        export(tmp_path / "model", tmp_path / "graphs")
    assert not (tmp_path / "graphs").exists()
