"""One judge for each part of a task: what the notebook showed in, points, reason and hint out."""

from __future__ import annotations

from digitwise.exercise.judging.case import Case, Judge, Verdict
from digitwise.exercise.judging.confusions import confusion
from digitwise.exercise.judging.histograms import drawn
from digitwise.exercise.judging.networks import better, built, trained
from digitwise.exercise.judging.predicting import predicted
from digitwise.exercise.judging.preparing import shaped
from digitwise.exercise.judging.remarks import remarks
from digitwise.exercise.judging.saving import equal
from digitwise.exercise.judging.strategy import augmented, focus
from digitwise.exercise.judging.words import answered, gain, judged, sources
from digitwise.exercise.marks import PartMark, TaskMark
from digitwise.exercise.tasks import TASKS

__all__ = ["JUDGES", "Case", "Verdict", "judge", "remarks"]

JUDGES: dict[tuple[str, str], Judge] = {
    ("histogram", "drawn"): drawn,
    ("histogram", "judged"): answered("histogram"),
    ("shape", "shaped"): shaped,
    ("shape", "explained"): answered("shape"),
    ("model1", "built"): built,
    ("model1", "trained"): trained,
    ("prediction", "predicted"): predicted,
    ("prediction", "explained"): answered("prediction"),
    ("model2", "better"): better,
    ("model2", "sources"): sources,
    ("model2", "gain"): gain,
    ("saving", "equal"): equal,
    ("errors", "confusion"): confusion,
    ("errors", "explained"): answered("errors"),
    ("model3", "focus"): focus,
    ("model3", "augmented"): augmented,
    ("model3", "judged"): judged,
}


def judge(case: Case) -> tuple[TaskMark, ...]:
    """Give points to every task of a notebook."""
    tasks = []
    for task in TASKS:
        parts, trouble = [], case.trouble(task.id)
        for part in task.parts:
            verdict = JUDGES[task.id, part.id](case)
            hint = verdict.hint
            if trouble and verdict.share < 1:  # told once, with the first part that it may have cost
                hint, trouble = f"{trouble} {hint}".strip(), ""
            parts.append(PartMark(part.id, part.what, part.points * verdict.share, part.points, verdict.reason, hint))
        tasks.append(TaskMark(task.id, task.title, tuple(parts)))
    return tuple(tasks)
