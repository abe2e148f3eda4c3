"""The exercise "Classification of MNIST" for a class: a notebook with gaps, and its marking.

>>> from digitwise.exercise import check  # check("handed_in", out="marks").frame()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digitwise.exercise.checking import ClassMarks as ClassMarks
    from digitwise.exercise.checking import check as check
    from digitwise.exercise.marks import Mark as Mark
    from digitwise.exercise.marks import PartMark as PartMark
    from digitwise.exercise.marks import TaskMark as TaskMark
    from digitwise.exercise.notebooks import write_edition as write_edition

# Imported when first used: a student's process imports this package before it is isolated.
_HOMES = {
    "ClassMarks": "checking",
    "Mark": "marks",
    "PartMark": "marks",
    "TaskMark": "marks",
    "check": "checking",
    "write_edition": "notebooks",
}

__all__ = ["ClassMarks", "Mark", "PartMark", "TaskMark", "check", "write_edition"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'digitwise.exercise' has no attribute {name!r}")
    return getattr(importlib.import_module(f"digitwise.exercise.{_HOMES[name]}"), name)
