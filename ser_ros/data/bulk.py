"""One function over many items: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ser_ros.errors import UserError

Items = Sequence[dict[str, Any]]
Work = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def run_local(items: Items, work: Work, *, workers: int = 1, batch: int = 64) -> Iterator[dict[str, Any]]:
    """Results in the order of the items.

    Args:
        items: plain dictionaries.
        work: a batch of items -> as many results; must be picklable for `workers` > 1.
        workers: processes; 1 works in this one.
        batch: items per call.
    """
    batches = [list(items[start : start + batch]) for start in range(0, len(items), batch)]
    if workers <= 1:
        for chunk in batches:
            yield from work(chunk)
        return
    import multiprocessing

    # spawn: forking a process that has torch or ROS threads can hang it.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for results in pool.imap(work, batches):
            yield from results


def run_ray(items: Items, work: Work, *, workers: int = 2, batch: int = 64) -> Iterator[dict[str, Any]]:
    """The same on Ray Data; a batch whose worker dies is done again by another one.

    Joins the cluster of RAY_ADDRESS, else starts a local one with `workers` CPUs. Results come in
    any order; callers key them.

    Raises:
        UserError: Ray is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise UserError("--ray needs Ray: pip install 'ser-ros[ray]'") from None
    started = not ray.is_initialized()
    if started:
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers}
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False, **local)
        except Exception as error:  # Ray raises plain Exception where its own processes do not come up
            raise UserError(
                f"Ray does not start ({str(error).splitlines()[0]}); try again, or without --ray"
            ) from None
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)

        # JSON, because Arrow columns would fill fields that a record does not have.
        def over(columns: dict[str, Any]) -> dict[str, list[str]]:
            return {"json": [json.dumps(result) for result in work([json.loads(x) for x in columns["json"]])]}

        rows = [{"json": json.dumps(item)} for item in items]
        blocks = max(1, -(-len(rows) // batch))
        done = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(over, batch_size=batch)
        for row in done.iter_rows():
            yield json.loads(row["json"])
    finally:
        if started:
            ray.shutdown()
