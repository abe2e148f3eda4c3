"""Reading shards on Ray: a worker a core, each with one session, fed by Ray Data."""

from __future__ import annotations

import logging
import pickle
from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

from digitwise.cluster.connect import connected
from digitwise.cluster.pool import pinned
from digitwise.errors import ClusterError, DigitwiseError, one_line
from digitwise.reading.shards.work import NumberedCut, ShardOutcome, Work, done
from digitwise.system import thread_limits

TRIES = 4  # for a shard that loses its worker or its machine: Ray itself would go on for ever


class RayReaders:
    """Reads shards on a cluster, which is joined when the reading begins.

    Parameters
    ----------
    address : str
        As for :func:`digitwise.cluster.connect.connected`.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def run(self, work: Work, tasks: Sequence[NumberedCut]) -> Generator[ShardOutcome, None, None]:
        """See :class:`~digitwise.reading.shards.work.Readers`.

        Raises
        ------
        ClusterError
            If no cluster answers at the address, or it gives up.
        """
        with connected(self.address) as ray:
            yield from _run(ray, work, tasks)


def _run(ray: Any, work: Work, tasks: Sequence[NumberedCut]) -> Generator[ShardOutcome, None, None]:
    from ray import data

    _be_quiet(data)
    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    workers = min(cores, len(tasks))
    tries = pinned(ray, Tries).remote(TRIES)
    items = [{"task": pickle.dumps(task)} for task in tasks]
    rows = data.from_items(items, override_num_blocks=len(items)).map_batches(
        Worker,
        fn_constructor_args=(work, tries),
        batch_size=1,
        # All at once where there is room, but one is enough to go on with.
        compute=data.ActorPoolStrategy(
            min_size=1, max_size=workers, initial_size=workers, max_tasks_in_flight_per_actor=1
        ),
        num_cpus=1,
        runtime_env={"env_vars": thread_limits(1)},
    )
    try:
        for row in rows.iter_rows():
            yield pickle.loads(row["outcome"])
    except ray.exceptions.RayError as error:
        raise ClusterError(f"the cluster gave up: {one_line(error)[-300:]}") from error
    finally:
        ray.kill(tries)


class Tries:
    """Counts how often shards were begun.

    Parameters
    ----------
    most : int
        For one of them.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._begun: Counter[int] = Counter()

    def are_left(self, number: int) -> bool:
        """Count one more try; whether it is allowed."""
        self._begun[number] += 1
        return self._begun[number] <= self.most


class Worker:
    """Reads shards, in a process of its own.

    Parameters
    ----------
    work : Work
    tries : actor
        Of :class:`Tries`.
    """

    def __init__(self, work: Work, tries: Any) -> None:
        self.work, self.tries = work, tries
        self.reader: Any = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """Read a shard. An error is an answer, so that Ray does not try again."""
        import ray

        number, cut = pickle.loads(batch["task"][0])
        if not ray.get(self.tries.are_left.remote(number)):
            lost = f"{cut.name}: its worker was lost each time it was tried, perhaps for want of memory"
            return _answer(ShardOutcome(number, error=lost))
        try:
            self.reader = self.reader or self.work.reader(1)
        except DigitwiseError as error:
            return _answer(ShardOutcome(number, fatal=error))
        return _answer(done(self.work, self.reader, number, cut))


def _answer(outcome: ShardOutcome) -> dict[str, list[bytes]]:
    return {"outcome": [pickle.dumps(outcome)]}


def _be_quiet(data: Any) -> None:
    """Silence Ray Data: the caller reports progress and errors."""
    context = data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    context.max_errored_blocks = -1  # lost blocks are reported as failed shards
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
