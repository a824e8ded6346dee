"""Every reader on a true-format file, and on broken ones."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ser_ros.data.formats import FORMATS, read_samples
from ser_ros.errors import UserError


@pytest.fixture(scope="module")
def formats(shared_data: Path) -> Path:
    return shared_data / "formats"


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_karpathy_test_split(formats: Path) -> None:
    samples = read_samples("karpathy", formats / "dataset_coco_karpathy_entry0.json", "test")
    assert [sample.number for sample in samples] == [0, 1, 2, 3, 4]
    first = samples[0]
    assert first.image == "val2014/COCO_val2014_000000391895.jpg"
    assert first.key == "391895#0"
    assert first.caption == "A man with a red helmet on a small moped on a dirt road."


def test_karpathy_train_includes_restval(tmp_path: Path) -> None:
    images = [
        {"filepath": "val2014", "filename": f"{split}.jpg", "cocoid": number, "split": split,
         "sentences": [{"raw": f"A {split} picture."}]}
        for number, split in enumerate(["train", "restval", "val", "test"])
    ]  # fmt: skip
    path = write(tmp_path / "dataset_coco.json", {"images": images, "dataset": "coco"})
    assert [s.image_id for s in read_samples("karpathy", path)] == ["0", "1"]
    assert [s.image_id for s in read_samples("karpathy", path, "val")] == ["2"]


def test_karpathy_reads_the_authors_datalist_split_but_wants_sentences(formats: Path) -> None:
    path = formats / "authors_inferred" / "coco_karpathy_test_datalist.json"
    with pytest.raises(UserError, match=r"images 0: field 'sentences' is missing"):
        read_samples("karpathy", path, "test")


def test_llava_pretrain(formats: Path) -> None:
    (sample,) = read_samples("llava", formats / "blip_laion_cc_sbu_558k_entry0.json")
    assert sample.image == "00453/004539375.jpg"
    assert sample.question == "Render a clear and concise summary of the photo."
    assert sample.caption == "select luxury furniture 3 - inch gel memory foam mattress topper"
    assert sample.pre_caption is None


def test_authors_stage1_conversations(formats: Path) -> None:
    samples = read_samples("llava", formats / "authors_inferred" / "coco_karpathy_train_convs.json")
    assert [s.key for s in samples[:3]] == ["33909#0", "33909#1", "78381#0"]
    assert {s.question for s in samples} == {"What is in the photo?"}


def test_authors_stage2_conversations_carry_the_initial_caption(formats: Path) -> None:
    samples = read_samples("llava", formats / "authors_inferred" / "stage2_convs_with_pre_caption.json")
    assert samples[0].pre_caption == "An old white tiled bathroom with toilet and tub"
    assert all(s.pre_caption for s in samples)


def test_stage2_rows_of_one_caption_share_its_key(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}]
    rows = [
        {"id": 7, "image": "a.jpg", "conversations": turns, "pre_caption": text}
        for text in ("A dog.", "A cow.")
    ]
    assert [s.key for s in read_samples("llava", write(tmp_path / "rows.json", rows))] == ["7#0", "7#0"]


@pytest.mark.parametrize("value", ["<image>\nDescribe it.", "Describe it.\n<image>"])
def test_sharegpt4v_question_on_either_side(tmp_path: Path, value: str) -> None:
    row = {
        "id": "000000000009",
        "image": "coco/train2017/000000000009.jpg",
        "conversations": [{"from": "human", "value": value}, {"from": "gpt", "value": "Two trays of food."}],
    }
    (sample,) = read_samples("sharegpt4v", write(tmp_path / "rows.json", [row]))
    assert sample.question == "Describe it."


def test_coco_ground_truth(shared_data: Path, tmp_path: Path) -> None:
    captions = json.loads((shared_data / "coco_sample" / "captions.json").read_text())
    content = {
        "images": [{"id": row["image_id"], "file_name": row["file_name"]} for row in captions],
        "annotations": [
            {"id": number, "image_id": row["image_id"], "caption": caption}
            for number, (row, caption) in enumerate((r, c) for r in captions for c in r["captions"])
        ],
    }
    samples = read_samples("coco", write(tmp_path / "captions.json", content))
    assert len(samples) == sum(len(row["captions"]) for row in captions)
    assert samples[0].image == captions[0]["file_name"]


def test_coco_ground_truth_without_file_names_says_so(formats: Path) -> None:
    with pytest.raises(UserError, match=r"images 0: field 'file_name' is missing"):
        read_samples("coco", formats / "authors_inferred" / "coco_karpathy_test_gt.json")


def test_dci_reads_the_base_summaries_of_the_split(tmp_path: Path) -> None:
    # The schema is the one of the DCI README; the data itself cannot be redistributed.
    annotation = {
        "image": "sa_1.jpg", "short_caption": "A pier.", "extra_caption": "", "mask_keys": ["3"],
        "mask_data": {"3": {"idx": 3, "label": "pier", "caption": "wooden", "parent": -1}},
        "summaries": {"base": [f"A wooden pier, told in way {n}." for n in range(10)], "3": ["A pier."]},
        "negatives": {},
    }  # fmt: skip
    write(tmp_path / "complete" / "one.json", annotation)
    write(tmp_path / "complete" / "two.json", annotation | {"image": "sa_2.jpg"})
    write(tmp_path / "splits.json", {"train": ["one.json"], "valid": ["two.json"], "test": []})
    train = read_samples("dci", tmp_path)
    assert len(train) == 10
    assert train[9].key == "sa_1#9"
    assert {s.image_id for s in read_samples("dci", tmp_path, "valid")} == {"sa_2"}
    with pytest.raises(UserError, match="no split 'dev'"):
        read_samples("dci", tmp_path, "dev")


def test_dci_splits_name_files(tmp_path: Path) -> None:
    write(tmp_path / "splits.json", {"train": ["a.json", 5]})
    with pytest.raises(UserError, match=r"'train\[1\]' must be the name of an annotation file, found 5"):
        read_samples("dci", tmp_path)


def test_pictures_that_share_an_id_keep_their_own_truths(tmp_path: Path) -> None:
    """Mixes of datasets number their pictures anew; a truth of one must not be taught of the other."""
    entries = [
        {
            "id": 1,
            "image": image,
            "conversations": [HUMAN, {"from": "gpt", "value": "A cat."}],
            "pre_caption": said,
        }
        for image, said in (("a.jpg", "A dog."), ("b.jpg", "A cow."), ("a.jpg", "A car."))
    ]
    samples = read_samples("llava", write(tmp_path / "mix.json", entries))
    assert [(s.key, s.image) for s in samples] == [("1#0", "a.jpg"), ("1#1", "b.jpg"), ("1#0", "a.jpg")]


def test_grand_level3(formats: Path) -> None:
    (sample,) = read_samples("grand", formats / "grand_level3_sa_310343.json")
    assert sample.image == "sa_310343.jpg"
    assert sample.caption.startswith("a hot air balloon is flying high above a city")


def test_grand_release_prefers_the_dense_caption(tmp_path: Path) -> None:
    content = {"sa_1.jpg": {"objects": [], "dense_caption": {"caption": "A long one.", "details": []}}}
    (sample,) = read_samples("grand", write(tmp_path / "sa_1.json", content))
    assert sample.caption == "A long one."


HUMAN = {"from": "human", "value": "<image>"}
BROKEN = [
    ("llava", [], "holds no entries"),
    ("llava", {"a": 1}, "a JSON list is needed"),
    ("llava", [3], "entry 0: field 'itself' must be an object"),
    ("llava", [{"image": "a.jpg"}], "entry 0: field 'conversations' is missing"),
    ("llava", [{"image": "a.jpg", "conversations": [HUMAN]}], "pairs of a human and a gpt turn"),
    (
        "llava",
        [{"image": "a.jpg", "conversations": [HUMAN, HUMAN]}],
        r"conversations\[1\].*'from' must be \"gpt\"",
    ),
    (
        "llava",
        [{"image": "a.jpg", "conversations": [HUMAN, {"from": "gpt", "value": " "}]}],
        r"conversations\[1\]: field 'value' must be text that is not blank",
    ),
    (
        "coco",
        {"images": [{"id": 1, "file_name": "a"}], "annotations": [{"image_id": 2, "caption": "x"}]},
        "annotations 0",
    ),
    (
        "coco",
        {"images": [{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}], "annotations": []},
        "images 1: field 'id' must be another than that of a, found 1",
    ),
    ("karpathy", {"images": [{"split": "val", "filename": "a"}]}, "no picture of split 'train'"),
    (
        "karpathy",
        {"images": [{"split": "train", "filename": name, "cocoid": 1, "sentences": []} for name in "ab"]},
        "images 1: field 'cocoid' must be another than that of a",
    ),
    ("llava", [{"id": 1, "image": None}], "holds no picture with a caption"),
    ("llava", [{"image_id": 1, "caption": "of a prediction file"}], "holds no picture with a caption"),
    ("grand", {"a.jpg": {"captions": []}}, "picture a.jpg"),
]


@pytest.mark.parametrize(("kind", "content", "message"), BROKEN)
def test_broken_entries_are_named(tmp_path: Path, kind: str, content: object, message: str) -> None:
    path = write(tmp_path / "broken.json", content)
    with pytest.raises(UserError, match=message) as caught:
        read_samples(kind, path)
    assert "broken.json" in str(caught.value)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_unreadable_files(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError):
        read_samples(kind, tmp_path / "absent")
    cut = tmp_path / "cut.json"
    cut.write_text('{"images": [')
    with pytest.raises(UserError):
        read_samples(kind, cut)
    noise = tmp_path / "noise.json"
    noise.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError):
        read_samples(kind, noise)


def test_odd_but_real_files(tmp_path: Path) -> None:
    """Windows writes a byte order mark and its own line ends; downloads come compressed."""
    content = {
        "images": [{"id": 1, "file_name": "é.jpg"}],
        "annotations": [{"image_id": 1, "caption": "Ein Hündchen"}],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    path = tmp_path / "captions.json"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (sample,) = read_samples("coco", path)
    assert (sample.image, sample.caption) == ("é.jpg", "Ein Hündchen")
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(UserError, match=r"captions\.json is compressed; unpack it first"):
        read_samples("coco", path)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"images": [' + "9" * 5000 + "]}"])
def test_json_that_python_gives_up_on(tmp_path: Path, text: str) -> None:
    path = tmp_path / "captions.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"captions.json cannot be read as JSON"):
        read_samples("coco", path)


def test_unknown_format() -> None:
    with pytest.raises(UserError, match="choose one of coco"):
        read_samples("flickr", Path("x"))
