"""The trials of a sweep on a cluster, by Ray Tune: poor ones are stopped early, lost ones are tried again."""

from __future__ import annotations

import math
import pickle
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from digitwise.cluster.conductor import ENVIRONMENT, LIVES, Conductor, Happening
from digitwise.cluster.placing import check_room
from digitwise.errors import ClusterError, DigitwiseError, one_line
from digitwise.recipes.space import Trial
from digitwise.system import thread_limits
from digitwise.training.outcome import Outcome
from digitwise.training.pool import Function
from digitwise.training.relay import passed_on
from digitwise.training.watch import Watch

NOTHING = Outcome("lost", None, None, 0, 0.0, [])
PATIENCE = 1.0  # seconds between two looks at whether the conductor lives


class Tuned:
    """A pool for :func:`digitwise.training.sweep.sweep`, which stops poor trials early.

    By asynchronous successive halving: after a quarter and after a half of its training a trial is stopped if half of
    those that came so far before it had fewer validation errors there. What a trial that runs to its end comes to does
    not depend on the others.

    Parameters
    ----------
    ray : module
        Connected, see :func:`digitwise.cluster.connect.connected`.
    threads : int
        Cores of each trial.

    References
    ----------
    L. Li et al., A System for Massively Parallel Hyperparameter Tuning, MLSys (2020), arXiv 1810.05934.
    """

    shares_disk = False

    def __init__(self, ray: Any, threads: int = 1) -> None:
        self.ray, self.threads = ray, threads

    def run(
        self, function: Function, shared: Any, tasks: Sequence[Any], names: Sequence[str], watch: Watch
    ) -> Iterator[tuple[int, Outcome]]:
        """See :class:`digitwise.training.pool.Pool`; ``function`` gives an :class:`Outcome`, as run_trial does.

        Raises
        ------
        ClusterError
            If no node has as many cores as a trial needs, or the conductor was lost again and again.
        """
        check_room(self.ray, self.threads)
        given = self.ray.put((function, shared, list(tasks)))
        left = _Left(tasks, names, watch)
        for _ in range(LIVES):
            yield from self._conducted(given, left)
            if not left.places:
                return
        raise ClusterError(
            f"the sweep lost its conductor {LIVES} times, {len(left.places)} trials are left: {left.why}"
        )

    def _conducted(self, given: Any, left: _Left) -> Iterator[tuple[int, Outcome]]:
        """What comes of the trials that are left while one conductor lives."""
        ray, mark = self.ray, random.randrange(1, 2**20)
        with tempfile.TemporaryDirectory(prefix="digitwise-sweep-", ignore_cleanup_errors=True) as storage:
            conductor = self._conductor(left.least)
            try:
                work = conductor.conduct.options(concurrency_group="conducting").remote(
                    [given], sorted(left.places), {"cpu": self.threads, "memory": mark}, storage
                )
                working = True
                while working:  # what it says is heard once more after it has ended
                    working = not ray.wait([work], timeout=0)[0]
                    for event in ray.get(conductor.told.options(concurrency_group="telling").remote(PATIENCE)):
                        if (outcome := left.hear(event)) is not None:
                            yield event[1], outcome
                ray.get(work)
            except ray.exceptions.RayActorError as error:
                left.why = one_line(error, 300)
                return
            except ray.exceptions.RayTaskError as error:
                raise ClusterError(f"Ray Tune failed: {one_line(error.cause, 200)}") from error
            finally:
                ray.kill(conductor)  # and with it the trials that are its own
                self._free(mark)
        if left.places:
            raise ClusterError(f"Ray Tune ended before {len(left.places)} trials did: try again")

    def _free(self, mark: int) -> None:
        """Give back the room that a conductor had reserved: Ray keeps it until this whole process ends.

        It is known by the bytes of memory that its trials ask for: an odd few, which nobody else does.
        """
        from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group

        for group in placement_group_table().values():
            if group["state"] != "REMOVED" and any(
                bundle.get("memory") == mark for bundle in group["bundles"].values()
            ):
                found = self.ray.PlacementGroupID(bytes.fromhex(group["placement_group_id"]))
                remove_placement_group(PlacementGroup(found))

    def _conductor(self, least: tuple[float, ...] | None) -> Any:
        """An actor beside this process, whose folder and whose loss it shares."""
        ray = self.ray
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )
        actor = ray.remote(concurrency_groups={"conducting": 1, "telling": 1})(Conductor)
        return actor.options(
            num_cpus=0,
            scheduling_strategy=here,
            runtime_env={"env_vars": {**thread_limits(self.threads), **ENVIRONMENT}},
        ).remote(least)


@dataclass(eq=False)
class _Left:
    """Which trials are left, and what has been heard of them."""

    trials: Sequence[Trial]
    names: Sequence[str]
    watch: Watch
    least: tuple[float, ...] | None = None
    why: str = ""
    places: set[int] = field(init=False)
    watches: dict[int, Watch] = field(default_factory=dict)
    so_far: dict[int, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.places = set(range(len(self.names)))

    def hear(self, event: Happening) -> Outcome | None:
        """Take an event; what came of a trial, where that is what it says."""
        what, place, *more = event
        if place not in self.places:  # a conductor that was lost had said so already
            return None
        if what == "began":
            self.so_far[place] = NOTHING
            if place not in self.watches:
                self.watches[place] = self.watch.on_task(self.names[place])
            return None
        if what == "epoch":
            row, share, errors = more
            self.so_far[place] = _after(self.so_far[place], row, errors)
            self.watches[place].on_epoch(row, share)
            return None
        if what == "told":
            passed_on(more[0], self.watches[place])
            return None
        self.places.remove(place)
        return self._ended(what, place, more)

    def _ended(self, what: str, place: int, more: Sequence[Any]) -> Outcome:
        if what == "refused":
            error: DigitwiseError = more[0]
            raise error
        if what == "lost":
            return NOTHING
        if what == "stopped":
            return self.so_far[place]
        outcome: Outcome = pickle.loads(more[0])
        if outcome.finished:
            rank = outcome.rank(self.trials[place].number)
            self.least = rank if self.least is None else min(rank, self.least)
        return outcome


def _after(before: Outcome, row: dict[str, Any], errors: int) -> Outcome:
    """What a trial would have come to if it were stopped after this epoch."""
    epochs, seconds = before.epochs + 1, round(before.seconds + row["seconds"], 2)
    if not math.isfinite(row["val_loss"]):
        return Outcome("diverged", None, None, epochs, seconds, [])
    return Outcome("stopped", errors, row["val_loss"], epochs, seconds, [])
