"""A table's recipe on the simulated home: no download, a model of a few thousand weights, minutes.

Every row trains its own recipe of `config/train` with its own changes; only the datasets become the home's
and the parts become toys of the same classes and depth (`ser_ros.eval.toy_parts`). The numbers say that
every step works, not how good the method is: the model is far too small for that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ser_ros.eval.paper_tables import Benchmark, Row, Table, training_recipe
from ser_ros.eval.reproduce import Place, call, train_row
from ser_ros.eval.toy_parts import save_parts
from ser_ros.lock import locked
from ser_ros.train.recipe import Recipe, Source

PICTURES = {"train": 48, "test": 16}
SIDE = 64
STEPS = {"pretrain": 5, "stage1": 200, "stage2": 100}
LEARNING_RATE = 1e-2
BATCH = 16
SIZES: dict[str, dict[str, Any]] = {
    "connector": {"hidden": 48, "depth": 1, "heads": 2, "queries": 8},
    "deeplens": {"width": 48, "depth": 1, "heads": 2, "ffn": 96, "max_caption": 128},
}
LLAVA = ("llava15_55_words", "llava15_in_detail")
"""Table 16's prediction files, the last of what is made from the rendered captions."""
OWN = "data1"
"""Name in a recipe of pseudo captions that the model itself writes (Data1 of Table 12)."""


def prepare(runs: Path) -> Path:
    """Render, split by caption style, save toy parts and pseudo captions; returns the data folder.

    `short.json` holds the captions of one sentence, `detailed.json` those of about 45 words.
    """
    root = runs / "data"
    with locked(runs / "data.lock") as lock:
        for split, count in PICTURES.items():
            if not (root / split / "captions.json").is_file():
                render = ["sim", "render", "--split", split, "--count", str(count), "--size", str(SIDE)]
                call([*render, "--workers", "1", "--out", str(root / split)], keep=(lock,))
        if not all((root / f"{name}.json").is_file() for name in LLAVA):
            for split in PICTURES:
                _split_styles(root / split)
            _say_as_llava(root)
        captions = _read(root / "train" / "captions.json")["annotations"]
        save_parts(root / "parts", [entry["caption"] for entry in captions], SIDE)
    for style in ("short", "detailed"):
        for generator in ("rules", "other"):
            _pseudo(root, style, generator, [])
    return root


def on_sim(table: Table) -> Table:
    """The table on the home: each benchmark keeps its cut and reads the home's captions of its length."""
    benchmarks = {
        name: Benchmark(f"test/{_style(name)}.json", "test/images", benchmark.authors_cut)
        for name, benchmark in table.benchmarks.items()
    }
    title = f"{table.title} (simulated home, {PICTURES['test']} pictures, toy model)"
    return Table(table.name, title, benchmarks, table.rows)


def sim_place(runs: Path) -> Place:
    """The home's data, made where it is not there yet, and toy recipes."""
    root = prepare(runs)
    place = Place(root, runs, lambda row: toy_recipe(row, place))
    return place


def toy_recipe(row: Row, place: Place) -> Recipe:
    """The training recipe of a row with its changes, on the home."""
    if any(OWN in change for change in row.set):
        _write_own_captions(row, place)
    recipe = training_recipe(row)
    _shrink(recipe, place.root)
    return recipe


def _shrink(recipe: Recipe, root: Path) -> None:
    recipe.precision, recipe.gradient_checkpointing, recipe.workers = "fp32", False, 0
    recipe.sample_every, recipe.validation = 0, None
    for part in ("vision_tower", "second_tower", "language_model"):
        if name := Path(getattr(recipe.model, part)).name:
            setattr(recipe.model, part, str(root / "parts" / name))
    for part, sizes in SIZES.items():
        recipe.model.config[part] = {**recipe.model.config.get(part, {}), **sizes}
    for stage_name, stage in recipe.stages.items():
        stage.data = [_at_home(source, len(stage.data)) for source in stage.data]
        stage.max_steps, stage.learning_rate = STEPS[stage_name], LEARNING_RATE
        stage.batch_size = stage.micro_batch = BATCH


def _at_home(source: Source, sources: int) -> Source:
    style = _style(source.path)
    pseudo = [
        replace(p, path=f"{style}-{_generator(p.path)}.jsonl", per_caption=1 if sources > 1 else 3)
        for p in source.pseudo
    ]
    return Source(
        path=f"train/{style}.json",
        images="train/images",
        pseudo=pseudo,
        include_gt=source.include_gt,
        limit=PICTURES["train"] // sources,
    )


def _style(name: str) -> str:
    """COCO and LCS-558K have captions of one sentence, all other datasets detailed ones."""
    return "short" if name.startswith(("coco", "LLaVA-Pretrain")) else "detailed"


def _generator(path: str) -> str:
    return "model" if OWN in path else "other" if "data2" in path else "rules"


def _pseudo(root: Path, style: str, generator: str, more: Sequence[str]) -> None:
    out = root / f"{style}-{generator}.jsonl"
    part = out.with_suffix(".part.jsonl")
    with locked(out.with_suffix(".lock")) as lock:
        if not out.is_file():
            data = ["--format", "coco", "--data", str(root / "train" / f"{style}.json")]
            call(["pseudo", *data, "--generator", generator, "--out", str(part), *more], keep=(lock,))
            part.replace(out)


def _write_own_captions(row: Row, place: Place) -> None:
    """Data1: what the stage 1 model of the same recipe says of its training pictures."""
    model = train_row(replace(row, stage="stage1", set=[]), place)
    more = ["--model", str(model), "--images", str(place.root / "train" / "images")]
    _pseudo(place.root, "detailed", "model", more)


def _split_styles(folder: Path) -> None:
    content = _read(folder / "captions.json")
    for name, style in (("short", "default"), ("detailed", "detailed")):
        chosen = [
            {key: value for key, value in entry.items() if key != "style"}
            for entry in content["annotations"]
            if entry["style"] == style
        ]
        (folder / f"{name}.json").write_text(json.dumps({"images": content["images"], "annotations": chosen}))


def _say_as_llava(root: Path) -> None:
    """Table 16's two prediction files from the home: a detailed caption, and all short ones in a row.

    The detailed one leaves the references.
    """
    path = root / "test" / "detailed.json"
    detailed, short = _read(path), _read(root / "test" / "short.json")
    said: dict[Any, str] = {}
    rest = []
    for entry in detailed["annotations"]:
        if entry["image_id"] in said:
            rest.append(entry)
        said.setdefault(entry["image_id"], entry["caption"])
    path.write_text(json.dumps({**detailed, "annotations": rest}))
    long = {i: " ".join(e["caption"] for e in short["annotations"] if e["image_id"] == i) for i in said}
    for name, captions in zip(LLAVA, (said, long), strict=True):
        predictions = [{"image_id": i, "caption": caption} for i, caption in captions.items()]
        (root / f"{name}.json").write_text(json.dumps(predictions))


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
