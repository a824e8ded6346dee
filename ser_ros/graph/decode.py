"""From the probabilities of words and arcs to one graph that fits together.

Each label alone at its best can contradict another: a predicate without a subject, a thing that
is also a part of another thing's name. So a predicate stands or falls with its best subject and
object together, and a thing nothing is said of stays only when it is no part of another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ser_ros.graph.arcs import Arc, ArcGraph

ALONE = 0.75  # a thing without any fact beside things with facts needs this much probability
UNLIKELY = 0.15  # a predicate one of whose parts has less is none, however sure the others are


def decode(thing: np.ndarray, template: np.ndarray, arc: np.ndarray, templates: Sequence[str]) -> ArcGraph:
    """The graph.

    Args:
        thing: [T] probability that a word heads a thing.
        template: [T, K + 1] probability of each predicate template, 0 is none.
        arc: [T, T, 7] probability of each label of the arc (from, to).
        templates: the K templates.
    """
    graph = ArcGraph(things={int(k): float(thing[k]) for k in np.flatnonzero(thing > 0.5)})
    label = arc.argmax(-1)
    for i, j in np.argwhere((label > 0) & (label < Arc.SUBJECT)).tolist():
        graph.arcs[i, j] = (Arc(int(label[i, j])), float(arc[i, j, label[i, j]]))
    for anchor in np.flatnonzero(1 - template[:, 0] >= UNLIKELY).tolist():
        _predicate(graph, anchor, thing, template[anchor], arc[anchor], templates)
    _drop_leftovers(graph)
    return graph


def _predicate(
    graph: ArcGraph,
    anchor: int,
    thing: np.ndarray,
    template: np.ndarray,
    arc: np.ndarray,
    templates: Sequence[str],
) -> None:
    """The predicate at one word with its subjects, objects and verb, when they are likely together."""
    subject = arc[:, Arc.SUBJECT] * np.sqrt(thing)
    target = arc[:, Arc.OBJECT] * np.sqrt(thing)
    s, o = int(subject.argmax()), int(target.argmax())
    if s == o:
        return
    odds = _log_odds(1 - template[0]) + _log_odds(subject[s]) + _log_odds(target[o])
    if odds < 0 or min(1 - template[0], subject[s], target[o]) < UNLIKELY:
        return
    best = 1 + int(template[1:].argmax())
    graph.templates[anchor] = (templates[best - 1], float(template[best]))
    for column, first, found in ((Arc.SUBJECT, s, subject), (Arc.OBJECT, o, target)):
        for k in {first, *np.flatnonzero(found > 0.5).tolist()}:
            graph.arcs[anchor, k] = (column, float(arc[k, column]))
            graph.things.setdefault(k, float(thing[k]))
    verb = int(arc[:, Arc.VERB].argmax())
    if templates[best - 1].startswith("V ") and arc[verb, Arc.VERB] > 0.2:
        graph.arcs[anchor, verb] = (Arc.VERB, float(arc[verb, Arc.VERB]))


def _log_odds(p: float) -> float:
    p = min(max(float(p), 1e-6), 1 - 1e-6)
    return float(np.log(p / (1 - p)))


def _drop_leftovers(graph: ArcGraph) -> None:
    """Without things that are words of another's name, and words of an attribute's part twice."""
    linked = {k for (_, k), (label, _) in graph.arcs.items() if label in (Arc.SUBJECT, Arc.OBJECT)}
    described = {k for (k, _), (label, _) in graph.arcs.items() if label is Arc.ATTRIBUTE}
    named = {k for (head, k), (label, _) in graph.arcs.items() if label is Arc.NAME and head in graph.things}
    says = linked | described
    for k in [k for k in graph.things if k not in says]:
        if k in named or (says and graph.things[k] < ALONE):
            del graph.things[k]
    parts = {
        (head, part)
        for (head, attribute), (label, _) in graph.arcs.items()
        if label is Arc.ATTRIBUTE
        for part in graph.of(attribute, Arc.PART)
    }
    for arc in parts:
        if graph.arcs.get(arc, (None,))[0] is Arc.ATTRIBUTE:
            del graph.arcs[arc]
