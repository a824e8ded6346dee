"""`ser_ros parse`: captions in, scene graphs out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ser_ros.errors import UserError, cannot_write
from ser_ros.graph.triples import SceneTriples


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE|-", help="one caption a line; - is standard input"
    )
    parser.add_argument("--caption", metavar="TEXT", help="read this caption instead of a file")
    parser.add_argument(
        "--format",
        choices=("table", "triples", "json"),
        default="table",
        help="table for people; triples (FACTUAL's form) or node-link json, one line for each caption",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object with the graphs of all captions")
    parser.add_argument(
        "--reader", choices=("trained", "rules"), default="trained", help="rules need no trained weights"
    )
    parser.add_argument("--svg", type=Path, metavar="OUT.svg", help="a picture of the graph of one caption")
    parser.add_argument("--graphml", type=Path, metavar="OUT.graphml", help="the graph of one caption")
    parser.add_argument("--dot", type=Path, metavar="OUT.dot", help="the graph of one caption for Graphviz")


def run(args: argparse.Namespace) -> int:
    """Read captions until the input ends."""
    from ser_ros.graph.factual import to_factual
    from ser_ros.graph.frame_graph import to_networkx, to_node_link
    from ser_ros.graph.parser import parse

    with _captions(args) as captions:
        if args.svg or args.graphml or args.dot:
            return _draw(args, [parse(caption, args.reader) for caption in captions])
        if args.json:
            graphs = [to_node_link(to_networkx(parse(caption, args.reader))) for caption in captions]
            print(json.dumps({"graphs": graphs}))
            return 0
        for caption in captions:
            triples = parse(caption, args.reader)
            if args.format == "table":
                _table(triples)
            elif args.format == "json":
                print(json.dumps(to_node_link(to_networkx(triples))), flush=True)
            else:
                print(to_factual(triples), flush=True)
    return 0


@contextmanager
def _captions(args: argparse.Namespace) -> Iterator[Iterator[str]]:
    """The captions, read as they come; bytes that are no UTF-8 become replacement characters."""
    if args.caption is not None:
        yield iter([args.caption])
    elif args.file == "-":
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(encoding="utf-8", errors="replace")
        yield _lines(sys.stdin)
    else:
        try:
            file = open(args.file, encoding="utf-8", errors="replace")  # noqa: SIM115 -- closed below
        except OSError as error:
            raise UserError(
                f"{args.file}: cannot be read ({error.strerror}); give a text file with a caption a line"
            ) from error
        with file:
            yield _lines(file)


def _lines(file: TextIO) -> Iterator[str]:
    for line in file:
        if "\0" in line:
            raise UserError(f"{file.name}: no text file, it has bytes of value 0; give a caption a line")
        yield line.rstrip("\r\n")


def _draw(args: argparse.Namespace, graphs: list[SceneTriples]) -> int:
    """Write the files of the one caption's graph."""
    from ser_ros.graph.drawing import draw_svg
    from ser_ros.graph.frame_graph import to_dot, to_graphml, to_networkx

    if len(graphs) != 1:
        raise UserError(f"{len(graphs)} captions: --svg, --graphml and --dot take exactly one; use --caption")
    graph = to_networkx(graphs[0])
    for path, write in ((args.svg, draw_svg), (args.graphml, to_graphml), (args.dot, to_dot)):
        if path:
            text = write(graph) or '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                raise cannot_write(path, error) from error
            print(f"{path}: things {graph.number_of_nodes()}, relations {graph.number_of_edges()}")
    return 0


def _table(triples: SceneTriples) -> None:
    """Two tables: the things with their properties, and the relations with the words they cite."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(f"[bold]{escape(triples.caption)}[/bold]")
    things = Table("thing", "count", "attributes", "characters", "confidence")
    for thing in triples.objects:
        things.add_row(
            escape(thing.label),
            "" if thing.count is None else str(thing.count),
            escape(", ".join(attribute.text for attribute in thing.attributes)),
            f"{thing.span.start}-{thing.span.end}",
            f"{thing.confidence:.2f}",
        )
    relations = Table("subject", "predicate", "object", "words", "confidence")
    for relation in triples.relations:
        relations.add_row(
            escape(triples.objects[relation.subject].label),
            escape(relation.predicate),
            escape(triples.objects[relation.object].label),
            escape(triples.caption[relation.span.start : relation.span.end]),
            f"{relation.confidence:.2f}",
        )
    if triples.objects:
        console.print(things)
    if triples.relations:
        console.print(relations)
    if not triples.objects:
        console.print("names no thing")
