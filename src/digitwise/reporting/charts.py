"""Charts of numbers, each as a PNG, and as an SVG for a page, which recolours it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from digitwise.drawing import BLUE, FAINT, INK, ORANGE, new_figure
from digitwise.evaluation.calibration import Calibration
from digitwise.evaluation.selective import Policy, RiskCoverage
from digitwise.images import Float64, Int64, Mask
from digitwise.outputs import output_file
from digitwise.reporting.figures import FIGURES
from digitwise.run_display import learning_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIABLES = {BLUE: "--blue", ORANGE: "--orange", INK: "--ink", FAINT: "--faint"}  # of the page's style sheet
MOST_CALM = 0.9  # share of answers at which a risk-coverage curve without errors begins
# Ten colours found by search: any two are at least 26 apart in CIELAB, also with each kind of colour blindness, where
# Okabe and Ito's eight with two more have 3; all are visible on white and on black.
CLASS_COLOURS = (
    *("#3c00ff", "#f0a500", "#69c378", "#a500c3", "#3c4b4b"),
    *("#c35a0f", "#b4b4c3", "#e187ff", "#783c1e", "#875a96"),
)


def learning_curves(
    history: Sequence[dict[str, float]], title: str, stem: Path, keys: Sequence[str] = ("loss", "accuracy")
) -> None:
    """Draw loss and accuracy over the epochs, for training and validation, side by side or one of them."""
    figure = new_figure(4.0 * len(keys), 3.2)
    for place, key in enumerate(keys):
        axes = figure.add_subplot(1, len(keys), place + 1)
        learning_curve(axes, history, key)
        axes.set_title(title if place == 0 else "")
    _save(figure, stem)


def reliability(raw: Calibration, calibrated: Calibration, stem: Path) -> None:
    """Draw accuracy against confidence, bin by bin, before and after the temperature."""
    figure = new_figure(4.6, 3.8)
    axes = figure.add_subplot()
    axes.plot([0, 100], [0, 100], color=FAINT, lw=1, label="confidence is accuracy")
    for found, colour, mark, name in (
        (raw, BLUE, "o", "as trained"),
        (calibrated, ORANGE, "s", "at the fitted temperature"),
    ):
        x = np.array([100 * b.confidence for b in found.bins])
        y = np.array([100 * b.accuracy for b in found.bins])
        low, high = 100 * np.array([b.interval_95 for b in found.bins]).T
        axes.errorbar(x, y, np.maximum([y - low, high - y], 0), fmt=mark, color=colour, ms=4, lw=1, label=name)
    axes.set(xlabel="confidence, %", ylabel="right answers, % (95 % intervals)", xlim=(0, 102), ylim=(0, 104))
    axes.grid(alpha=0.25, color=FAINT)
    axes.legend(loc="lower right")
    _save(figure, stem)


def risk_coverage(risks: Mapping[str, RiskCoverage], policy: Policy | None, stem: Path) -> None:
    """Draw the error rate of what is answered against the share that is answered, and the guarantee, if any.

    Parameters
    ----------
    risks : mapping of str to RiskCoverage
        Two, by the names of their images: of those that the policy was chosen by, and of those that count.
    policy : Policy or None
    stem : Path
    """
    figure = new_figure(5.6, 3.8)
    axes = figure.add_subplot()
    for (name, found), colour, style in zip(risks.items(), (ORANGE, BLUE), ("--", "-"), strict=True):
        axes.plot(100 * found.coverage, 100 * found.risk, style, color=colour, lw=1.6, label=name)
    chosen_by, test = risks.values()
    whole = float(test.risk[-1])
    top = 1.3 * max(whole, float(chosen_by.risk[-1]), 1e-4)
    if policy is not None:
        axes.axvline(100 * policy.coverage, color=FAINT, lw=1, ls=":")
    if policy is not None and policy.max_error < top:
        axes.axhline(100 * policy.max_error, color=FAINT, lw=1)
        guarantee = f"guarantee: at most {100 * policy.max_error:g} %"
        axes.annotate(guarantee, (0.02, 100 * policy.max_error), (0, 3), ("axes fraction", "data"), "offset points")
    calm = test.coverage[test.risk <= whole / 20]  # the part where next to nothing is wrong is drawn short
    start = min(1 - 2 * (1 - float(calm.max(initial=0.0))), MOST_CALM)
    axes.set(
        xlabel="answered, %",
        ylabel="wrong among the answered, %",
        xlim=(100 * max(0.0, start), 100),
        ylim=(0, 100 * top),
    )
    axes.grid(alpha=0.25, color=FAINT)
    axes.legend(loc="upper left")
    _save(figure, stem)


def feature_map(places: Float64, labels: Int64, wrong: Mask, names: Sequence[str], stem: Path) -> None:
    """Draw images as points, coloured by class, the wrong ones ringed.

    Parameters
    ----------
    places : ndarray of float64, shape (n, 2)
    labels : ndarray of int64, shape (n,)
    wrong : ndarray of bool, shape (n,)
    names : sequence of str
    stem : Path
    """
    from matplotlib.patheffects import withStroke

    figure = new_figure(6.0, 6.0)
    axes = figure.add_subplot()
    for label, name in enumerate(names):
        own = places[labels == label]
        if len(own):
            axes.scatter(own[:, 0], own[:, 1], s=7, lw=0, color=CLASS_COLOURS[label % len(CLASS_COLOURS)])
            x, y = np.median(own, axis=0)
            halo = [withStroke(linewidth=3, foreground="white")]  # the name is read on any colour
            axes.text(x, y, name, size=13, weight="bold", ha="center", va="center", path_effects=halo)
    axes.scatter(
        places[wrong, 0], places[wrong, 1], s=34, facecolors="none", edgecolors=INK, lw=1, label="wrongly classified"
    )
    axes.set(xlabel="t-SNE, first axis (no unit: near means alike to the network)", ylabel="t-SNE, second axis")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.legend(loc="lower right")
    _save(figure, stem)


@dataclass(frozen=True)
class Coordinate:
    """An axis of parallel coordinates: the place of each line on it, from 0 to 1, and labelled ticks."""

    name: str
    places: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def parallel_coordinates(axes: Sequence[Coordinate], kinds: Sequence[str], stem: Path) -> None:
    """Draw lines across horizontal axes, one below the other, which fit on a narrow screen.

    Parameters
    ----------
    axes : sequence of Coordinate
    kinds : sequence of {"stopped", "finished", "winner"}
        Of each line; later ones lie on top.
    stem : Path
    """
    looks = {"stopped": (FAINT, 0.9, "--"), "finished": (BLUE, 1.0, "-"), "winner": (ORANGE, 2.2, "-")}
    figure = new_figure(4.6, 0.82 * len(axes) + 0.4)
    drawn = figure.add_subplot()
    named = set[str]()
    for line, kind in enumerate(kinds):
        colour, width, style = looks[kind]
        places = [axis.places[line] for axis in axes]
        label = None if kind in named else kind
        drawn.plot(places, range(len(axes)), style, color=colour, lw=width, label=label)
        named.add(kind)
    for row, axis in enumerate(axes):
        drawn.plot([0, 1], [row, row], color=INK, lw=0.8, zorder=0)
        drawn.text(-0.02, row - 0.1, axis.name, ha="left", va="bottom", weight="bold", size=8)
        for place, words in axis.ticks:
            drawn.plot([place], [row], "|", color=INK, ms=5)
            side = "left" if place == 0 else "right" if place == 1 else "center"
            drawn.text(place, row + 0.09, words, ha=side, va="top", size=8)
    drawn.set(xlim=(-0.03, 1.03), ylim=(len(axes) - 0.55, -0.45))
    drawn.set_axis_off()
    figure.legend(*drawn.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    _save(figure, stem)


def importances(shares: Mapping[str, float], stem: Path) -> None:
    """Draw the share of each name, the largest on top."""
    figure = new_figure(4.6, 0.36 * len(shares) + 0.9)
    axes = figure.add_subplot()
    names, values = list(shares), [100 * share for share in shares.values()]
    axes.barh(names, values, 0.6, color=BLUE)
    for place, value in enumerate(values):
        axes.text(value, place, f" {value:.0f} %", va="center", size=8)
    axes.set(xlabel="share of the variance of the errors, %", xlim=(0, 1.15 * max(values)))
    axes.tick_params("y", length=0)
    axes.invert_yaxis()
    _save(figure, stem)


def inline(stem: Path) -> str:
    """The chart's SVG for a page: colours by the page's variables, names of its own, as wide as there is room."""
    svg = stem.with_suffix(".svg").read_text(encoding="utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{stem.name}-", svg)  # two charts may use one name
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"font: (?:bold )?([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    return re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg class="chart" aria-hidden="true" \1>', svg, count=1)


def _save(figure: Figure, stem: Path) -> None:
    metadata: dict[str, dict[str, Any]] = {".png": {"Software": None}, ".svg": {"Date": None}}
    for suffix, about in metadata.items():
        with output_file(stem.with_suffix(suffix), FIGURES) as temporary:
            figure.savefig(temporary, metadata=about, transparent=suffix == ".svg")
