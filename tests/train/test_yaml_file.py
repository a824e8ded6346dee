"""YAML that people write: the same mistake has the same sentence in every recipe, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.eval import paper_tables
from ser_ros.eval.predict import load_predict_recipe
from ser_ros.train.contrastive_recipe import load_contrastive
from ser_ros.train.recipe_file import load_recipe
from ser_ros.train.yaml_file import read_yaml


def load_table(path: Path, changes: tuple[str, ...] = ()) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paper_tables, "share_path", lambda _: path)
        return paper_tables.load_table("t")


RECIPES = {"train": load_recipe, "contrastive": load_contrastive, "predict": load_predict_recipe}
FILES = {**RECIPES, "table": load_table}


@pytest.mark.parametrize("load", FILES.values(), ids=FILES)
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "recipe {path} cannot be read: No such file or directory"),
        ("a: [", "recipe {path} is not valid YAML: while parsing a flow node"),
        ("- 1", "recipe {path} must be a mapping of parameters"),
        ("titel: 1", "{path}: unknown parameter 'titel'; "),
        (
            "a: 1\nb: 2\n\n'a': 3",
            "recipe {path}, line 4: 'a' is already given in line 1; keep one of the two",
        ),
        ("x:\n- y: {b: 1,\n      b: 2}", "recipe {path}, line 3: 'b' is already given in line 2;"),
        ("a: !!bool x", "recipe {path} is not valid YAML: "),
        ("a: 2026-13-45", "recipe {path} is not valid YAML: month must be in 1..12"),
        ("a: " + "[" * 10_000, "recipe {path} is not valid YAML: "),
    ],
)
def test_the_same_mistake_has_the_same_sentence(
    load: Callable[..., object], text: str | None, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError) as said:
        load(path)
    assert str(said.value).startswith(sentence.format(path=path))
    assert "\n" not in str(said.value)


@pytest.mark.parametrize("load", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("device", "--set device: write KEY=VALUE, e.g. stages.stage1.epochs=2"),
        ("device=[", "--set device=[: [ is not valid YAML"),
        ("device={a: 1, a: 2}", "--set device={{a: 1, a: 2}}: 'a' is given twice; keep one of the two"),
        ("device.x=1", "{path}: device must be str, found {{'x': 1}}"),
        ("device=1", "{path}: device must be str, found 1; put it in quotes"),
        ("devise=cpu", "{path}: unknown parameter 'devise'; did you mean 'device'?"),
    ],
)
def test_the_same_wrong_change_has_the_same_sentence(
    load: Callable[..., object], change: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    path.touch()
    with pytest.raises(UserError) as said:
        load(path, [change])
    assert str(said.value) == sentence.format(path=path)


def test_keys_may_stand_again_in_other_mappings_and_over_merged_ones(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("z: {d: {base: &b {<<: &a {x: 1}, x: 2}}}\ny: {<<: *b, x: 3}\nx: [{x: 1}, {x: 2}]\n")
    assert read_yaml(path) == {
        "z": {"d": {"base": {"x": 2}}},
        "y": {"x": 3},
        "x": [{"x": 1}, {"x": 2}],
    }


YAML_LIKE = st.text(alphabet="ab12.:-,[]{}&*!<>|?#'\"\\ \n\t~%@\u00e9", max_size=60)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("yaml") / "r.yaml"


@given(text=YAML_LIKE, change=YAML_LIKE)
def test_any_text_is_read_or_refused_in_a_sentence(file: Path, text: str, change: str) -> None:
    file.write_text(text, encoding="utf-8")
    with suppress(UserError):
        read_yaml(file, [change])
    with suppress(UserError):
        read_yaml(file, [f"a.b.0={change}"])


@given(
    st.dictionaries(
        st.text("abc", min_size=1),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    )
)
def test_what_yaml_writes_is_read(file: Path, content: dict[str, object]) -> None:
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    assert read_yaml(file) == content
