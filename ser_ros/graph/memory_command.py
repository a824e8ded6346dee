"""`ser_ros memory`: look into memory files, export, upgrade and merge them."""

from __future__ import annotations

import argparse
import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError, cannot_write
from ser_ros.graph.memory import Memory, MemoryConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    info = verbs.add_parser("info", help="what a memory holds")
    info.add_argument("store", type=Path)
    export = verbs.add_parser("export", help="write the graph as node_link JSON or GraphML")
    export.add_argument("store", type=Path)
    export.add_argument("out", type=Path, help="a name that ends in .json or .graphml")
    upgrade = verbs.add_parser("upgrade", help="bring a memory of an older ser_ros to this version")
    upgrade.add_argument("store", type=Path)
    merge = verbs.add_parser("merge", help="put the memories of several robots into a new one")
    merge.add_argument("stores", nargs="+", type=Path, metavar="STORE")
    merge.add_argument("--out", type=Path, required=True, help="the new file; must not exist")
    merge.add_argument("--frame", default="", help="frame of the result (the one the stores share)")
    merge.add_argument("--robot", default="merged", help="name of the robot that goes on with the result")
    merge.add_argument(
        "--transform",
        action="append",
        default=[],
        metavar="STORE=X,Y,Z,YAW",
        help="where the origin of a store's frame lies in the result's: metres and degrees",
    )
    for verb in (info, export, upgrade, merge):
        verb.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    result = {"info": _info, "export": _export, "upgrade": _upgrade, "merge": _merge}[args.action](args)
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    for name, value in result.items():
        table.add_row(name.replace("_", " "), _words(name, value))
    Console(highlight=False).print(table)
    return 0


def _words(name: str, value: Any) -> str:
    """A value as people read it; programs take --json."""
    if isinstance(value, list):
        return ", ".join(value)
    if name == "newest_stamp":
        return f"{datetime.fromtimestamp(value / 1e9):%Y-%m-%d %H:%M:%S}" if value else "no image yet"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _info(args: argparse.Namespace) -> dict[str, Any]:
    with Memory.open(args.store, read_only=True) as memory:
        return {"store": str(args.store), **_describe(memory)}


def _describe(memory: Memory) -> dict[str, Any]:
    db = memory.store.db
    return {
        "robot": memory.store.meta("robot"),
        "frame_id": memory.store.meta("frame_id"),
        **memory.counts(),
        "rooms": [
            room for (room,) in db.execute("SELECT DISTINCT room FROM place WHERE room <> '' ORDER BY room")
        ],
        "robots": [name for (name,) in db.execute("SELECT name FROM origin ORDER BY name")],
        "newest_stamp": memory.now_ns,
    }


def _export(args: argparse.Namespace) -> dict[str, Any]:
    from ser_ros.graph.memory.world_graph import write_graph

    if args.out.suffix.lower() not in (".json", ".graphml"):
        raise UserError(f"{args.out} must end in .json or .graphml")
    with Memory.open(args.store, read_only=True) as memory:
        graph = memory.to_networkx()
    try:
        write_graph(graph, args.out)
    except OSError as error:
        raise cannot_write(args.out, error) from error
    return {"out": str(args.out), "nodes": graph.number_of_nodes(), "edges": graph.number_of_edges()}


def _upgrade(args: argparse.Namespace) -> dict[str, Any]:
    from ser_ros.graph.memory.schema import VERSION
    from ser_ros.graph.memory.store import Store

    if not args.store.is_file():
        raise UserError(f"there is no memory at {args.store}")
    Store(args.store).close()
    return {"store": str(args.store), "version": VERSION}


def _merge(args: argparse.Namespace) -> dict[str, Any]:
    from ser_ros.graph.memory.merging import merge
    from ser_ros.graph.memory.snapshot import Transform

    transforms: dict[Path, Transform] = {}
    for text in args.transform:
        name, _, numbers = text.rpartition("=")
        try:
            x, y, z, yaw = map(float, numbers.split(","))
        except ValueError:
            raise UserError(f"--transform {text}: write STORE=X,Y,Z,YAW in metres and degrees") from None
        if Path(name) not in args.stores or not all(map(math.isfinite, (x, y, z, yaw))):
            raise UserError(
                f"--transform {text}: {name or 'it'} is none of the stores, or a number is not finite"
            )
        transforms[Path(name)] = Transform(x, y, z, math.radians(yaw))
    inputs = [(path, transforms.get(path)) for path in args.stores]
    merge(inputs, args.out, MemoryConfig(frame_id=args.frame), args.robot)
    with Memory.open(args.out, read_only=True) as memory:
        return {"out": str(args.out), **_describe(memory)}
