"""The exercise's tasks: what each asks for and what its points are given for.

The edition with gaps prints them, the marking gives points by them, so that a student reads what is marked.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that points are given for.

    Parameters
    ----------
    id : str
        Unique within its task.
    points : float
        At most; halves of a part may be given.
    what : str
        The condition, as a student reads it.
    """

    id: str
    points: float
    what: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    Parameters
    ----------
    id : str
        Stands in the metadata of the task's cells: ``{"digitwise": {"task": id, "role": "question"}}``; the roles are
        ``question``, ``code`` and ``answer``.
    title : str
        The heading in the notebook.
    parts : tuple of Part
        What its points are given for, in order.
    names : tuple of str
        What the student's code is to define.
    """

    id: str
    title: str
    parts: tuple[Part, ...]
    names: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """How many there are for the whole task."""
        return sum(part.points for part in self.parts)


TASKS = (
    Task(
        "histogram",
        "Histogram of the classes",
        (
            Part("drawn", 0.5, "a bar for each class, as high as the training set has pictures of it"),
            Part("judged", 0.5, "a sentence on whether the classes are even enough to train on"),
        ),
    ),
    Task(
        "shape",
        "Preparing the data",
        (
            Part("shaped", 0.5, "pictures of shape (-1, 28, 28, 1) with values from 0 to 1"),
            Part("explained", 0.5, "why the shape has these four numbers"),
        ),
        ("x_train", "y_train", "x_test", "y_test"),
    ),
    Task(
        "model1",
        "The first model",
        (
            Part("built", 1, "exactly one convolution, and ten outputs with softmax"),
            Part("trained", 1, "at least 97 % of the test pictures right, counted anew from the model"),
        ),
        ("model", "history"),
    ),
    Task(
        "prediction",
        "The first prediction",
        (
            Part("predicted", 0.5, "the ten numbers that the first model gives for one test picture"),
            Part("explained", 0.5, "what these ten numbers mean"),
        ),
        ("prediction",),
    ),
    Task(
        "model2",
        "The improved model",
        (
            Part("better", 1, "less than 1 % of the test pictures wrong, the upper 95 % bound too"),
            Part("sources", 0.5, "a link to where the ideas come from"),
            Part("gain", 0.5, "the gain over the first model, in numbers"),
        ),
        ("model2", "history2"),
    ),
    Task(
        "saving",
        "Saving and loading",
        (Part("equal", 0, "JSON and weights saved, and loaded again to a model that answers alike"),),
        ("loaded",),
    ),
    Task(
        "errors",
        "Characteristics of the errors",
        (
            Part("confusion", 0.5, "the improved model's confusion matrix on the test pictures, a row a given class"),
            Part("explained", 0.5, "what the wrong pictures have in common"),
        ),
        ("confusion",),
    ),
    Task(
        "model3",
        "The new training strategy",
        (
            Part("focus", 0.5, "more training pictures, or more weight, for the classes with the most errors"),
            Part("augmented", 0.5, "augmentation that leaves a digit its label, on training pictures alone"),
            Part("judged", 1, "the resulting accuracy, and whether it is really better than the improved model"),
        ),
        ("model3", "history3", "model3_is_better"),
    ),
)

POINTS = sum(task.points for task in TASKS)
