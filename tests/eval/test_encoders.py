"""BERTScore and CAPTURE with encoder folders on disk: a tiny BERT made here, and real MiniLM where it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ser_ros.errors import UserError
from ser_ros.eval.bert_score_metric import bert_score
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.capture import TextEncoder, capture
from ser_ros.graph.memory.embeddings import find_folder

PAIRS = [
    CaptionPair("1", "a red chair next to a table", ["a red chair by a wooden table", "there is a chair"]),
    CaptionPair("2", "a cat on the grass", ["two dogs run on the grass", "a pair of dogs in a field"]),
    CaptionPair("3", "a man watching tv", ["a man watching tv", "the man watches television"]),
]
WORDS = sorted(
    {word for pair in PAIRS for text in (pair.candidate, *pair.references) for word in text.split()}
)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers with random weights, as transformers saves it."""
    torch = pytest.importorskip("torch")
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("encoder") / "tiny-bert"
    special = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    words = [*special.values(), *WORDS]
    pieces = BertWordPieceTokenizer({word: number for number, word in enumerate(words)})
    names = {f"{name}_token": token for name, token in special.items()}
    PreTrainedTokenizerFast(
        tokenizer_object=pieces._tokenizer, model_max_length=512, **names
    ).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(words), **sizes)).save_pretrained(folder)
    return folder


def test_bert_score(bert: Path) -> None:
    metric = bert_score(PAIRS, bert, 2)
    assert metric.per_image[2] == pytest.approx(1, abs=1e-5)  # one of the references says just that
    assert metric.per_image[2] > metric.per_image[0] > metric.per_image[1]
    assert metric.note == "model tiny-bert, layer 2, raw"
    rescaled = bert_score(PAIRS, bert, 2, baseline=0.5)
    assert rescaled.value == pytest.approx((metric.value - 0.5) / 0.5)
    silent = bert_score([CaptionPair("1", "", ["a chair"])], bert, 2)
    assert silent.value == 0


def test_bert_score_is_that_of_its_authors(bert: Path) -> None:
    library = pytest.importorskip("bert_score", reason="their package is bert-score")
    candidates, references = [p.candidate for p in PAIRS], [p.references for p in PAIRS]
    for layer in (1, 2):
        theirs = library.score(candidates, references, model_type=str(bert), num_layers=layer, device="cpu")[
            2
        ]
        np.testing.assert_allclose(bert_score(PAIRS, bert, layer).per_image, theirs.numpy(), atol=1e-5)


def test_encoders_that_are_none(bert: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json"):
        bert_score(PAIRS, tmp_path, 2)
    with pytest.raises(UserError, match="tiny-bert has layers 0 to 2; --bert-layer 9"):
        bert_score(PAIRS, bert, 9)
    with pytest.raises(UserError, match="--encoder"):
        TextEncoder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"--encoder .* holds no encoder that can be read"):
        TextEncoder(tmp_path)
    shutil.copytree(bert, tmp_path / "pickled")
    (tmp_path / "pickled/model.safetensors").rename(tmp_path / "pickled/pytorch_model.bin")
    with pytest.raises(UserError, match=r"pytorch_model\.bin may run code when loaded"):
        bert_score(PAIRS, tmp_path / "pickled", 2)
    (tmp_path / "pickled/model.safetensors").write_bytes(b"cut short")
    with pytest.raises(UserError, match=r"--bert-model .* holds no encoder that can be read"):
        bert_score(PAIRS, tmp_path / "pickled", 2)


def test_capture_with_a_real_encoder() -> None:
    try:
        folder = find_folder("installed")
    except UserError as missing:
        pytest.skip(str(missing))
    encoder = TextEncoder(folder)
    sofa, couch = encoder.embed(["sofa", "couch"])
    assert sofa @ couch == pytest.approx(0.86, abs=0.01)
    exact, soft = capture(PAIRS), capture(PAIRS, encoder)
    assert soft.name == "CAPTURE(variant)"
    assert f"encoder {folder.name}" in soft.note
    assert (soft.per_image >= exact.per_image - 1e-9).all()
    assert soft.value > exact.value
