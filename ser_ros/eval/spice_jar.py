"""The original SPICE, where the user has its jar and CoreNLP 3.6 models."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.eval.captions_files import CaptionPair
from ser_ros.eval.coco_metrics import NO_JAVA
from ser_ros.eval.metric import Metric, mean_metric
from ser_ros.eval.ptb import tokenize_coco

CORENLP = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


def spice(pairs: Sequence[CaptionPair], jar: Path | None = None) -> Metric:
    """SPICE F1 by the original jar; a row without value says what is missing and where to put it.

    Args:
        pairs: what to score.
        jar: spice-1.0.jar with CoreNLP 3.6 in the folder lib/ beside it; None takes pycocoevalcap's, whose
            lib/ lacks CoreNLP.

    Raises:
        UserError: there is no file at `jar`.
    """
    jar = jar or _installed_jar()
    if not jar.is_file():
        raise UserError(f"there is no SPICE jar at {jar}")
    missing = [name for name in CORENLP if not (jar.parent / "lib" / name).is_file()]
    if missing:
        note = (
            f"needs {' and '.join(missing)} in {jar.parent / 'lib'}: unpack them from Stanford's "
            "stanford-corenlp-full-2015-12-09.zip; SPICE(ser) needs neither"
        )
        return Metric("SPICE", None, note=note)
    if shutil.which("java") is None:
        return Metric("SPICE", None, note=NO_JAVA)
    entries = [
        {
            "image_id": i,
            "test": " ".join(tokenize_coco(pair.candidate)),
            "refs": [" ".join(tokenize_coco(text)) for text in pair.references],
        }
        for i, pair in enumerate(pairs)
    ]
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "in.json"), Path(folder, "out.json")
        source.write_text(json.dumps(entries))
        command = ["java", "-Xmx8G", "-jar", str(jar.resolve()), str(source), "-out", str(result)]
        done = subprocess.run(
            [*command, "-subset", "-silent"], capture_output=True, text=True, cwd=jar.parent
        )
        if done.returncode or not result.is_file():
            lines = done.stderr.strip().splitlines() or ["no message"]
            return Metric("SPICE", None, note=f"the SPICE jar failed: {lines[-1]}")
        scores = {item["image_id"]: item["scores"]["All"]["f"] for item in json.loads(result.read_text())}
    per_image = [float("nan") if scores.get(i) is None else float(scores[i]) for i in range(len(pairs))]
    return mean_metric("SPICE", per_image, "Stanford parser")


def _installed_jar() -> Path:
    spec = find_spec("pycocoevalcap")
    if spec is None:
        raise UserError("SPICE needs pycocoevalcap; pip install 'ser-ros[eval]'")
    return Path(next(iter(spec.submodule_search_locations or ()))) / "spice" / "spice-1.0.jar"
