"""The tasks of the exercise and their points; the edition with gaps prints them, and the marking follows them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskPart:
    """One condition that earns points."""

    id: str  # unique within its task
    points: float  # at most; a part can earn half of them
    what: str  # the condition, as students read it


@dataclass(frozen=True, slots=True)
class ExerciseTask:
    """One task."""

    # in the metadata of the task's cells: ``{"digitwise": {"task": id, "role": "question"}}``; the roles are
    # ``question``, ``code`` and ``answer``
    id: str
    title: str  # the heading in the notebook
    parts: tuple[TaskPart, ...]
    names: tuple[str, ...] = ()  # the names that the student's code defines

    @property
    def points(self) -> float:
        """The sum over the parts."""
        return sum(part.points for part in self.parts)


TASKS = (
    ExerciseTask(
        "histogram",
        "Histogram of the classes",
        (
            TaskPart("drawn", 0.5, "one bar for each class, as high as its number of training images"),
            TaskPart("judged", 0.5, "a sentence on whether the classes are even enough to train on"),
        ),
    ),
    ExerciseTask(
        "shape",
        "Preparing the data",
        (
            TaskPart("shaped", 0.5, "images of shape (-1, 28, 28, 1) with values from 0 to 1"),
            TaskPart("explained", 0.5, "why the shape has these four numbers"),
        ),
        ("x_train", "y_train", "x_test", "y_test"),
    ),
    ExerciseTask(
        "model1",
        "The first model",
        (
            TaskPart("built", 1, "exactly one convolution, and ten outputs with softmax"),
            TaskPart("trained", 1, "at least 97 % of the test images right, recounted from the model"),
        ),
        ("model", "history"),
    ),
    ExerciseTask(
        "prediction",
        "The first prediction",
        (
            TaskPart("predicted", 0.5, "the ten numbers that the first model predicts for one test image"),
            TaskPart("explained", 0.5, "what these ten numbers mean"),
        ),
        ("prediction",),
    ),
    ExerciseTask(
        "model2",
        "The improved model",
        (
            TaskPart("better", 1, "less than 1 % of the test images wrong, the upper 95 % bound too"),
            TaskPart("sources", 0.5, "a link to where the ideas come from"),
            TaskPart("gain", 0.5, "the gain over the first model, in numbers"),
        ),
        ("model2", "history2"),
    ),
    ExerciseTask(
        "saving",
        "Saving and loading",
        (TaskPart("equal", 0, "JSON and weights saved, and loaded again as a model with the same predictions"),),
        ("loaded",),
    ),
    ExerciseTask(
        "errors",
        "Characteristics of the errors",
        (
            TaskPart(
                "confusion",
                0.5,
                "the improved model's confusion matrix on the test images, one row per given class",
            ),
            TaskPart("explained", 0.5, "what the wrongly classified images have in common"),
        ),
        ("confusion",),
    ),
    ExerciseTask(
        "model3",
        "The new training strategy",
        (
            TaskPart("focus", 0.5, "more training images, or more weight, for the classes with the most errors"),
            TaskPart("augmented", 0.5, "augmentation that leaves a digit its label, on training images alone"),
            TaskPart("judged", 1, "the resulting accuracy, and whether it is really better than the improved model"),
        ),
        ("model3", "history3", "model3_is_better"),
    ),
)

POINTS = sum(task.points for task in TASKS)
