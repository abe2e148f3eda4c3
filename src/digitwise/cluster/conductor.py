"""The actor that runs Ray Tune for a sweep, beside the process that asked for it.

Tune would take over that process: its signals, its output, its environment. Here all trials inherit the actor's
environment instead, so that they compute with the number of threads they declare. Weights pass through as bytes,
so that this process does not wait for Keras.
"""

from __future__ import annotations

import math
import pickle
import queue
from collections.abc import Sequence
from typing import Any

from digitwise.errors import DigitwiseError
from digitwise.training.relay import Event, Relay

LIVES = 4  # of a trial: a node that is lost takes one of each trial on it
# The share of a training, in percent, and not its epochs: trials may differ in these, and the schedule follows the
# share: while the learning rate is high, errors say little of where it leads.
GRACE, WHOLE, REDUCTION = 25, 100, 2
ENVIRONMENT = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # a relative path stays what it is
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # they would write tables and TensorBoard's files of their own
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
Happening = tuple[Any, ...]  # what happened, to which trial by its place, and more


class Conductor:
    """Runs trials by Tune, and says what happens.

    Parameters
    ----------
    least : tuple, optional
        The best rank so far, see :meth:`digitwise.training.outcome.Outcome.rank`.
    """

    def __init__(self, least: tuple[float, ...] | None = None) -> None:
        self.least = least
        self.events: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self.over: set[int] = set()

    def conduct(self, given: list[Any], places: Sequence[int], resources: dict[str, float], storage: str) -> None:
        """Run the trials at these places.

        Parameters
        ----------
        given : list of one ObjectRef
            To the function, what all trials share, and the trials.
        places : sequence of int
        resources : dict
            Of each trial, as Tune takes them.
        storage : str
            A folder for Tune's own notes.
        """
        import ray
        from ray import tune
        from ray.tune.schedulers import ASHAScheduler

        me = ray.get_runtime_context().current_actor
        trainable = tune.with_parameters(attempt, given=given, conductor=me)
        tune.Tuner(
            tune.with_resources(trainable, resources),
            param_space={"place": tune.grid_search(list(places))},
            tune_config=tune.TuneConfig(
                metric="errors",
                mode="min",
                scheduler=ASHAScheduler(
                    time_attr="percent", max_t=WHOLE, grace_period=GRACE, reduction_factor=REDUCTION
                ),
                reuse_actors=True,  # importing TensorFlow takes as long as a short training
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=storage,
                failure_config=tune.FailureConfig(max_failures=LIVES - 1),
                callbacks=[_teller(self)],
                verbose=0,
            ),
        ).fit()

    def pass_on(self, place: int, told: Event) -> None:
        """Take what a trial tells its watch."""
        self.events.put(("told", place, told))

    def hand_over(self, place: int, rank: tuple[float, ...] | None, whole: bytes, bare: bytes) -> None:
        """Take what came of a trial, whole or without its weights, as pickled; whole goes on only the best so far."""
        best = rank is not None and (self.least is None or rank < self.least)
        if best:
            self.least = rank
        self.over.add(place)
        self.events.put(("done", place, whole if best else bare))

    def refuse(self, place: int, error: DigitwiseError) -> None:
        """Take what a trial raised on purpose."""
        self.over.add(place)
        self.events.put(("refused", place, error))

    def told(self, seconds: float) -> list[Happening]:
        """What happened since the last call; where nothing did, what happens first within some seconds."""
        try:
            events = [self.events.get(timeout=seconds)]
        except queue.Empty:
            return []
        while not self.events.empty():
            events.append(self.events.get())
        return events


def _teller(conductor: Conductor) -> Any:
    """Who tells the conductor what Tune knows."""
    from ray.tune import Callback

    class Teller(Callback):  # type: ignore[misc]
        def __reduce__(self) -> tuple[type, tuple[()]]:
            return dict, ()  # Tune notes what it was given, to take up a run that broke off; this one is not

        def on_trial_start(self, *, trial: Any, **_: Any) -> None:
            conductor.events.put(("began", trial.config["place"]))

        def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
            conductor.events.put(("epoch", trial.config["place"], result["row"], result["share"], result["errors"]))

        def on_trial_complete(self, *, trial: Any, **_: Any) -> None:
            self._ended("stopped", trial)

        def on_trial_error(self, *, trial: Any, **_: Any) -> None:
            self._ended("lost", trial)

        def _ended(self, how: str, trial: Any) -> None:
            place = trial.config["place"]
            if place not in conductor.over:
                conductor.over.add(place)
                conductor.events.put((how, place))

    return Teller()


def attempt(config: dict[str, int], *, given: list[Any], conductor: Any) -> None:
    """Train one trial in an actor of Tune's, and hand over what came of it."""
    import ray

    function, shared, trials = ray.get(given[0])
    place = config["place"]
    try:
        outcome = function(shared, trials[place], Reports(place, conductor, len(shared.splits.validation)))
    except DigitwiseError as error:
        ray.get(conductor.refuse.remote(place, error))
        return
    rank = outcome.rank(trials[place].number) if outcome.finished else None
    whole, bare = pickle.dumps(outcome), pickle.dumps(outcome.bare)
    ray.get(conductor.hand_over.remote(place, rank, whole, bare))  # which ends after it has arrived


class Reports(Relay):
    """Reports epochs to Tune, which may stop the trial there; the rest goes to the conductor.

    Parameters
    ----------
    place : int
        The trial's.
    conductor : actor
    n : int
        Validation pictures.
    """

    def __init__(self, place: int, conductor: Any, n: int) -> None:
        super().__init__(lambda event: conductor.pass_on.remote(place, event))
        self.n, self.member = n, 1

    def on_member(self, member: int, members: int) -> None:
        """Remember which network it is."""
        super().on_member(member, members)
        self.member = member

    def on_epoch(self, row: dict[str, Any], share: float) -> None:
        """Report it; it is not compared once the first network is trained: the others would do as well as that."""
        from ray import tune

        wrong = round((1 - row["val_accuracy"]) * self.n) if math.isfinite(row["val_loss"]) else self.n
        compared = {"percent": WHOLE * share} if self.member == 1 and share < 1 else {}
        tune.report({"errors": wrong, "row": row, "share": share, **compared})
