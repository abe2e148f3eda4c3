"""A case to judge: a notebook, its evidence, and the recounted predictions of its models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from digitwise.errors import ModelError, one_line
from digitwise.evaluation.rates import wilson
from digitwise.exercise.evidence import Evidence, Fit
from digitwise.exercise.language import say, spoken
from digitwise.exercise.notebooks import Notebook
from digitwise.exercise.predicting import ModelOutput, Predictor
from digitwise.exercise.recognition import Scaling
from digitwise.exercise.registration import Registration
from digitwise.images import Dataset, ImageSet, Int64, Mask

NAMES = {
    "model": "the first model",
    "model2": "the improved model",
    "model3": "the third model",
    "loaded": "the loaded model",
}


MOST_WRONG = 0.02  # error rate of the bundled model above which it is no judge of a set


@lru_cache(maxsize=2)
def hard_images(images: ImageSet) -> Int64:
    """The images that the bundled model, which was not trained on them, gets wrong, int64 (k,).

    Half of them are mislabelled or cannot be read, so that only a model that was trained on them knows their labels.
    None where the bundled model is no judge of the set.
    """
    from digitwise.reading.reader import Reader

    none = np.zeros(0, np.int64)
    if images.images.shape[1:] != (28, 28) or tuple(images.class_names) != tuple("0123456789"):
        return none
    wrong = np.flatnonzero(Reader(threads=1).probabilities(images.images).argmax(axis=1) != images.labels)
    return wrong if len(wrong) <= MOST_WRONG * len(images) else none


@dataclass(frozen=True)
class Judgement:
    """The judgement of one part."""

    share: float  # of the part's points: 0, 0.5 or 1
    reason: str
    hint: str = ""
    text: str = ""  # the student's answer in words
    provisional: bool = False  # the teacher decides; ``share`` is a proposal


class Case:
    """What the judges need to know of one notebook.

    Parameters
    ----------
    notebook : Notebook
    evidence : Evidence
    dataset : Dataset
        The teacher's.
    predictor : Predictor
    ended : str
        Why the notebook did not run to its end; empty where it did.
    registration : Registration, optional
        With the training images; several cases share it.
    quick : bool
        Whether the data set was cut to a few images, from which no network learns enough.
    """

    def __init__(
        self,
        notebook: Notebook,
        evidence: Evidence,
        dataset: Dataset,
        predictor: Predictor,
        ended: str = "",
        registration: Registration | None = None,
        *,
        quick: bool = False,
    ) -> None:
        self.notebook, self.evidence, self.dataset, self.ended = notebook, evidence, dataset, ended
        self.quick, self._registration = quick, registration
        self.labels: Int64 = dataset.test.labels
        self._outputs: dict[str, ModelOutput | str] = {}
        self._predictor = predictor

    @cached_property
    def registration(self) -> Registration:
        """The training images, to register others with."""
        return self._registration or Registration(self.dataset.train.images)

    def output(self, name: str) -> ModelOutput | str:
        """The output of a model for the test images, or why there is none."""
        if name not in self._outputs:
            self._outputs[name] = self._predicted(name)
        return self._outputs[name]

    def missed(self, name: str) -> Mask | None:
        """Which test images a model classifies wrongly; None without its output."""
        output = self.output(name)
        return None if isinstance(output, str) else np.asarray(output.predicted != self.labels)

    def accuracy(self, name: str) -> float | None:
        """The share of test images that a model classifies correctly; None without its output."""
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
        # A model that was saved and loaded is a new object with the old name in Keras.
        return own or [fit for fit in self.evidence.fits if model.name in fit.names]

    def learned_test(self, name: str) -> int:
        """How many test images a model was trained on."""
        return max((fit.fed.test for fit in self.fits(name)), default=0)

    def scaling(self, name: str) -> Scaling | None:
        """The scaling of a model's images; None where it is unknown."""
        known = [fit.fed.scaling for fit in reversed(self.fits(name))]
        known += [array.scaling for key in ("x_test", "x_train") if (array := self.evidence.images.get(key))]
        return next(filter(None, known), None)

    def trouble(self, task: str) -> str:
        """The error of the first failed cell of a task, which must be fixed first; empty without one."""
        places = {cell.place for cell in self.notebook.of(task)}
        if self.evidence.running in places and self.ended:
            return f"{self.ended[0].upper()}{self.ended[1:]}."
        failed = next((place for place in sorted(self.evidence.errors) if place in places), None)
        if failed is None:
            return ""
        error = self.evidence.errors[failed]
        if error.startswith("NotImplementedError: "):  # how the edition stops at a gap
            return say("The gap in cell {place} is not filled in.", place=failed)
        return say("Cell {place} stopped with {error}.", place=failed, error=_bounded(error))

    def unknown(self, name: str) -> Judgement:
        """The verdict on a model without output."""
        output = self.output(name)
        assert isinstance(output, str)
        if name in self.evidence.models:
            reason = say("{model} cannot be judged: {output}", model=say(NAMES[name]), output=output)
            return Judgement(0, reason, say("Fix this, then run all cells again."))
        hint = say("Train {model}, name it {name}, then run all cells from the top.", model=say(NAMES[name]), name=name)
        return Judgement(0, output, hint)

    def _predicted(self, name: str) -> ModelOutput | str:
        model = self.evidence.models.get(name)
        if model is None:
            return say("there is no Keras model named {name}", name=name)
        if model.path is None:
            return model.error or say("it cannot be saved")
        try:
            output = self._predictor.predict(model.path, self.scaling(name))
        except ModelError as error:
            return str(error)
        classes = self.dataset.train.n_classes
        if output.probabilities.shape[1] != classes:
            return say("it has {n} outputs: expected {classes}", n=output.probabilities.shape[1], classes=classes)
        return output


Judge = Callable[[Case], Judgement]


def percent(share: float) -> str:
    """A share as text."""
    text = f"{100 * share:.2f} %"
    return text.replace(".", ",") if spoken() == "de" else text


def _bounded(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= 120 else f"{line[:119]}…"
