"""Run folders of versions that kept no list of what they wrote: known by run.json and by the names in them."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

RUN = (
    *("run.json", "history.csv", "validation.npz", "test.npz", "features.npz", "labels.csv", "policy.json"),
    *("slices.json", "improvement.json", "model.keras", "model.json", "model.weights.h5", "checkpoint-[0-9]*.npz"),
)
FIGURES = ("first_prediction.png", "confusion.png", "confusion_normalized.png", "errors.png", "{recipe}_plot.???")
REPORT = ("report.html", "report.json")
EXPORT = ("model.onnx",)
CHARTS = ("loss", "accuracy", "reliability", "risk-coverage", "map")
REPORT_FIGURES = (*(f"{name}.???" for name in CHARTS), "confusion.png", "errors.png", "slices.png", "comparison.png")
SAVED_MODEL = ("saved_model.pb", "fingerprint.pb", "variables/variables.*")
NEEDED = {"format", "recipe", "data", "results", "versions"}  # of a run.json of any version

INSIDE = {"report-figures": ("report-figures", REPORT_FIGURES), "saved-model": ("saved-model", SAVED_MODEL)}
KINDS = {"run": RUN, "figures": FIGURES, "report": REPORT, "export": EXPORT}


def written(folder: Path) -> tuple[str, dict[str, str]] | None:
    """What an earlier version made of a folder: its kind, and the kind of each file; None where it made it not."""
    if (recipe := _recipe(folder)) is not None:
        names = {name.format(recipe=recipe): kind for kind, patterns in KINDS.items() for name in patterns}
        return "run", _matching(folder, names)
    if folder.name in INSIDE and _recipe(folder.parent) is not None and not folder.is_symlink():
        kind, patterns = INSIDE[folder.name]
        return kind, _matching(folder, dict.fromkeys(patterns, kind))
    return None


def unfinished(folder: Path) -> dict[str, str]:
    """The files of a run that is being made, by name: those of a run, and temporary ones."""
    return _matching(folder, dict.fromkeys((*RUN, ".?*"), "run"))


def _recipe(folder: Path) -> str | None:
    """The recipe of a run folder; None where it is none."""
    file = folder / "run.json"
    try:
        if file.is_symlink() or not file.is_file():
            return None
        found = json.loads(file.read_text(encoding="utf-8"))
        return str(found["recipe"]["name"]) if found.keys() >= NEEDED else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _matching(folder: Path, patterns: dict[str, str]) -> dict[str, str]:
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        kind = next((kind for pattern, kind in patterns.items() if fnmatchcase(name, pattern)), None)
        if kind is not None and path.is_file() and not path.is_symlink():
            found[name] = kind
    return found
