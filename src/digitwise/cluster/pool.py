"""Trainings as tasks of Ray, each with its cores, on any machine that has them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from digitwise.errors import ClusterError, DigitwiseError, one_line
from digitwise.system import thread_limits
from digitwise.training.pool import Function
from digitwise.training.watch import Event, Relay, Stopped, Watch, answered

RETRIES = 3  # of a task that loses its worker or machine, or fails unexpectedly
TICK = 5.0  # seconds between two checks for free cores without messages
Told = tuple[int, int | None, Event | None]  # the numbers of a task and of its question, if any, and the event


class Board:
    """An actor on the machine of the caller that collects the events of tasks on other machines."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._some = asyncio.Event()
        self._asked: dict[int, asyncio.Future[bool]] = {}
        self._questions = 0

    async def tell(self, number: int, event: Event | None, question: int | None = None) -> None:
        """Add an event of a task, or None when it begins. Events arrive in order, so waiting for one waits for all."""
        self._told.append((number, question, event))
        self._some.set()

    async def ask(self, number: int, event: Event) -> bool:
        """Add an epoch of a task, and wait for the decision whether its training continues."""
        self._questions += 1
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked[self._questions] = waiting
        await self.tell(number, event, self._questions)
        return await waiting

    async def answer(self, question: int, go_on: bool) -> None:
        """Answer a question: whether the training continues."""
        self._asked.pop(question).set_result(go_on)

    async def news(self) -> None:
        """Wait for an event."""
        await self._some.wait()

    async def take(self) -> list[Told]:
        """Take all events, in the order of their arrival."""
        told, self._told = self._told, []
        self._some.clear()
        return told


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
        self,
        function: Function,
        shared: Any,
        tasks: Iterable[Any],
        names: Iterable[str],
        watch: Watch,
        *,
        lost: Any = None,
    ) -> Iterator[tuple[int, Any]]:
        """See :class:`~digitwise.training.pool.Pool`; ``shared`` is in the object store once per machine.

        A sized collection of tasks is submitted at once, so that a cluster can grow by demand.

        Raises
        ------
        ClusterError
            If no machine has enough cores, or a task was lost too often.
        """
        ray = self.ray
        self._check()
        given, drawn = zip(tasks, names, strict=True), list[str]()
        board = pinned(ray, Board).remote()
        shared = ray.put((function, shared))
        work = ray.remote(_attempt).options(
            num_cpus=self.threads,
            max_retries=RETRIES,
            retry_exceptions=True,  # but for those that the task returns
            runtime_env={"env_vars": thread_limits(self.threads)},
        )
        running: dict[Any, int] = {}
        events = _Events(ray, board, drawn, watch)
        try:
            while True:
                while isinstance(tasks, Sized) or len(running) < self._room():
                    if (task := next(given, None)) is None:
                        break
                    running[work.remote(shared, task[0], len(drawn), board)] = len(drawn)
                    drawn.append(task[1])
                if not running:
                    return
                events.wait(running)
                done, _ = ray.wait(list(running), timeout=0)  # one at most
                events.listen()
                for ended in done:
                    number = running.pop(ended)
                    outcome = self._outcome(ended, drawn[number], events.begun[number], lost)
                    if isinstance(outcome, DigitwiseError):
                        raise outcome
                    yield number, outcome
        finally:
            for task in running:
                ray.cancel(task, force=True)
            ray.kill(board)

    def _cores(self) -> list[int]:
        """Of each machine."""
        return [int(node["Resources"].get("CPU", 0)) for node in self.ray.nodes() if node["Alive"]]

    def _room(self) -> int:
        """The number of tasks that run in parallel; at least one, which waits if a machine was lost."""
        return max(1, sum(cores // self.threads for cores in self._cores()))

    def _check(self) -> None:
        """Check that a machine has the cores of a task; Ray would wait for one for ever."""
        if (most := max(self._cores(), default=0)) < self.threads:
            raise ClusterError(
                f"threads (--threads): expected at most {most} for the cluster's largest machine, got {self.threads}"
            )

    def _outcome(self, task: Any, name: str, tries: int, lost: Any) -> Any:
        errors = self.ray.exceptions
        try:
            return self.ray.get(task)
        except errors.RayError as error:  # after its retries; a result that cannot be pickled is not tried again
            if lost is not None:
                return lost
            if not isinstance(error, errors.RayTaskError):
                raise ClusterError(
                    f"{name}: the cluster lost it {RETRIES + 1} times: {type(error).__name__}: {_line(error)}"
                ) from error
            cause = error.cause if isinstance(error.cause, Exception) else error
            told = f"{type(cause).__name__}: {_line(cause)}"
            if "No module named 'digitwise" in told:
                told = "digitwise is not installed on each machine of the cluster; install the same version there"
            times = f" {tries} times" if tries > 1 else ""
            raise ClusterError(f"{name}: failed{times}: {told}") from error


class _Events:
    """Passes events of tasks from a board to their watches."""

    def __init__(self, ray: Any, board: Any, names: list[str], watch: Watch) -> None:
        self.ray, self.board, self.names, self.watch = ray, board, names, watch
        self.watches: dict[int, Watch] = {}
        self.begun = Counter[int]()
        self._news = board.news.remote()

    def wait(self, running: Iterable[Any]) -> None:
        """Wait for an event or the end of a task."""
        ready, _ = self.ray.wait([self._news, *running], timeout=TICK)
        if self._news in ready:
            self._news = self.board.news.remote()

    def listen(self) -> None:
        """Pass events on, and answer the questions whether trainings continue."""
        try:
            told = self.ray.get(self.board.take.remote())
        except self.ray.exceptions.RayError as error:
            raise ClusterError(f"this machine left the cluster: {_line(error)}; join it again") from error
        for number, question, event in told:
            if number not in self.watches:
                self.watches[number] = self.watch.on_task(self.names[number])
            if event is None:
                self.begun[number] += 1
            elif (go_on := answered(event, self.watches[number])) is not None and question is not None:
                self.board.answer.remote(question, go_on)


def _attempt(given: Any, task: Any, number: int, board: Any) -> Any:
    """Run one task in a worker. A DigitwiseError is an answer, so that Ray does not try again."""
    import ray

    function, shared = given
    told = [board.tell.remote(number, None)]

    def send(event: Event) -> None:
        if event[0] != "on_epoch":
            told[0] = board.tell.remote(number, event)
        elif not ray.get(board.ask.remote(number, event)):
            raise Stopped

    try:
        return function(shared, task, Relay(send))
    except DigitwiseError as error:
        return error
    finally:
        ray.get(told[0])  # all events arrive before the answer


def pinned(ray: Any, kind: type) -> Any:
    """A class as an actor that takes no core and runs on this machine, so that the loss of others does not end it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=here)


def _line(error: BaseException) -> str:
    return one_line(str(error))[-200:]
