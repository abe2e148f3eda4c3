"""A place beside the process that asked, where tasks on other machines leave what they have to tell."""

from __future__ import annotations

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
