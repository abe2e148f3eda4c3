"""``digitwise errors``: which images a run gets wrong, and what they are taken for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from digitwise.cli.console import DataOption, JsonFlag, LabelColumnOption, PatchOption, out, print_json, table


def errors(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    data: DataOption = None,
    patch: PatchOption = None,
    label_column: LabelColumnOption = None,
    normalize: Annotated[bool, typer.Option("--normalize", help="Shares of the given class, not counts.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show a run's confusion matrix and most confused classes; draw it and the wrong images into its folder."""
    import numpy as np

    from digitwise.evaluation import confusion_matrix, evaluate_predictions
    from digitwise.evaluation.assessment import corrected
    from digitwise.images import ImageSet
    from digitwise.report.render import draw_errors
    from digitwise.runs import Run

    opened = Run.open(run)
    answers, dataset = opened.predictions("test"), opened.dataset(data, label_column=label_column)
    images, places = dataset.test, np.arange(len(answers))
    if patch is not None and (found := opened.patched_test(dataset, patch)):
        labels, dropped = found
        answers, places = corrected(answers, labels, dropped), np.flatnonzero(~dropped)
        images = ImageSet(images.images[places], labels[places], images.class_names)
    figures = draw_errors(opened.path, images, answers)
    opened.note_test_read("errors: confusion matrix and gallery")
    result, matrix, names = (
        evaluate_predictions(answers),
        confusion_matrix(answers, normalize=normalize),
        answers.class_names,
    )
    if as_json:
        wrong = [
            {
                "index": int(places[i]),
                "label": names[answers.labels[i]],
                "predicted": names[answers.predicted[i]],
                "confidence": round(float(answers.confidence[i]), 6),
            }
            for i in answers.wrong
        ]
        print_json(
            {
                "recipe": opened.name,
                **result.as_dict(),
                "class_names": list(names),
                "confusion": matrix.tolist(),
                "normalized": normalize,
                "wrong": wrong,
                "figures": [str(path) for path in figures],
            }
        )
        return
    cells = [[f"{v:.3f}" if normalize else v for v in row] for row in matrix]
    out.print(table(("label ↓  predicted →", *names), [(n, *row) for n, row in zip(names, cells, strict=True)]))
    out.print()
    for pair in result.confused:
        out.print(f"{pair.given} taken for {pair.predicted}: {pair.count} times")
    out.print(f"{result.errors} wrong of {result.n:,}; drawn in {', '.join(str(path) for path in figures)}")
