"""Draws the figures of the explanations: ``python -m docs.explain_figures``.

From MNIST, the bundled model and the rows kept.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from PIL import Image

from benchmarks.measure import kept

FOLDER = Path(__file__).parent
BLUE, ORANGE, GREY = "#1f5fa8", "#d55e00", "#8a8a8a"
SCANS = (3, 9, 39, 34)  # seeds of made photos that show how it fails


def photo_steps() -> None:
    """Four made photos; what becomes of them, and how each is read."""
    import digitwise
    from digitwise.data import load
    from digitwise.reading.model import Model
    from digitwise.synthetic.scans import scan_of

    test, model = load("mnist").test, Model()
    figure, axes = plt.subplots(len(SCANS), 4, figsize=(8, 8.6), dpi=120, layout="constrained")
    for row, seed in enumerate(SCANS):
        rng = np.random.default_rng(seed)
        place = int(rng.integers(len(test)))
        photo = scan_of(test.images[place], rng=rng)
        grey = Image.fromarray(photo).convert("L").resize((28, 28), Image.Resampling.BILINEAR)
        small = np.asarray(grey)
        stages = (photo, small, 255 - small, digitwise.normalize(photo))
        answers = model.probabilities(np.stack(stages[1:]))
        label = test.labels[place]
        for column, image in enumerate(stages):
            show(axes[row, column], image)
            if not column:
                axes[row, column].set_xlabel(f"a {label}", fontsize=11)
                continue
            answer = answers[column - 1]
            right = answer.argmax() == label
            axes[row, column].set_xlabel(
                f"{answer.argmax()}  ({answer.max():.0%})", fontsize=11, color=BLUE if right else ORANGE, weight="bold"
            )
    for column, title in enumerate(("photo", "scaled to 28x28", "and inverted", "digitwise.normalize")):
        axes[0, column].set_title(title, fontsize=11)
    save(figure, "photo-steps.png")


def robustness() -> None:
    """Errors under disturbances, as it is and through normalize, the mean over severities."""
    rows = kept("robustness")
    names = [kind for kind in dict.fromkeys(row["kind"] for row in rows) if kind != "none"]
    shares = {
        column: [
            statistics.mean(float(r[column]) / float(r["images"]) for r in rows if r["kind"] == kind) for kind in names
        ]
        for column in ("errors", "errors_normalized")
    }
    order = np.argsort(shares["errors"])
    figure, axes = plt.subplots(figsize=(8, 5.5), dpi=120, layout="constrained")
    for column, colour, label, up in (
        ("errors", GREY, "as they are", 0.2),
        ("errors_normalized", BLUE, "through normalize", -0.2),
    ):
        values = [100 * shares[column][k] for k in order]
        axes.barh(np.arange(len(names)) + up, values, 0.38, color=colour, label=label)
    axes.set_yticks(range(len(names)), [names[k] for k in order])
    axes.set_xlabel("digits read wrong, %, mean over the severities")
    axes.legend(frameon=False, loc="lower right")
    plain(axes, "x")
    save(figure, "robustness.png")


def risk_and_coverage() -> None:
    """The bundled model's validation images: risk at every coverage, and its guarantees."""
    from digitwise.data import load
    from digitwise.data.splits import split_validation
    from digitwise.evaluation.selective import risk_coverage
    from digitwise.predictions import Predictions
    from digitwise.reading.model import Model

    model = Model()
    card = model.card.document
    images = split_validation(load("mnist").train, size=card["data"]["validation"], seed=0).validation
    curve = risk_coverage(Predictions(images.labels, model.probabilities(images.images), images.class_names))
    figure, axes = plt.subplots(figsize=(8, 4.5), dpi=120, layout="constrained")
    axes.plot(100 * curve.coverage, 100 * curve.risk, color=BLUE, lw=2, label="errors among the surest answers")
    for policy in card["policies"][:3]:
        x = 100 * policy["coverage"]
        axes.plot([x, x], [0, 100 * policy["max_error"]], ":", color=ORANGE)
        axes.plot(x, 100 * policy["max_error"], "o", color=ORANGE)
        axes.annotate(
            f"at most {policy['max_error']:.1%}",
            (x, 100 * policy["max_error"]),
            (-8, 4),
            textcoords="offset points",
            ha="right",
            color=ORANGE,
        )
    axes.plot([], [], "o:", color=ORANGE, label="what is guaranteed, at its threshold")
    axes.set(
        xlim=(85, 100.3),
        ylim=(0, 0.62),
        xlabel="coverage: answered, % of the validation images",
        ylabel="risk: wrong, % of the answers",
    )
    axes.legend(frameon=False, loc="upper left")
    plain(axes, "both")
    save(figure, "risk-coverage.png")


def guarantees() -> None:
    """The error rate that so many labelled images can guarantee."""
    from digitwise.evaluation.selective import EACH, upper_bound

    sizes = np.unique(np.geomspace(50, 10_000, 60).astype(int))
    figure, axes = plt.subplots(figsize=(8, 4.2), dpi=120, layout="constrained")
    for errors, colour in ((5, GREY), (1, ORANGE), (0, BLUE)):
        bounds = [100 * upper_bound(errors, int(n), EACH) for n in sizes]
        axes.plot(sizes, bounds, color=colour, lw=2, label=f"{errors} of the answers wrong")
    axes.set(xscale="log", yscale="log", xlabel="labelled images that are answered", ylabel="error rate guaranteed, %")
    axes.set_xticks([50, 100, 300, 1000, 3000, 10_000], ["50", "100", "300", "1,000", "3,000", "10,000"])
    axes.set_yticks([0.1, 0.3, 1, 3, 10], ["0.1", "0.3", "1", "3", "10"])
    axes.minorticks_off()
    axes.legend(frameon=False)
    plain(axes, "both")
    save(figure, "guarantee.png")


def show(axes: Any, image: np.ndarray) -> None:
    """Draw an image without ticks."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[])


def plain(axes: Any, grid: str) -> None:
    """A light grid, no frame above and on the right."""
    axes.grid(color="#e6e6e6", axis=grid)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Any, name: str) -> None:
    """Write a figure without the date and version that would change the file."""
    figure.savefig(FOLDER / name, metadata={"Software": None})
    plt.close(figure)
    print(FOLDER / name)


if __name__ == "__main__":
    photo_steps()
    robustness()
    risk_and_coverage()
    guarantees()
