"""A notebook before its judges: what it says, what it showed, and how its models answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.evaluation.rates import wilson
from digitwise.exercise.answering import Answerer, Answers
from digitwise.exercise.evidence import Evidence, Fit
from digitwise.exercise.notebooks import Notebook
from digitwise.exercise.recognition import Scaling
from digitwise.images import Dataset, Int64, Mask

NAMES = {
    "model": "the first model",
    "model2": "the improved model",
    "model3": "the third model",
    "loaded": "the loaded model",
}


@dataclass(frozen=True)
class Verdict:
    """On one part.

    Parameters
    ----------
    share : float
        Of the part's points: 0, 0.5 or 1.
    reason, hint : str
    """

    share: float
    reason: str
    hint: str = ""


class Case:
    """All that judges ask for.

    Parameters
    ----------
    notebook : Notebook
    evidence : Evidence
    dataset : Dataset
        The teacher's.
    answerer : Answerer
    ended : str
        Why the notebook did not run to its end; empty where it did.
    """

    def __init__(
        self, notebook: Notebook, evidence: Evidence, dataset: Dataset, answerer: Answerer, ended: str = ""
    ) -> None:
        self.notebook, self.evidence, self.dataset, self.ended = notebook, evidence, dataset, ended
        self.labels: Int64 = dataset.test.labels
        self._answers: dict[str, Answers | str] = {}
        self._answerer = answerer

    def answers(self, name: str) -> Answers | str:
        """How a model answers about the test pictures, or why that is not known."""
        if name not in self._answers:
            self._answers[name] = self._asked(name)
        return self._answers[name]

    def missed(self, name: str) -> Mask | None:
        """Which test pictures a model gets wrong; None where that is not known."""
        answers = self.answers(name)
        return None if isinstance(answers, str) else np.asarray(answers.predicted != self.labels)

    def accuracy(self, name: str) -> float | None:
        """The share of test pictures a model gets right; None where that is not known."""
        missed = self.missed(name)
        return None if missed is None else 1 - float(missed.mean())

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % interval of a model's error rate."""
        missed = self.missed(name)
        return (0.0, 1.0) if missed is None else wilson(int(missed.sum()), len(missed))

    def fits(self, name: str) -> list[Fit]:
        """The trainings of a model."""
        model = self.evidence.models.get(name)
        if model is None:
            return []
        own = [fit for fit in self.evidence.fits if model.key in fit.models]
        # One that was saved and loaded again is another object; its name in Keras stays.
        return own or [fit for fit in self.evidence.fits if model.name in fit.names]

    def learned_test(self, name: str) -> int:
        """How many test pictures a model was trained on."""
        return max((fit.fed.test for fit in self.fits(name)), default=0)

    def scaling(self, name: str) -> Scaling | None:
        """What a model's pictures were scaled by, as far as that is known."""
        known = [fit.fed.scaling for fit in reversed(self.fits(name))]
        known += [array.scaling for key in ("x_test", "x_train") if (array := self.evidence.pictures.get(key))]
        return next(filter(None, known), None)

    def trouble(self, task: str) -> str:
        """What to fix before anything else: the first cell of a task that stopped."""
        places = {cell.place for cell in self.notebook.of(task)}
        if self.evidence.running in places and self.ended:
            return f"{self.ended[0].upper()}{self.ended[1:]}."
        failed = next((place for place in sorted(self.evidence.errors) if place in places), None)
        return "" if failed is None else f"Cell {failed} stopped with {_bounded(self.evidence.errors[failed])}."

    def unknown(self, name: str) -> Verdict:
        """The verdict where a name's model is not there or cannot be asked."""
        answers = self.answers(name)
        assert isinstance(answers, str)
        if name in self.evidence.models:
            return Verdict(0, f"{NAMES[name]} cannot be judged: {answers}", "Fix this, then run all cells again.")
        return Verdict(0, answers, f"Train {NAMES[name]} and give it the name {name}; then run all cells from the top.")

    def _asked(self, name: str) -> Answers | str:
        model = self.evidence.models.get(name)
        if model is None:
            return f"no Keras model is called {name}"
        if model.path is None:
            return model.error or "it cannot be saved"
        try:
            answers = self._answerer.ask(model.path, self.scaling(name))
        except ModelError as error:
            return str(error)
        classes = self.dataset.train.n_classes
        if answers.probabilities.shape[1] != classes:
            return f"it has {answers.probabilities.shape[1]} outputs: expected {classes}"
        return answers


Judge = Callable[[Case], Verdict]


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.2f} %"


def _bounded(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= 120 else f"{line[:119]}…"
