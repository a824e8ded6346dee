"""The parser: caption in, objects, attributes and relations out, each citing its characters."""

from __future__ import annotations

from ser_ros.graph import discourse, rules
from ser_ros.graph.reading import assemble
from ser_ros.graph.tokens import tokenize
from ser_ros.graph.triples import SceneTriples


def parse(caption: str) -> SceneTriples:
    """The scene graph of one caption, of one sentence or many.

    Any text gives a graph, perhaps an empty one; time is linear in its length.
    """
    sentences = [discourse.without_opening(tokens) for tokens in tokenize(caption)]
    return assemble(caption, discourse.resolve(discourse.join([rules.read(tokens) for tokens in sentences])))
