"""The Penn Treebank tokens of a caption, as every COCO score counts them.

COCO's numbers rest on Stanford's PTBTokenizer (CoreNLP 3.4.1, lower-cased, one caption a line).
This module gives the same tokens without Java: a longest-match lexer whose rules are in
`ser_ros.eval.ptb_rules`, and a fast path for the plain words that make up most of a caption.

Stanford's lexer sees the whole file: whether the period of a last word ("the t.v.", "sign B.") also
ends the sentence depends on the first word of the next line.  `tokenize` takes a caption alone, with
its end for the end of a sentence; `tokenize_corpus` takes captions as the lines of one file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ser_ros.eval.ptb_rules import rules_for

COCO_PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
"""What COCO removes after tokenising.  Its brackets are in upper case and therefore never match."""

# What Stanford's lexer takes for the start of a new sentence on the next line.
_NEXT_SENTENCE = "A "

# Words whose tokens cannot depend on their neighbours: letters with inner hyphens, then punctuation
# that no longer rule reaches across ("word.", "word,").
_PLAIN = re.compile(r"([A-Za-z]+(?:-[A-Za-z]+)*)([.,;?]?)\Z")
_CHUNK = re.compile(r"[^ ]+")
_OTHER_SPACES = "\t\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000"
_LINE_BREAKS = re.compile(r"\r\n|[\r\n\u2028\u2029\x0b\x0c\x85]")
_CACHE_SIZE = 200_000

_plain_words: dict[str, tuple[str, ...] | None] = {}


def tokenize(caption: str, following: str = _NEXT_SENTENCE) -> list[str]:
    """Split one caption into lower-case PTB tokens, punctuation included.

    Args:
        caption: one caption.
        following: the lines after it where it stands in a file; by default a new sentence.

    Line breaks inside the caption count as spaces, as in COCO's own evaluation.
    A fraction's space is U+00A0 ("22\\u00a03/4" is one token), brackets are "-lrb-" and "-rrb-".
    """
    if not isinstance(caption, str):
        raise TypeError(f"a caption is text, not {type(caption).__name__}")
    text = _LINE_BREAKS.sub(" ", caption)
    tokens: list[str] = []
    position, end = 0, len(text)
    lexed = f"{text}\n{following}"
    cached = _plain_words
    spaced_dots = " ." in text  # "word. . ." is an ellipsis after "word"
    for chunk in _CHUNK.finditer(text):
        if chunk.start() < position:
            continue
        word = chunk.group()
        try:
            plain = cached[word]
        except KeyError:
            plain = _remember(word)
        if plain is not None and not (spaced_dots and word[-1] == "."):
            tokens.extend(plain)
            continue
        position = chunk.start()
        if position:  # a run of spaces of several kinds is one space
            position += len(word) - len(word.lstrip(_OTHER_SPACES))
        # Lex until a token ends where a chunk does: the fast path takes over there.
        while position < end and text[position] != " ":
            position, found = _next_token(lexed, position, end)
            tokens.extend(found)
    return tokens


def tokenize_coco(caption: str) -> list[str]:
    """PTB tokens without COCO's punctuation: what BLEU, METEOR, ROUGE_L and CIDEr compare."""
    return [token for token in tokenize(caption) if token not in COCO_PUNCTUATION]


def tokenize_corpus(captions: Sequence[str]) -> list[list[str]]:
    """COCO's tokens of captions that stand line by line in one file, as COCO's evaluation writes them."""
    lines = [_LINE_BREAKS.sub(" ", caption) for caption in captions]
    corpus = []
    for number, line in enumerate(lines):
        # No rule looks further than the first word of the next line that has one.
        following = next((i for i in range(number + 1, len(lines)) if lines[i].strip()), len(lines))
        rest = "\n".join(lines[number + 1 : following + 1])
        corpus.append([t for t in tokenize(line, f"{rest}\n") if t not in COCO_PUNCTUATION])
    return corpus


def _remember(word: str) -> tuple[str, ...] | None:
    """Tokens of a word that needs no context, None for a word that does."""
    tokens = None
    match = _PLAIN.match(word)
    if match:
        stem, mark = match.groups()
        alone = _lex_alone(stem)
        if mark != ".":
            tokens = (*alone, mark) if mark else alone
        elif len(stem) > 1 and _lex_alone(f"{stem}.") == (*alone, ".") == _lex_alone(f"{stem}. 5")[:-1]:
            tokens = (*alone, ".")
    if len(_plain_words) < _CACHE_SIZE:
        _plain_words[word] = tokens
    return tokens


def _lex_alone(text: str) -> tuple[str, ...]:
    tokens: list[str] = []
    position, lexed = 0, f"{text}\n{_NEXT_SENTENCE}"
    while position < len(text):
        position, found = _next_token(lexed, position, len(text))
        tokens.extend(found)
    return tuple(tokens)


def _next_token(text: str, position: int, end: int) -> tuple[int, tuple[str, ...]]:
    """The longest match at `position`: where it ends, and the tokens it stands for."""
    best, best_length, best_end = None, 0, position
    for rule in rules_for(text[position]):
        match = rule.pattern.match(text, position)
        # A rule's context counts for its length, as in Stanford's lexer; the first rule wins ties.
        if match and match.end() - position > best_length:
            best, best_length = rule, match.end() - position
            best_end = match.end("token") if rule.has_context else match.end()
    if best is None:
        return position + 1, ()  # a character of no rule (an emoji) is dropped
    return best.take(text, position, min(best_end, end))
