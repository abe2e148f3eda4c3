"""The figure of the results: errors against seconds, ours and the peers'."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contender import PEERS
from benchmarks.measure import Row, fullest, kept, median, place

IMAGE = Path(__file__).parents[1] / "docs" / "errors-vs-seconds.png"
OURS, THEIRS, CURVE = "#1f5fa8", "#8a8a8a", "#9dbfe6"
NAMES = {
    "exercise-1": "exercise in Keras, model 1",
    "exercise-2": "exercise in Keras, model 2",
    "exercise-3": "exercise in Keras, model 3",
    "fast-torch": "train_mnist_fast, float32",
    "fast-torch-bfloat16": "train_mnist_fast, bfloat16",
    "sklearn-mlp": "scikit-learn MLP",
    "sklearn-knn": "scikit-learn 3-NN",
}


BESIDE = {  # where a name stands, in points from its mark, if not above on the right
    "improved": (-8, -14),
    "augmented": (0, -36),
    "flash": (-8, 5),
    "fast-torch-bfloat16": (0, -30),
    "exercise-2": (0, 22),
    "exercise-3": (-8, -14),
}
LEFT_OUT = ("focus",)  # lies on augmented


def draw_errors_against_seconds() -> None:
    """Draw ``docs/errors-vs-seconds.png`` from the rows kept: means over seeds, bars from least to most errors."""
    from matplotlib import pyplot as plt

    rows = [row for row in fullest(kept("recipes")) if row["data"] == "mnist" and float(row["fit_seconds"]) > 0.5]
    rows = [row for row in rows if row["contender"] not in LEFT_OUT]
    figure, axes = plt.subplots(figsize=(8, 5), dpi=150, layout="constrained")
    budgets = [row for row in kept("budgets") if place(row) in {place(shown) for shown in rows}]
    if budgets:
        points = [
            _point([row for row in budgets if row["budget"] == b])
            for b in sorted({r["budget"] for r in budgets}, key=float)
        ]
        times, means, least, most = zip(*points, strict=True)
        axes.plot(times, means, "-", color=CURVE, lw=4, zorder=1)
        axes.fill_between(times, least, most, color=CURVE, alpha=0.35, lw=0, zorder=1)
    for name in dict.fromkeys(row["contender"] for row in rows):
        x, y, low, high = _point([row for row in rows if row["contender"] == name])
        peer = name in PEERS
        axes.errorbar(
            x,
            y,
            [[y - low], [high - y]],
            fmt="s" if peer else "o",
            color=THEIRS if peer else OURS,
            capsize=3,
            ms=6,
            zorder=2,
        )
        beside = BESIDE.get(name, (8, 5))
        axes.annotate(
            NAMES.get(name, name),
            (x, y),
            xytext=beside,
            textcoords="offset points",
            ha=("right", "center", "left")[1 + (beside[0] > 0) - (beside[0] < 0)],
            fontsize=9,
            color="#555555" if peer else OURS,
            weight="normal" if peer else "bold",
        )
    axes.set(xscale="log", yscale="log", xlabel="fit, seconds on two cores", ylabel="wrong of 10,000 test digits")
    axes.set_xticks(
        [1, 2, 5, 10, 30, 60, 180, 600, 1800], ["1", "2", "5", "10", "30", "1 min", "3 min", "10 min", "30 min"]
    )
    axes.set_yticks([20, 30, 50, 100, 200, 300], ["20", "30", "50", "100", "200", "300"])
    axes.minorticks_off()
    axes.margins(x=0.12, y=0.08)
    axes.grid(color="#e6e6e6")
    axes.spines[["top", "right"]].set_visible(False)
    handles = [
        plt.Line2D([], [], marker="o", color=OURS, ls="", label="digitwise: mean of the seeds, bar from best to worst"),
        plt.Line2D([], [], marker="s", color=THEIRS, ls="", label="peers, on the same machine"),
        *([plt.Line2D([], [], color=CURVE, lw=4, label="accurate with --budget")] if budgets else []),
    ]
    figure.legend(handles=handles, frameon=False, fontsize=9, loc="outside upper left", ncols=2)
    figure.savefig(IMAGE)
    plt.close(figure)
    print(IMAGE)


def _point(rows: Sequence[Row]) -> tuple[float, float, float, float]:
    """Median seconds, mean errors, fewest and most errors."""
    errors = [float(row["errors"]) for row in rows]
    return median(rows, "fit_seconds"), statistics.mean(errors), min(errors), max(errors)
