"""What a run shows of itself in a notebook: its results, its history as a frame, and its learning curves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from digitwise import displays
from digitwise.drawing import BLUE, FAINT, ORANGE, axes_for, new_figure
from digitwise.parts import imported

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = Literal["loss", "accuracy"]


class RunDisplay:
    """How a run is shown; its data are those of :class:`digitwise.runs.Run`."""

    path: Path
    info: dict[str, Any]

    @property
    def history(self) -> list[dict[str, float]]:
        """A row for each epoch."""
        raise NotImplementedError

    @property
    def networks(self) -> str:
        """The network, or the kinds of an ensemble's members, in words."""
        kinds = self.info.get("networks")  # runs of earlier versions lack it
        return " and ".join(
            dict.fromkeys(map(str, kinds if isinstance(kinds, list) else [self.info["recipe"]["model"]]))
        )

    def frame(self) -> pd.DataFrame:
        """The history as a pandas frame: a row for each epoch, with its losses, accuracies and seconds.

        Raises
        ------
        MissingPartError
            If pandas is not installed.
        """
        pd = imported("pandas", "a frame")
        return pd.DataFrame(self.history).astype({"epoch": int})

    def plot(self, key: Curve = "loss", ax: Axes | None = None) -> Axes:
        """Draw a learning curve, for training and validation.

        Parameters
        ----------
        key : {"loss", "accuracy"}
        ax : matplotlib.axes.Axes, optional
            By default of a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        with axes_for(ax, 4.6, 3.2) as axes:
            learning_curve(axes, self.history, key)
        return axes

    def _repr_html_(self) -> str:
        """Results and learning curves, for a notebook."""
        info, test = self.info, self.info["results"]["test"]
        recipe, validation = info["recipe"], info["results"]["validation"]
        low, high = (100 * share for share in test["interval_95"])
        rate = f"{100 * test['errors'] / test['n']:.2f} %, 95 % interval {low:.2f} to {high:.2f} %"
        epochs = f"{info['epochs']} epoch{'' if info['epochs'] == 1 else 's'}"
        rows = {
            "network": f"{self.networks}, {info['parameters']:,} parameters",
            "data": info["data"]["name"],
            "test": f"{test['errors']:,} of {test['n']:,} wrong: {rate}",
            "validation": f"{validation['errors']:,} of {info['data']['validation']:,} wrong",
            "training": f"{epochs} in {info['fit_seconds']:.1f} s, seed {info['seed']}",
            "folder": str(self.path),
        }
        figure = new_figure(8.0, 3.0)
        for place, key in enumerate(("loss", "accuracy")):
            learning_curve(figure.add_subplot(1, 2, place + 1), self.history, key)
        curves = f'<img alt="learning curves" style="max-width:100%;width:640px" src="{_png_url(figure)}">'
        return displays.block(
            displays.table(("run", f"{recipe['name']}: {recipe['purpose']}"), list(rows.items())), curves
        )


def learning_curve(axes: Axes, history: Sequence[dict[str, float]], key: str) -> None:
    """Draw the loss or the accuracy over the epochs, for training and validation."""
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    name, scale = {"loss": ("loss", 1), "accuracy": ("accuracy, %", 100)}[key]
    axes.plot(epochs, [scale * row[key] for row in history], "o-", color=BLUE, ms=4, label="training")
    axes.plot(epochs, [scale * row[f"val_{key}"] for row in history], "s--", color=ORANGE, ms=4, label="validation")
    axes.set(xlabel="epoch", ylabel=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.grid(alpha=0.25, color=FAINT)
    axes.legend()


def _png_url(figure: Figure) -> str:
    """The figure as a PNG in a data URL, on white."""
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None}, facecolor="white")
    return displays.data_url(file.getvalue())
