"""The public result of evaluating any model: counts, answers and images, which show, report and save themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.data.streamed import AnyDataset
from digitwise.drawing import axes_for
from digitwise.errors import DigitwiseError, RunError
from digitwise.evaluation import confusion_matrix, evaluate_predictions
from digitwise.evaluation.assessment import MAX_ERROR, Basis, Guarantee
from digitwise.evaluation.calibration import Calibration, calibration
from digitwise.evaluation.fixes import fix_for
from digitwise.evaluation.metrics import Scores
from digitwise.evaluation.slices import find_slices
from digitwise.images import ImageSet, Int64
from digitwise.parts import imported
from digitwise.predictions import Predictions
from digitwise.properties import properties
from digitwise.reading.foreign import Understood
from digitwise.runs import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 12  # wrong images that a notebook shows


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(Scores):
    """A model's answers about labelled images, counted and judged; :func:`digitwise.evaluate` gives one.

    Parameters
    ----------
    n, n_errors : int
        Images; those classified wrongly. These and the next five are those of
        :class:`~digitwise.evaluation.metrics.Scores`.
    interval_95 : (float, float)
        Wilson interval of the error rate, in [0, 1].
    classes : tuple of ClassScore
    confused : tuple of ConfusedPair
    top_2_accuracy : float
    negative_log_likelihood : float
    name : str
        The model: a run's recipe, a file, or the type of a model in memory.
    data : str
        The name of the images' set.
    predictions : Predictions
        Labels int64 (n,), probabilities float32 (n, k), names of the k classes.
    fingerprint : str
        The sha256 of the images and labels.
    load : callable
        Gives the images, or for a run's own test images its data set.
    validation : Predictions, optional
        Answers of a run about its validation images, by which temperature and threshold are chosen; without them a
        half of the images is for that.
    place : str
        The run folder, file or folder that the model is in; else its name.
    purpose : str
        What a run's recipe is for; how a model from elsewhere takes its images.
    source : str
        Where the images were read from, in words.
    notes : tuple of str
        What is to be known about these, such as a class without images.
    understood : Understood, optional
        How a model from elsewhere takes images.
    run : Run, optional
        The run whose own test images these are.

    Examples
    --------
    >>> import digitwise, numpy as np
    >>> labels = digitwise.load("digits").test.labels
    >>> digitwise.evaluate(np.eye(10)[labels], "digits")
    Evaluation(array on digits: 0 of 360 wrong, 0.00 %, 95 % interval 0.00 to 1.06 %)
    """

    name: str
    data: str
    predictions: Predictions
    fingerprint: str
    load: Callable[[], ImageSet | AnyDataset]
    validation: Predictions | None = None
    place: str = ""
    purpose: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    understood: Understood | None = None
    run: Run | None = None

    @classmethod
    def of(cls, predictions: Predictions, **about: Any) -> Evaluation:
        """The evaluation of predictions; ``about`` are the parameters from ``name`` on."""
        return cls(**vars(evaluate_predictions(predictions)), predictions=predictions, **about)

    @classmethod
    def of_run(cls, run: Run, dataset: AnyDataset | None = None) -> Evaluation:
        """That of a run's stored answers about its own test images, which are loaded where they are needed.

        Parameters
        ----------
        run : Run
        dataset : Dataset, optional
            Its data set, where it is loaded already.
        """
        known = run.info["data"]
        return cls.of(
            run.predictions("test"),
            name=run.name,
            data=known["name"],
            fingerprint=known["fingerprint"]["test"],
            load=run.dataset if dataset is None else lambda: dataset,
            validation=run.predictions("validation"),
            place=str(run.path),
            purpose=run.info["recipe"]["purpose"],
            source=known["source"],
            run=run,
        )

    @classmethod
    def open(cls, folder: str | Path) -> Evaluation:
        """The evaluation that :meth:`save` wrote into a folder.

        Raises
        ------
        RunError
            If it is no such folder, or damaged.
        """
        from digitwise.reporting.saved import read_evaluation

        return read_evaluation(folder, cls.of)

    @cached_property
    def _loaded(self) -> ImageSet | AnyDataset:
        return self.load()

    @property
    def images(self) -> ImageSet:
        """The images, of a run's own test set loaded on first use."""
        return self._loaded if isinstance(self._loaded, ImageSet) else self._loaded.test

    @property
    def dataset(self) -> AnyDataset | None:
        """The data set of a run that was evaluated on its own test images; else None."""
        return None if isinstance(self._loaded, ImageSet) else self._loaded

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the k classes, in the order of labels and probabilities."""
        return self.predictions.class_names

    @property
    def confusion(self) -> Int64:
        """The confusion matrix, int64 (k, k): given by row, predicted by column."""
        return np.asarray(confusion_matrix(self.predictions), np.int64)

    @property
    def calibration(self) -> Calibration:
        """How far confidence is accuracy, over all images, with the probabilities as they are."""
        return calibration(self.predictions)

    def guarantee(self, max_error: float = MAX_ERROR) -> Guarantee:
        """Find from which confidence on at most a share of the answers is wrong, with 95 % confidence.

        The threshold is chosen by a run's validation images. Without such images, it is chosen by a half of those
        evaluated, drawn class by class from seed 0, and counted on the other half. The guarantee holds for images of
        the same kind as those it was chosen by.

        Parameters
        ----------
        max_error : float
            In (0, 1).

        Returns
        -------
        Guarantee
            ``policy`` with its threshold and coverage, and the number of answers and of wrong ones among the images
            that had no part in choosing; as text one sentence.

        Raises
        ------
        RunError
            If the images cannot support the guarantee: they are too few, or too many sure answers are wrong.

        References
        ----------
        See :func:`digitwise.evaluation.selective.reading_policy`.
        """
        found = Basis.of(self.predictions, self.validation).guarantee(max_error)
        if found.policy is None:
            raise RunError(f"{self.name}: {found.refusal}")
        return found

    def frame(self) -> Any:
        """A pandas frame with a row for each image: index, file (in a folder), given, predicted, confidence, right."""
        answers, names = self.predictions, np.array(self.class_names, object)
        columns: dict[str, Any] = {"index": np.arange(self.n)}
        if (images := self._shown()) and images.files:
            columns["file"] = list(images.files)
        return imported("pandas", "a frame").DataFrame(
            {
                **columns,
                "given": names[answers.labels],
                "predicted": names[answers.predicted],
                "confidence": answers.confidence,
                "right": ~answers.missed,
            }
        )

    def errors(self) -> Any:
        """The wrongly classified images, the most confident mistake first, in the columns of :meth:`frame`."""
        found = self.frame().iloc[self.predictions.wrong]
        return found.drop(columns="right").reset_index(drop=True)

    def slices(self) -> Any:
        """Groups of images with one or two visible properties in common and more errors than chance explains.

        What is changed in a training because of these groups has to be tested on other images than these.

        Returns
        -------
        DataFrame
            A row for each group, the least likely by chance first: name, n, errors, error_rate, others_rate, p_value,
            fix, and indices, int64 (n,). See :func:`digitwise.evaluation.slices.find_slices`.
        """
        found = find_slices(self.predictions, properties(self.images.images))
        columns = ["name", "n", "errors", "error_rate", "others_rate", "p_value"]
        rows = [[*(each.as_dict()[key] for key in columns), fix_for(each).words, each.indices] for each in found]
        return imported("pandas", "a frame").DataFrame(rows, columns=[*columns, "fix", "indices"])

    def plot(self, ax: Axes | None = None, *, normalize: bool = False) -> Axes:
        """Draw the confusion matrix; only errors are coloured.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            By default of a new figure.
        normalize : bool
            Draw shares of the given class instead of counts.
        """
        from digitwise.reporting.figures import confusion_on, confusion_side

        side = confusion_side(len(self.class_names))
        with axes_for(ax, side + 0.6, side) as axes:
            confusion_on(axes, self.predictions, normalize=normalize)
        return axes

    def report(self, path: str | Path = "report.html", **wishes: Any) -> Path:
        """Write the report page, a self-contained HTML file; its numbers and figures go beside it.

        Parameters
        ----------
        path : str or Path
            Ends in ``.html``. An earlier report there is replaced.
        **wishes
            Of :class:`digitwise.reporting.content.Wishes`: ``target``, ``max_error``, ``samples``, ``class_mix``,
            ``findings``, ``patch``.

        Returns
        -------
        Path
            The page.

        Raises
        ------
        RunError
            If something else lies there.
        """
        from digitwise.reporting.content import Wishes
        from digitwise.reporting.report import write_report

        write_report([self], Path(path), Wishes(**wishes))
        return Path(path)

    def save(self, folder: str | Path) -> Path:
        """Save answers and images as a folder that :meth:`open`, ``digitwise report``, ``errors`` and ``compare`` take.

        Parameters
        ----------
        folder : str or Path
            A new one, or one of an earlier evaluation, which is replaced.

        Raises
        ------
        RunError
            If something else lies there.
        """
        from digitwise.reporting.saved import write_evaluation

        return write_evaluation(self, Path(folder))

    def __repr__(self) -> str:
        low, high = self.interval_95
        return (
            f"Evaluation({self.name} on {self.data}: {self.n_errors:,} of {self.n:,} wrong, "
            f"{100 * self.error_rate:.2f} %, 95 % interval {100 * low:.2f} to {100 * high:.2f} %)"
        )

    def _repr_html_(self) -> str:
        """Counts, confusion matrix and the most confident mistakes, for a notebook."""
        from digitwise.reporting.figures import data_url
        from digitwise.reporting.render import render

        answers, names, images = self.predictions, self.class_names, self._shown()
        shown = [] if images is None else [(int(i), images.images[i]) for i in answers.wrong[:SHOWN]]
        wrong = [
            {
                "url": data_url(image),
                "words": f"{names[answers.labels[i]]} → {names[answers.predicted[i]]}",
                "confidence": float(answers.confidence[i]),
                "index": i,
            }
            for i, image in shown
        ]
        return render("evaluation.html.j2", evaluation=self, confusion=self.confusion.tolist(), wrong=wrong)

    def _shown(self) -> ImageSet | None:
        """The images, where they are at hand: a run's data may have moved, or be too much to read for a display."""
        if self.run is not None and "streamed" in self.run.info["data"]:
            return None
        try:
            return self.images
        except DigitwiseError:
            return None
