"""`ser_ros tokenize`: captions in, the PTB tokens that COCO scores count out."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys

from ser_ros.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", nargs="?", default="-", help="one caption a line; - is standard input")
    parser.add_argument("--coco", action="store_true", help="leave out the punctuation that COCO removes")
    parser.add_argument("--json", action="store_true", help="one JSON object with all tokens")


def run(args: argparse.Namespace) -> int:
    """Tokenise lines until the input ends; one line out for each line in."""
    from ser_ros.eval.ptb import tokenize, tokenize_coco

    split = tokenize_coco if args.coco else tokenize
    all_tokens = []
    with contextlib.ExitStack() as stack:
        if args.file == "-":
            lines = sys.stdin.buffer
        else:
            try:
                lines = stack.enter_context(open(args.file, "rb"))
            except OSError as error:
                raise UserError(f"cannot read {args.file}: {error.strerror}") from None
        for number, line in enumerate(lines, 1):
            try:
                tokens = split(line.decode().rstrip("\r\n"))
            except UnicodeDecodeError:
                raise UserError(f"line {number} of {args.file} is not UTF-8 text") from None
            if args.json:
                all_tokens.append(tokens)
            else:
                sys.stdout.write(" ".join(tokens) + "\n")
    if args.json:
        print(json.dumps({"tokens": all_tokens}, ensure_ascii=False))
    return 0
