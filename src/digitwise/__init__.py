"""digitwise: from a pile of scans to a digit classifier that its owner can trust.

>>> import digitwise
>>> digitwise.load("digits").test.images.shape
(360, 28, 28)
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from digitwise.version import __version__ as __version__

if TYPE_CHECKING:
    from digitwise.data import load as load
    from digitwise.data.normalized import normalize as normalize
    from digitwise.errors import DataError as DataError
    from digitwise.errors import DataNotFoundError as DataNotFoundError
    from digitwise.errors import DigitwiseError as DigitwiseError
    from digitwise.errors import ExportError as ExportError
    from digitwise.errors import MissingPartError as MissingPartError
    from digitwise.errors import ModelError as ModelError
    from digitwise.errors import RecipeError as RecipeError
    from digitwise.errors import RunError as RunError
    from digitwise.estimator import DigitClassifier as DigitClassifier
    from digitwise.evaluation import Comparison as Comparison
    from digitwise.evaluation import Comparisons as Comparisons
    from digitwise.exporting.export import Export as Export
    from digitwise.exporting.export import export as export
    from digitwise.exporting.judging import calibrate as calibrate
    from digitwise.images import Dataset as Dataset
    from digitwise.images import ImageSet as ImageSet
    from digitwise.predictions import Predictions as Predictions
    from digitwise.reading.reader import Reader as Reader
    from digitwise.reading.results import Page as Page
    from digitwise.reading.results import Reading as Reading
    from digitwise.recipes import Augmentation as Augmentation
    from digitwise.recipes import Recipe as Recipe
    from digitwise.reporting.evaluation import Evaluation as Evaluation
    from digitwise.runs import Run as Run
    from digitwise.server import serve as serve
    from digitwise.training.saving import load_model as load_model
    from digitwise.training.sweep import Sweep as Sweep
    from digitwise.workflows.check import check as check
    from digitwise.workflows.compare import compare as compare
    from digitwise.workflows.evaluate import evaluate as evaluate
    from digitwise.workflows.improve import improve as improve
    from digitwise.workflows.report import report as report
    from digitwise.workflows.train import sweep as sweep
    from digitwise.workflows.train import train as train

# Since 1.29 onnxruntime reports the models it runs to its makers, unless this stands when it is first imported.
# A user who wants to be counted sets it before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# The public surface. Names are imported when first used, so that importing digitwise costs nothing.
_MODULES = {
    "data": "load",
    "data.normalized": "normalize",
    "errors": "DataError DataNotFoundError DigitwiseError ExportError MissingPartError ModelError RecipeError RunError",
    "estimator": "DigitClassifier",
    "evaluation": "Comparison Comparisons",
    "exporting.export": "Export export",
    "exporting.judging": "calibrate",
    "images": "Dataset ImageSet",
    "predictions": "Predictions",
    "reading.reader": "Reader",
    "reading.results": "Page Reading",
    "recipes": "Augmentation Recipe",
    "reporting.evaluation": "Evaluation",
    "runs": "Run",
    "server": "serve",
    "training.saving": "load_model",
    "training.sweep": "Sweep",
    "workflows.check": "check",
    "workflows.compare": "compare",
    "workflows.evaluate": "evaluate",
    "workflows.improve": "improve",
    "workflows.report": "report",
    "workflows.train": "sweep train",
}
_HOMES = dict(sorted((name, f"digitwise.{module}") for module, names in _MODULES.items() for name in names.split()))

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'digitwise' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
