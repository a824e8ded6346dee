"""`ser_ros caption IMAGE|FOLDER...`: what the model sees, before and after its second glance."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ser_ros.errors import UserError, cannot_write
from ser_ros.model.description import Description
from ser_ros.model.images import batches, find_images, load_image
from ser_ros.runtime.captioner import CaptionOptions

_DEFAULTS = CaptionOptions()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE|FOLDER")
    parser.add_argument(
        "--model", default="", metavar="DIR", help="model folder (default: the one that comes with us)"
    )
    parser.add_argument("--style", default=_DEFAULTS.style, help="prompt of the model (default: its first)")
    parser.add_argument(
        "--refinements", type=int, metavar="N", help="second glances, 0-4 (default: 1, or 0 without DeepLens)"
    )
    parser.add_argument(
        "--beams", type=int, default=_DEFAULTS.beams, metavar="N", help="beam width, 1-8 (default: 1)"
    )
    parser.add_argument(
        "--max-tokens",
        type=int,
        default=_DEFAULTS.max_tokens,
        metavar="N",
        help="most tokens (default: %(default)s)",
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="images at once (default: 1)")
    parser.add_argument("--backend", default="auto", help="auto, torch or onnx")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16 or fp16")
    parser.add_argument(
        "--attention", nargs=2, metavar=("WORD", "PNG"), help="draw where one image's WORD was looked for"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    if args.batch < 1:
        raise UserError(f"--batch is {args.batch}; it must be at least 1")
    paths = find_images(args.images)
    if args.attention:
        return _attention(args, paths)
    from tqdm import tqdm

    from ser_ros.runtime.load import load_captioner
    from ser_ros.runtime.two_glances import TwoGlanceCaptioner

    captioner = load_captioner(args.model, args.backend, args.device, args.dtype)
    refinements = args.refinements
    if refinements is None:
        one_glance = isinstance(captioner, TwoGlanceCaptioner) and captioner.config.deeplens is None
        refinements = 0 if one_glance else _DEFAULTS.refinements
    options = CaptionOptions(args.style, refinements, args.max_tokens, args.beams)
    captions: list[dict] = []
    errors: list[dict] = []
    show = None if args.json else _printer(len(paths) > 1)

    def caption(group: Sequence[Path], bar: tqdm) -> None:
        readable, images = [], []
        for path in group:
            try:
                images.append(load_image(path))
                readable.append(path)
            except UserError as error:
                errors.append({"image": str(path), "error": str(error)})
                bar.write(f"ser_ros caption: {error}", file=sys.stderr)
        for path, description in zip(readable, captioner.describe(images, options), strict=True):
            captions.append({"image": str(path), **description.to_dict()})
            if show:
                with bar.external_write_mode(file=sys.stdout):
                    show(path, description)
        bar.update(len(group))

    stopped = False
    hidden = None if len(paths) > 1 else True
    try:
        with tqdm(total=len(paths), unit="image", disable=hidden, file=sys.stderr) as bar:
            for group in batches(paths, args.batch):
                caption(group, bar)
    except KeyboardInterrupt:
        stopped = True
        done = len(captions) + len(errors)
        print(f"ser_ros caption: stopped after {done} of {len(paths)} images", file=sys.stderr)
    if args.json:
        model = {"backend": captioner.backend, "device": captioner.device}
        print(json.dumps({**model, "captions": captions, "errors": errors}))
    captioner.close()
    if stopped:
        raise KeyboardInterrupt
    return 2 if errors else 0


def _printer(names: bool):
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)

    def show(path: Path, description: Description) -> None:
        if names:
            console.print(str(path), style="bold", markup=False)
        if description.edits:
            console.print(f"  first   {description.initial}", markup=False)
        flags = f"  [{', '.join(description.flags)}]" if description.flags else ""
        console.print("  refined " if description.edits else "  ", marked(description), sep="", end="")
        console.print(f"  (confidence {description.confidence:.2f}){flags}", style="dim", markup=False)

    return show


def marked(description: Description):
    """The refined caption as rich text: new words green, words taken out red and struck through."""
    from rich.text import Text

    text, at, initial = Text(), 0, description.initial
    for edit in description.edits:
        text.append(initial[at : edit.start])
        gone = initial[edit.start : edit.end]
        if text.plain and not text.plain[-1].isspace():
            text.append(" ")
        # Without colours the marks must still be readable: [-gone-] {+new+} as in word diffs.
        if gone:
            text.append(f"[-{gone}-]", style="red strike")
        if gone and edit.text:
            text.append(" ")
        if edit.text:
            text.append(f"{{+{edit.text}+}}", style="green")
        at = edit.end
        if at < len(initial) and not initial[at].isspace():
            text.append(" ")
    text.append(initial[at:])
    return text


def _attention(args: argparse.Namespace, paths: list[Path]) -> int:
    if len(paths) != 1:
        raise UserError(f"--attention draws one image, {len(paths)} were given")
    if args.backend == "onnx":
        raise UserError("--attention needs the torch backend")
    from ser_ros.model.attention_map import draw, look
    from ser_ros.model.ser_model import SerModel
    from ser_ros.runtime.load import DEFAULT_MODEL
    from ser_ros.runtime.torch_backend import pick_device, pick_dtype

    word, out = args.attention
    device = pick_device(args.device)
    model = SerModel.from_pretrained(
        args.model or DEFAULT_MODEL, dtype=pick_dtype(args.dtype, device), device=device
    )
    image = load_image(paths[0])
    first, second = look(model, image, word, style=args.style, max_tokens=args.max_tokens, beams=args.beams)
    looks = [glance for glance in (first, second) if glance is not None]
    try:
        draw(image, looks, model.config.image).save(out)
    except ValueError as error:
        raise UserError(f"cannot write {out}: {error}; name a .png") from None
    except OSError as error:
        raise cannot_write(out, error) from None
    if args.json:
        found = [{"caption": glance.caption, "found": glance.attention is not None} for glance in looks]
        print(json.dumps({"out": out, "word": word, "glances": found}))
    else:
        print(f"{out}: " + " | ".join(glance.caption for glance in looks))
    return 0
