"""FACTUAL's text form of a scene graph: `( man , hold , umbrella ) , ( umbrella , is , red )`."""

from __future__ import annotations

from ser_ros.graph.triples import SceneTriples


def to_factual(triples: SceneTriples) -> str:
    """Facts in FACTUAL's order: relations, then counts and attributes, then things that stand alone.

    Predicates are lemmas, nouns keep their number and counts are digits. Two things of the same name
    share their facts, as the format has no identities.
    """
    facts = [
        f"( {triples.objects[r.subject].name} , {r.predicate} , {triples.objects[r.object].name} )"
        for r in triples.relations
    ]
    for thing in triples.objects:
        if thing.count is not None and thing.count > 1:
            facts.append(f"( {thing.name} , is , {thing.count} )")
        facts += [f"( {thing.name} , is , {attribute.text} )" for attribute in thing.attributes]
    named = {
        name
        for r in triples.relations
        for name in (triples.objects[r.subject].name, triples.objects[r.object].name)
    }
    for thing in triples.objects:
        described = thing.attributes or (thing.count or 1) > 1
        if not described and thing.name not in named:
            facts.append(f"( {thing.name} )")
    return " , ".join(dict.fromkeys(facts))


def read_factual(text: str) -> list[tuple[str, ...]]:
    """The facts of a FACTUAL line as tuples of 1, 2 or 3 parts, each once, in order."""
    facts = []
    for part in " ".join(text.split()).split(") , ("):
        fact = tuple(word.strip() for word in part.strip("() ").split(" , "))
        if any(fact):
            facts.append(fact)
    return list(dict.fromkeys(facts))
