"""Video questions: the benchmarks' files, captions that are kept, and failures that stay failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ser_ros.cli import main
from ser_ros.errors import UserError
from ser_ros.eval.video_qa import parse_letter
from ser_ros.eval.video_questions import read_questions
from tests.llm_server import save_tiny_llm, serve
from tests.model.toys import toy_model


@pytest.mark.parametrize(
    ("answer", "index"),
    [
        ("B", 1), ("(C) because", 2), ("The answer is D.", 3), ("b", 1), ("A man walks. E", 0),
        ("F", None), ("I'm not sure", None), ("", None), ("Because", None),
    ],
)  # fmt: skip
def test_the_first_letter(answer: str, index: int | None) -> None:
    assert parse_letter(answer, 5) == index


def test_ego_schema(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "formats" / "egoschema_questions_sample.json"
    questions = read_questions("egoschema", path)
    assert len(questions) == 20
    assert all(len(q.options) == 5 and q.truth is None and q.video == q.id for q in questions)
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({questions[3].id: 4}))
    assert [q.truth for q in read_questions("egoschema", path, answers)] == [4]
    with pytest.raises(UserError, match="answers none"):
        read_questions("egoschema", path, shared_data / "formats" / "egoschema_subset_answers.json")


def test_next_qa_and_video_mme(tmp_path: Path) -> None:
    table = tmp_path / "val.csv"
    head = "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4\n"
    table.write_text(head + "4010,369,640,480,why is he there,2,7,CW,eat,sit,play,run,go\n")
    (question,) = read_questions("nextqa", table)
    assert (question.id, question.video, question.truth, question.options[2]) == ("4010_7", "4010", 2, "play")
    table.write_text(head + "4010,369,640,480,why is he there,9,7,CW,eat,sit,play,run,go\n")
    with pytest.raises(UserError, match="line 2: the answer must be 0 to 4, found 9"):
        read_questions("nextqa", table)
    entries = {
        "q1": {"videoID": "v", "question": "what?", **{f"option {i}": str(i) for i in range(4)}, "truth": "C"}
    }
    file = tmp_path / "mme.json"
    file.write_text(json.dumps(entries))
    (question,) = read_questions("videomme", file)
    assert (question.video, question.truth) == ("v", 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds no question"),
        ([{"q_uid": "a", "question": "what?"}], "question a: needs 'option 0'"),
        (
            [{"q_uid": "../a", "question": "what?", "option 0": "x", "option 1": "y"}],
            r"the video '\.\./a' is no plain file name",
        ),
    ],
)
def test_bad_questions(content: object, message: str, tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=message):
        read_questions("egoschema", tmp_path / "questions.json")


def test_a_video_that_is_not_there_is_told_before_the_first_is_captioned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = [{"q_uid": i, "question": "what?", "option 0": "x", "option 1": "y"} for i in ("a", "b")]
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    (tmp_path / "a.mp4").write_bytes(b"no video, and never opened")
    command = ["videoqa", "--questions", str(tmp_path / "questions.json"), "--captions", str(tmp_path)]
    command += ["--llm", "none", "--base-url", "http://127.0.0.1:9/v1"]
    assert main([*command, "--videos", str(tmp_path)]) == 2
    assert f"{tmp_path} has no video b" in capsys.readouterr().err
    assert main([*command, "--videos", str(tmp_path / "none")]) == 2
    assert "none does not exist" in capsys.readouterr().err


@pytest.mark.slow
def test_from_video_to_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    av = pytest.importorskip("av")
    import numpy as np

    videos = tmp_path / "videos"
    videos.mkdir()
    with av.open(str(videos / "v.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(30):
            image = np.full((48, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    toy_model().save_pretrained(tmp_path / "model")
    questions = {
        f"q{i}": {"videoID": "v", "question": "what?", "option 0": "a", "option 1": "b", "truth": i}
        for i in (0, 1)
    }
    (tmp_path / "questions.json").write_text(json.dumps(questions))
    llm = save_tiny_llm(tmp_path / "llm", ["The answer is B", "."])
    command = ["videoqa", "--format", "videomme", "--questions", str(tmp_path / "questions.json"), "--json"]
    command += [
        "--captions",
        str(tmp_path / "captions"),
        "--llm",
        str(llm),
        "--model",
        str(tmp_path / "model"),
    ]
    with serve(llm) as url:
        command += ["--base-url", url, "--device", "cpu"]
        assert main(command) == 2
        assert "give --videos" in capsys.readouterr().err
        assert main([*command, "--videos", str(videos)]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["accuracy"], result["failed"], result["graded"]) == (0.5, 0, 2)
        kept = json.loads((tmp_path / "captions" / "v.json").read_text())
        assert len(kept["captions"]) == 3
        assert main([*command, "--rate", "2"]) == 2
        assert "frames a second" in capsys.readouterr().err


def test_answers_and_options_that_cannot_be_are_named(tmp_path: Path) -> None:
    table = tmp_path / "questions.csv"
    table.write_text("\ufeffvideo,question,answer,qid,a0,a1\r\n1,why?,²,3,a,b\r\n", encoding="utf-8")
    (question,) = read_questions("nextqa", table)
    assert (question.video, question.truth) == ("1", None)
    path = tmp_path / "questions.json"
    for count, fits in ((26, True), (27, False)):
        options = {f"option {number}": f"o{number}" for number in range(count)}
        path.write_text(json.dumps({"q": {"question": "what?", "videoID": "v", **options}}))
        if fits:
            assert len(read_questions("videomme", path)[0].options) == 26
        else:
            with pytest.raises(UserError, match="at most 26 of them"):
                read_questions("videomme", path)
