# ruff: noqa: RUF001 -- captions have typographic quotes
"""PTB tokens against Stanford's own: real pairs, cases by class, and the jar where Java is here."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ser_ros.eval import ptb
from ser_ros.eval.ptb import COCO_PUNCTUATION, tokenize, tokenize_coco, tokenize_corpus
from tests.processes import python_module

# Each line is what CoreNLP 3.4.1 printed for the caption, the next caption beginning "A ".
CASES = [
    ("dog -rrb- cat -LSB-b a-lsb-", "dog -rrb- cat -lsb- b a-lsb -"),
    ("It's a dog's life, they don't can't WON'T.", "it 's a dog 's life , they do n't ca n't wo n't ."),
    ("cannot gonna gotta gimme lemme wanna", "can not gon na got ta gim me lem me wan na"),
    ("'Tis the '90s and '50 o'clock", "'t is the '90s and '50 o'clock"),
    ("rock 'n' roll y'all ol' ma'am", "rock 'n' roll y' all ol' ma'am"),
    ("a 'red' sign, graffiti'ed po'boy", "a ` red ' sign , graffiti'ed po ` boy"),
    ("dogs' don’t it’s ‘a’ “b”", "dogs ' do n't it 's ` a ' `` b ''"),
    ('"Stop" (a "$5" sign)', "`` stop '' -lrb- a `` $ 5 '' sign -rrb-"),
    ("the t.v. in the U.S. The", "the t.v. in the u.s. . the"),
    ("the t.v.", "the t.v. ."),
    ("St. and Ave. and Blvd. Man etc.", "st. and ave. and blvd. . man etc. ."),
    ("down a road., and end..", "down a road. , and end . ."),
    ("no. 5 no. vs. Dr. Ph.D.", "no. 5 no . vs. dr. ph.d. ."),
    ("at 1:42pm, 10:07. 5 p.m.", "at 1:42 pm , 10:07 . 5 p.m. ."),
    ("22 3/4 st ½ 3-1/2", "22\u00a03/4 st 1/2 3-1/2"),
    ("(555) 555-1234 12/25/2010 -5 +5 5,000 5%", "-lrb-555-rrb-\u00a0555-1234 12/25/2010 -5 +5 5,000 5 %"),
    ("park.the street.A a.b.c", "park.the street.a a.b.c"),
    ("wow!! what?! a... b…", "wow !! what ?! a. . . b ..."),
    ("a--b – a---b well-known U.S.-based", "a -- b -- a -- b well-known u.s.-based"),
    ("his/her a/b/c/d w/ 1/2-inch", "his/her a/b/c / d w / 1/2-inch"),
    ("AT&T &amp; a&b <b> <3 :) :-(", "at&t & a & b <b> < 3 :-rrb- :--lrb-"),
    ("www.a.com foo@bar.com @user #tag 5.jpg", "www.a.com foo@bar.com @user #tag 5.jpg"),
    ("£5 €5 5¢ US$5 # 1 C++", "# 5 $ 5 5 cents us$ 5 # 1 c++"),
    ("café 北京市 naïve 😀 5° [x] {y}", "café 北京市 naïve 5 ° -lsb- x -rsb- -lcb- y -rcb-"),
    ("dis. . .a", "dis ... a"),
    ("don'tß can'té5 po'e\u0301 n\u0303o'Hare", "do n'tß ca n'té 5 po'e \u0301 n\u0303o ` hare"),
    ("'80S the '80s, the '60Sx", "'80s the '80s , the '60s x"),
    ("ARk. 5 pTe. mfG. and PTE.", "ark. 5 pte. mfg. and pte ."),
    ("&NBSP;a &LT; b &Quot; &apos; &EACUTE;t", "a < b &quot; ' &eacute;t"),
    ("★ \u3000flickr.com/photos/me google.com/🐶", "★ flickr.com/photos/me google.com/🐶"),
    ("a.com/b\u00adc d\u00ade@f.com g\u00adh.txt i\u00adj", "a.com/b\u00adc d\u00ade@f.com g\u00adh.txt ij"),
    ("", ""),
    ("  \t ", ""),
]


@pytest.mark.parametrize(("caption", "tokens"), CASES)
def test_a_case_class(caption: str, tokens: str) -> None:
    assert " ".join(tokenize(caption)) == tokens


def test_real_captions(shared_data: Path) -> None:
    pairs = shared_data / "ptb_pairs"
    with gzip.open(pairs / "dev_raw.txt.gz", "rt") as raw, gzip.open(pairs / "dev_ptb.txt.gz", "rt") as ptb:
        differing = [
            caption
            for caption, tokens in zip(raw, ptb, strict=True)
            if " ".join(tokenize(caption.rstrip("\n"))) != tokens.rstrip("\n")
        ]
    # These end in an acronym, and in COCO's file the next line began with no word that opens a sentence.
    assert [caption.strip()[-5:] for caption in differing] == [" r.v.", "00 N.", " t.v."]
    alone = [" ".join(tokenize(caption.strip(), "Three dogs\n"))[-5:] for caption in differing]
    assert alone == [" r.v.", "00 n.", " t.v."]


def test_coco_removes_punctuation_but_not_brackets() -> None:
    assert tokenize_coco('Two "red" (big) dogs, !') == ["two", "red", "-lrb-", "big", "-rrb-", "dogs"]


@given(st.text())
@example("a\u2028b\x00c\u0130")
def test_any_text_gives_clean_tokens(caption: str) -> None:
    tokens = tokenize(caption)
    assert all(token and " " not in token and "\n" not in token for token in tokens)


WORDS = [
    "dog",
    ".",
    ",",
    "'",
    '"',
    "t.v.",
    "St.",
    "22",
    "3/4",
    "n't",
    "a-",
    "-b",
    "(c)",
    "...",
    "?!",
    "The",
    "A",
]


@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_the_fast_path_changes_nothing(words: list[str]) -> None:
    caption = " ".join(words)
    assert tokenize(caption) == list(ptb._lex_alone(caption))


ALPHABET = "abnstdlIAM0159 .,'\"-!?:;()/&$#@_“”’…é"
WITH_JAVA = pytest.mark.skipif(
    not shutil.which("java") or find_spec("pycocoevalcap") is None, reason="Stanford's tokeniser needs Java"
)


def stanford(lines: list[str], file: Path) -> list[str]:
    """Tokens of each line of one file, as CoreNLP 3.4.1 prints them."""
    jar = next(iter(find_spec("pycocoevalcap").submodule_search_locations))
    file.write_text("".join(f"{line}\n" for line in lines))
    command = ["java", "-cp", f"{jar}/tokenizer/stanford-corenlp-3.4.1.jar"]
    command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase", str(file)]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\n")[: len(lines)]


@WITH_JAVA
@pytest.mark.parametrize("seed", range(3))
def test_against_stanfords_tokeniser(tmp_path: Path, seed: int) -> None:
    # Not hypothesis: it draws constants of whatever modules are loaded, so its captions differ by run.
    dice = random.Random(seed)
    captions = ["".join(dice.choices(ALPHABET, k=dice.randrange(31))) for _ in range(300)]
    alternating = [line for caption in captions for line in (caption, "A z")]
    expected = stanford(alternating, tmp_path / "captions.txt")[::2]
    assert [" ".join(tokenize(caption)) for caption in captions] == expected


ENDINGS = ["r.v.", "t.v.", "N.", "St.", "D.C.", "no.", "etc.", "Mt.", "it's"]
BEGINNINGS = ["A dog", "Three dogs", "a dog", "", " ", "The", "5 dogs", "People", "(A", '"A', "It is", "St."]


@WITH_JAVA
def test_captions_of_one_file_end_as_the_next_line_says(tmp_path: Path) -> None:
    dice = random.Random(0)
    captions = [f"{dice.choice(BEGINNINGS)} {dice.choice(ENDINGS)}".strip() for _ in range(600)]
    captions[::10] = BEGINNINGS * 5
    expected = stanford(captions, tmp_path / "captions.txt")
    kept = [[t for t in line.split(" ") if t and t not in COCO_PUNCTUATION] for line in expected]
    assert tokenize_corpus(captions) == kept


def test_the_verb(tmp_path: Path) -> None:
    captions = tmp_path / "captions.txt"
    captions.write_bytes(b"A man's t.v., ok.\n\nTwo dogs\r\n")
    run = python_module("ser_ros.cli", "tokenize", str(captions))
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == (
        "a man 's t.v. , ok .\n\ntwo dogs\n"
    )
    answer = subprocess.run([*run, "--coco", "--json"], capture_output=True, text=True, check=True).stdout
    assert json.loads(answer) == {"tokens": [["a", "man", "'s", "t.v.", "ok"], [], ["two", "dogs"]]}
    captions.write_bytes(b"\xff\xfe")
    bad = subprocess.run(run, capture_output=True, text=True, check=False)
    assert bad.returncode == 2
    assert "line 1" in bad.stderr
    assert "UTF-8" in bad.stderr
