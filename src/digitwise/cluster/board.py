"""A place beside the process that asked, where tasks on other machines leave what they have to tell."""

from __future__ import annotations

from typing import Any

from digitwise.training.relay import Event


class Board:
    """Keeps events in the order in which they come until they are taken."""

    def __init__(self) -> None:
        self._events: list[tuple[int, Event | None]] = []

    def tell(self, number: int, event: Event | None) -> None:
        """Leave an event of a task; None when it begins."""
        self._events.append((number, event))

    def told(self) -> list[tuple[int, Event | None]]:
        """Take all."""
        events, self._events = self._events, []
        return events

    def heard(self) -> None:
        """Nothing: whoever waits for this knows that what it told before has come."""


def pinned(ray: Any, kind: type) -> Any:
    """A class as an actor that takes no core and stays on this machine, so that no other one's loss ends it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(kind).options(num_cpus=0, scheduling_strategy=here)
