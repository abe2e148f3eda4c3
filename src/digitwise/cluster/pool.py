"""Trainings as tasks of Ray: each with the cores it takes, on whichever machine has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from digitwise.cluster.board import Board
from digitwise.cluster.placing import check_room, pinned
from digitwise.errors import ClusterError, DigitwiseError, one_line
from digitwise.system import thread_limits
from digitwise.training.pool import Function
from digitwise.training.relay import Event, Relay, passed_on
from digitwise.training.watch import Watch

RETRIES = 3  # of a task whose worker or machine is lost, or that fails by surprise
TICK = 0.5  # seconds between two looks at what trainings tell


class RayPool:
    """Runs trainings on the cluster that this process has joined.

    Parameters
    ----------
    ray : module
        As :func:`digitwise.cluster.connect.connected` gives it.
    threads : int
        Cores of each training.
    """

    shares_disk = False

    def __init__(self, ray: Any, threads: int = 1) -> None:
        self.ray, self.threads = ray, threads

    def run(
        self, function: Function, shared: Any, tasks: Sequence[Any], names: Sequence[str], watch: Watch
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`~digitwise.training.pool.Pool`; ``shared`` lies in the object store once a machine.

        Raises
        ------
        ClusterError
            If no machine has so many cores, or what a task needs was lost too often.
        """
        ray = self.ray
        check_room(ray, self.threads)
        board = pinned(ray, Board).remote()
        given = ray.put((function, shared))
        work = ray.remote(_attempt).options(
            num_cpus=self.threads,
            max_retries=RETRIES,
            retry_exceptions=True,  # but for those that the task returns
            runtime_env={"env_vars": thread_limits(self.threads)},
        )
        running = {work.remote(given, task, number, board): number for number, task in enumerate(tasks)}
        watches: dict[int, Watch] = {}
        begun = Counter[int]()

        def listen() -> None:
            try:
                news = ray.get(board.told.remote())
            except ray.exceptions.RayError as error:
                raise ClusterError(f"this machine left the cluster: {_line(error)}; join it again") from error
            for number, event in news:
                if number not in watches:
                    watches[number] = watch.on_task(names[number])
                if event is None:
                    begun[number] += 1
                else:
                    passed_on(event, watches[number])

        try:
            while running:
                done, _ = ray.wait(list(running), timeout=TICK)  # one at most
                listen()
                for task in done:
                    number = running.pop(task)
                    outcome = self._outcome(task, names[number], begun[number])
                    if isinstance(outcome, DigitwiseError):
                        raise outcome
                    yield number, outcome
        finally:
            for task in running:
                ray.cancel(task, force=True)
            ray.kill(board)

    def _outcome(self, task: Any, name: str, tries: int) -> Any:
        errors = self.ray.exceptions
        try:
            return self.ray.get(task)
        except errors.RayTaskError as error:  # after its retries; what cannot be sent back is not tried again
            cause = error.cause if isinstance(error.cause, Exception) else error
            told = f"{type(cause).__name__}: {_line(cause)}"
            if "No module named 'digitwise" in told:
                told = "digitwise is not installed on each machine of the cluster; install the same version there"
            times = f" {tries} times" if tries > 1 else ""
            raise ClusterError(f"{name}: failed{times}: {told}") from error
        except errors.RayError as error:
            raise ClusterError(
                f"{name}: the cluster lost it {RETRIES + 1} times: {type(error).__name__}: {_line(error)}"
            ) from error


def _attempt(given: Any, task: Any, number: int, board: Any) -> Any:
    """In a worker: one task. What it refuses is an answer, so that it is not tried again."""
    import ray

    function, shared = given
    board.tell.remote(number, None)

    def send(event: Event) -> None:
        board.tell.remote(number, event)

    try:
        return function(shared, task, Relay(send))
    except DigitwiseError as error:
        return error
    finally:
        ray.get(board.heard.remote())  # what was told has arrived before the answer does


def _line(error: BaseException) -> str:
    return one_line(str(error))[-200:]
