"""The command `ser_ros VERB`.

A verb is one module with `add_arguments(parser)` and `run(args) -> int`; it is imported only
when it is called, so `ser_ros --help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from ser_ros import __version__
from ser_ros.errors import UNWRITABLE_DISK, UserError, cannot_write

# verb: (module, what it does)
VERBS: dict[str, tuple[str, str]] = {
    "caption": ("ser_ros.runtime.caption_command", "caption images or folders; draw where a word looked"),
    "export": ("ser_ros.runtime.export_command", "write a model as ONNX graphs, in float32 or 8 bits"),
    "bench": ("ser_ros.runtime.bench_command", "measure a model stage by stage on this machine"),
    "import-llava": ("ser_ros.model.import_llava_command", "bring in the authors' LLaVA-OPT weights"),
    "parse": ("ser_ros.graph.parse_command", "turn captions into scene graphs"),
    "query": ("ser_ros.graph.query_command", "ask a memory in words: where is the red chair?"),
    "memory": ("ser_ros.graph.memory_command", "look into memory files, export, upgrade and merge them"),
    "replay": (
        "ser_ros.replay.replay_command",
        "caption a bag, video or folder; write graphs, memory and report",
    ),
    "node": ("ser_ros.node.node_command", "start caption_node, memory_node or viewer_node without ros2"),
    "play": ("ser_ros.node.bag_player", "publish a bag on a live ROS graph"),
    "train": ("ser_ros.train.train_command", "train the three stages of a recipe"),
    "pseudo": ("ser_ros.data.pseudo_command", "write pseudo-initial captions for stage 2"),
    "sim": ("ser_ros.data.sim.command", "render the simulated home, or record a patrol through it"),
    "data": ("ser_ros.train.data_command", "check the datasets of a recipe before training"),
    "predict": ("ser_ros.eval.predict_command", "caption a dataset into a prediction file"),
    "videoqa": ("ser_ros.eval.videoqa_command", "answer questions about long videos from captions"),
    "score": (
        "ser_ros.eval.score_command",
        "score a prediction file: CIDEr, SPICE(ser), CAPTURE, judges ...",
    ),
    "reproduce": ("ser_ros.eval.reproduce_command", "train, predict and score a table of the paper"),
    "tokenize": ("ser_ros.eval.tokenize_command", "split captions into the PTB tokens COCO scores count"),
    "doctor": ("ser_ros.doctor", "check that everything captioning and the nodes need is here"),
}

# module: the extras of pyproject.toml that bring it, any of them
EXTRAS = {
    "torch": ("torch",),
    "transformers": ("torch",),
    "tokenizers": ("torch", "onnx"),
    "safetensors": ("torch", "onnx"),
    "onnxruntime": ("onnx",),
    "onnx": ("onnx",),
    "mujoco": ("sim",),
    "accelerate": ("train",),
    "peft": ("train",),
    "pycocoevalcap": ("eval",),
    "regex": ("eval",),
    "av": ("video",),
    "rerun": ("viz",),
    "ray": ("ray",),
    "openai": ("llm",),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit code (2 for bad input, 130 after Ctrl-C).

    The first Ctrl-C lets a verb keep what it has and say so; one more ends the process at once.
    """
    heard = threading.current_thread() is threading.main_thread()
    if heard and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # "?" for a letter that a terminal's encoding lacks
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="ser_ros", description="Sharp-Eyed Refinement for robots.")
    parser.add_argument("--version", action="version", version=f"ser_ros {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    called = next((word for word in argv if not word.startswith("-")), None)
    for name, (module, summary) in VERBS.items():
        verb = verbs.add_parser(name, help=summary, description=summary)
        if name == called:
            importlib.import_module(module).add_arguments(verb)
    args = parser.parse_args(argv)
    try:
        return importlib.import_module(VERBS[args.verb][0]).run(args)
    except UserError as error:
        print(f"ser_ros {args.verb}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        name = (error.name or "ser_ros").partition(".")[0]
        if name == "ser_ros":
            raise
        commands = [f"`pip install 'ser-ros[{extra}]'`" for extra in EXTRAS.get(name, ())]
        what = " or ".join(commands) or "`ser_ros doctor` says how to get it"
        print(f"ser_ros {args.verb}: needs {name}, which is not installed here: {what}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno not in UNWRITABLE_DISK:
            raise
        print(f"ser_ros {args.verb}: {cannot_write(error.filename or 'a file', error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Else a second one, while files are closed or Python ends, would turn exit code 130 into -2.
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
