"""Reading shards on Ray: each shard is a task of one core; a worker keeps its reader from one task to the next."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.reading.shards.work import NumberedCut, ShardOutcome, Work, done
from digitwise.training.watch import Watch

LOST = "its worker was lost each time it was tried, perhaps for want of memory"


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
            If no cluster answers at the address, or it is lost.
        """
        names = [cut.name for _, cut in tasks]
        with connected(self.address) as ray:
            # Iterators: as many tasks are submitted as there are cores, however many shards a job has.
            for index, outcome in RayPool(ray).run(_read, work, iter(tasks), iter(names), Watch(), lost=LOST):
                lost = ShardOutcome(tasks[index][0], error=f"{names[index]}: {LOST}")
                yield lost if outcome == LOST else outcome


def _read(work: Work, task: NumberedCut, _watch: Watch) -> ShardOutcome:
    return done(work, work.reader(1), *task)
