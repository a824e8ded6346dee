"""The memory of the world: observe, ask, export. The one class that other rooms use.

with Memory.open("memory.db", MemoryConfig(robot="anna")) as memory:
    memory.observe(Observation(stamp_ns, "front", parse("a red chair near a window"), pose))
    print(memory.query("where is the red chair?").speech)
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from ser_ros.errors import UserError
from ser_ros.graph import wordnet
from ser_ros.graph.memory.announcements import Announcer
from ser_ros.graph.memory.answer import Answer
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.connection import IN_MEMORY
from ser_ros.graph.memory.embeddings import Embedder
from ser_ros.graph.memory.forgetting import Forgetting
from ser_ros.graph.memory.grid import check_frame
from ser_ros.graph.memory.identity import NameRule
from ser_ros.graph.memory.naming import plural_of
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.recording import Recorder
from ser_ros.graph.memory.search import Search
from ser_ros.graph.memory.store import Store

if TYPE_CHECKING:
    import networkx as nx


class Memory:
    """One open memory. One thread at a time; several processes may read one file.

    Attributes:
        config: the settings; replace them with `reconfigure`.
        store: the file below.
    """

    def __init__(self, store: Store, config: MemoryConfig, embedder: Embedder | None = None):
        self.config, self.store = config, store
        self._names = NameRule(config, embedder)
        self._recorder = None if store.read_only else Recorder(store, config, self._names)
        self._search = Search(store, config, self._names)
        self._announcer = Announcer(store, config)
        self._forgetting = Forgetting(store, config)
        if self._recorder is not None:
            wordnet.senses(".")  # reads the file now, not during the first update

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str] = IN_MEMORY,
        config: MemoryConfig | None = None,
        *,
        read_only: bool = False,
        embedder: Embedder | None = None,
    ) -> Memory:
        """Open the memory at `path`, or make it; ":memory:" is one that no file keeps.

        Raises:
            UserError: the file is missing (read-only), damaged, newer, or no memory.
        """
        config = config or MemoryConfig()
        store = Store(path, read_only=read_only, robot=config.robot)
        try:
            return cls(store, config, embedder)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Close the file; everything observed is in it."""
        self.store.close()

    def __enter__(self) -> Memory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def reconfigure(self, config: MemoryConfig) -> None:
        """Use other settings from now on; `place_radius` and `merge_radius` of a filled memory stay."""
        self.config = config
        self._search.config = config
        self._announcer.config = config
        self._forgetting.config = config
        if self._recorder is not None:
            self._recorder.config = config

    def observe(self, observations: Observation | Iterable[Observation]) -> int:
        """Write one or several observations in one transaction.

        Returns:
            how many were new; an image (robot, camera, stamp) is counted once.
        Raises:
            UserError: opened read-only, disk full, or locked by another writer.
        """
        recorder = self._writer()
        batch = [observations] if isinstance(observations, Observation) else list(observations)
        with self.store.transaction():
            new = sum(recorder.record(observation) for observation in batch)
            self._forgetting.after(new, max((one.stamp_ns for one in batch), default=0))
        return new

    def understand(self, text: str, *, now_ns: int | None = None) -> Question:
        """Read a question without answering it, to limit it further with `dataclasses.replace`.

        Raises:
            UserError: it names nothing that can be looked up.
        """
        return self._search.understand(text, self.now_ns if now_ns is None else now_ns)

    def query(self, question: Question | str, *, now_ns: int | None = None) -> Answer:
        """Answer a question in words, or one that is understood already.

        Args:
            now_ns: the time of asking, for "an hour ago"; by default the newest image.
        Raises:
            UserError: the question says nothing that can be looked up.
        """
        with self.store.reading():
            return self._search.answer(question, self.now_ns if now_ns is None else now_ns)

    def warm_up(self) -> None:
        """Load what the first question would wait for: parser, WordNet, inflections."""
        plural_of("chair")
        with suppress(UserError):
            self.query("where is the chair")

    def announce(self, now_ns: int) -> str | None:
        """One sentence on what is new, changed or gone since the last one; None while it is too early."""
        return self._announcer.announce(now_ns)

    def to_networkx(self, *, most_objects: int | None = None) -> nx.MultiDiGraph:
        """The memory as a graph; keys as in docs/memory.md.

        Args:
            most_objects: only so many objects, the ones seen last.
        """
        from ser_ros.graph.memory.world_graph import world_graph

        with self.store.reading():
            return world_graph(self.store, most_objects)

    @property
    def now_ns(self) -> int:
        """Stamp of the newest image with an object; 0 for an empty memory."""
        with self.store.reading() as db:
            return int(db.execute("SELECT coalesce(max(last_seen), 0) FROM object").fetchone()[0])

    def counts(self) -> dict[str, int]:
        """Number of objects, places, relations and kept observations, and bytes of the file in use."""
        tables = {
            "objects": "object",
            "places": "place",
            "relations": "relation",
            "observations": "observation",
        }
        with self.store.reading() as db:
            counts = {
                name: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
                for name, table in tables.items()
            }
            return counts | {"bytes": self.store.size_bytes}

    def clear(self) -> None:
        """Forget everything."""
        self._writer()
        self.store.clear()
        self._restart()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Copy the memory to a file, whole or not at all."""
        self.store.save(path)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Replace the memory by a saved one; it stays as it is when that fails.

        Raises:
            UserError: no such file, no memory, or one with poses in another frame than `config.frame_id`.
        """
        self._writer()
        saved = Store(path, read_only=True)
        try:
            check_frame(saved, self.config)
        finally:
            saved.close()
        self.store.load(path)
        self._restart()

    def start_new_visit(self) -> None:
        """Tell that time jumped: the next image does not continue the stay of the last one."""
        if self._recorder is not None:
            self._recorder.places.forget_current()

    def _restart(self) -> None:
        self._names.forget()
        self._announcer.restart()
        self._search.forget()
        self._writer().adopt()

    def _writer(self) -> Recorder:
        if self._recorder is None:
            raise UserError(f"the memory {self.store.path} was opened to be read only")
        return self._recorder
