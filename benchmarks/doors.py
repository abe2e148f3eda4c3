"""The public doors that take files: valid ones as seeds of damaged ones, and how each is given to the library."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from digitwise.data import load
from digitwise.errors import DigitwiseError
from digitwise.images import ImageSet, UInt8


@dataclass(frozen=True)
class Target:
    """A door.

    Parameters
    ----------
    name : str
    seeds : callable
        From a folder to valid files, written there.
    ask : callable
        Gives a file to the library; what is no :class:`DigitwiseError` is a fault.
    cases : int
        How many are tried.
    """

    name: str
    seeds: Callable[[Path], list[Path]]
    ask: Callable[[Path], object]
    cases: int


def digits(n: int = 40) -> ImageSet:
    """The first embedded digits."""
    return load("digits").train.take(np.arange(n))


def _writing(name: str, write: Callable[[Path, UInt8, Any], object]) -> Callable[[Path], list[Path]]:
    def seeds(folder: Path) -> list[Path]:
        few = digits()
        write(folder / name, few.images, few.labels)
        return [folder / name]

    return seeds


def _images(folder: Path) -> list[Path]:
    from PIL import Image

    image = Image.fromarray(255 - np.kron(digits(1).images[0], np.ones((2, 2), np.uint8)))
    paths = [folder / f"seven.{suffix}" for suffix in ("png", "jpg", "bmp", "gif", "tif", "webp", "pgm")]
    for path in paths:
        image.save(path)
    return paths


def _csv(path: Path, images: UInt8, labels: Any) -> None:
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(path, rows, "%d", ",")


def _idx(path: Path, images: UInt8, _: Any) -> None:
    path.write_bytes(b"\0\0\x08\x03" + np.array(images.shape, ">i4").tobytes() + images.tobytes())


def _parquet(path: Path, images: UInt8, labels: Any) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"image": list(images.reshape(len(images), -1)), "label": labels}), path)


def _tar(path: Path, images: UInt8, labels: Any) -> None:
    import tarfile

    from PIL import Image

    with tarfile.open(path, "w") as archive:
        for place, (image, label) in enumerate(zip(images[:30], labels, strict=False)):
            png = io.BytesIO()
            Image.fromarray(image).save(png, "PNG")
            for suffix, content in (("png", png.getvalue()), ("cls", str(label).encode())):
                member = tarfile.TarInfo(f"{place}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))


def _mat(path: Path, images: UInt8, labels: Any) -> None:
    from scipy.io import savemat

    savemat(path, {"X": images.reshape(len(images), -1), "y": labels}, do_compression=True)


def _hdf5(path: Path, images: UInt8, labels: Any) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, compression="gzip")
        file.create_dataset("labels", data=labels)


def _libsvm(path: Path, images: UInt8, labels: Any) -> None:
    rows = zip(images.reshape(len(images), -1), labels, strict=True)
    path.write_text(
        "".join(f"{label} {' '.join(f'{k + 1}:{v}' for k, v in enumerate(row) if v)}\n" for row, label in rows)
    )


def _patch(path: Path, _: UInt8, __: Any) -> None:
    head = "sha256,index,file,given,suggested,confidence,decision\n"
    path.write_text(head + "".join(f"{k:064x},{k},,3,5,0.9,5\n" for k in range(20)))


def _models(folder: Path) -> list[Path]:
    from digitwise.reading.model import model_content

    path = folder / "model.onnx"
    path.write_bytes(model_content(None)[0])
    return [path]


def _template(path: Path, _: UInt8, __: Any) -> None:
    fields = (f"[fields.f{k}]\nbox = [10, {20 * k}, 60, 15]\npattern = '\\d+'\n" for k in range(4))
    path.write_text("marks = [[3, 3], [97, 3], [3, 97], [97, 97]]\n" + "".join(fields))


def _read(path: Path) -> object:
    return _reader().read(path)


def _numbers(path: Path) -> object:
    return _reader().read_numbers(path)


def _pages(path: Path) -> None:
    from digitwise.decoding.opening import open_pages

    for page in open_pages(path):
        _reader().read_numbers(page.image)


@cache
def _reader() -> Any:
    from digitwise.reading.reader import Reader

    return Reader(threads=1)


def _loaded_and_checked(path: Path) -> object:
    from digitwise.workflows.check import check

    with suppress(DigitwiseError):
        load(path)
    return check(path, select=["DW001", "DW010", "DW011"])


def _patched(path: Path) -> object:
    from digitwise.data.patches import read_patch

    return read_patch(path)


def _asked_model(path: Path) -> object:
    from digitwise.reading.model import Model

    return Model(path, threads=1).probabilities(np.zeros((1, 28, 28), np.uint8))


def _planned(path: Path) -> object:
    from digitwise.reading.forms.template import Template

    return Template.from_file(path)


def _pdf(path: Path, images: UInt8, _: Any) -> None:
    from PIL import Image

    Image.fromarray(255 - np.hstack(list(images[:4]))).save(path, "PDF")


def _recipe(path: Path, _: UInt8, __: Any) -> None:
    from digitwise.recipes import find

    path.write_text(find("augmented").to_toml())


def _recipe_read(path: Path) -> object:
    from digitwise.recipes import Recipe

    return Recipe.from_toml(path)


def _notebook(path: Path, _: UInt8, __: Any) -> None:
    from digitwise.exercise.notebooks import EDITION

    path.write_bytes(EDITION.read_bytes())


def _notebook_read(path: Path) -> object:
    from digitwise.exercise.notebooks import read_notebook

    return read_notebook(path)


def _marks() -> list[Any]:
    from digitwise.exercise.marking import refused

    return [refused(Path(f"{name}.ipynb"), "not run") for name in "ab"]


def _points(path: Path, _: UInt8, __: Any) -> None:
    from digitwise.exercise import teacher

    path.write_text(teacher.table(_marks()))


def _points_brought_in(path: Path) -> object:
    from digitwise.exercise import teacher

    return teacher.bring_in(_marks(), path)


@cache
def _trained() -> dict[str, bytes]:
    """The files of a run of a flash recipe on few images, trained once a process."""
    import digitwise
    from digitwise.recipes import find

    recipe = find("flash").replace(epochs=1)
    with tempfile.TemporaryDirectory() as folder:
        run = digitwise.train(recipe, "digits", out=Path(folder) / "run", progress=False)
        return _contents(run.path)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _put(contents: dict[str, bytes], folder: Path) -> Path:
    """A new folder with these files; an earlier one in its place is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _run(folder: Path) -> Any:
    """A copy of the trained run."""
    from digitwise.runs import Run

    return Run.open(_put(_trained(), folder / "run"))


def _run_files(folder: Path) -> list[Path]:
    run = _run(folder)
    run.save_policy({"max_error": 0.05, "threshold": 0.9, "temperature": 1.0})
    return [
        path for path in sorted(run.path.iterdir()) if path.suffix in (".json", ".csv", ".npz") and path.stem != "model"
    ]


def _run_opened(path: Path) -> None:
    """Ask all that a run tells; each answer may be an error of ours."""
    from digitwise.reporting.evaluation import Evaluation
    from digitwise.runs import Run

    run = Run.open(path.parent)
    asked: tuple[Callable[[], Any], ...] = (
        *(lambda: run.history, run.features, lambda: run.policy, lambda: run.patch, run._repr_html_),
        *(partial(run.predictions, split) for split in ("validation", "test")),
        lambda: Evaluation.of_run(run).guarantee(0.05),
        lambda: Evaluation.of_run(run)._repr_html_(),
    )
    for ask in asked:
        with suppress(DigitwiseError):
            ask()


def _run_reported(path: Path) -> object:
    import digitwise

    out = path.parent.with_name("page.html")
    return digitwise.report(path.parent, out)


def _run_compared(path: Path) -> object:
    import digitwise

    other = path.parent.with_name("other")
    if not other.exists():
        shutil.copytree(path.parent, other)
    return repr(digitwise.compare(path.parent, other))


def _keras(folder: Path) -> list[Path]:
    run = _run(folder)
    return [run.path / "model.keras"]


def _pair(folder: Path) -> list[Path]:
    run = _run(folder)
    (run.path / "model.keras").unlink()
    return [run.path / name for name in ("model.json", "model.weights.h5")]


def _model_loaded(path: Path) -> object:
    import digitwise

    return digitwise.load_model(path)


@cache
def _saved_classifier() -> dict[str, bytes]:
    """The files of a saved classifier, fitted once a process."""
    from digitwise.estimator import DigitClassifier

    few = digits(200)
    made = DigitClassifier("flash").fit(few.images.reshape(len(few), -1), few.labels)
    with tempfile.TemporaryDirectory() as folder:
        return _contents(made.save(Path(folder) / "classifier"))


def _classifier(folder: Path) -> list[Path]:
    place = _put(_saved_classifier(), folder / "classifier")
    return [path for path in sorted(place.iterdir()) if path.suffix == ".json" and path.stem != "model"]


def _classifier_loaded(path: Path) -> object:
    from digitwise.estimator import DigitClassifier

    return DigitClassifier.load(path.parent)


def _evaluation(folder: Path) -> list[Path]:
    from digitwise.reporting.evaluation import Evaluation

    place = Evaluation.of_run(_run(folder)).save(folder / "evaluation")
    return [path for path in sorted(Path(place).iterdir()) if not path.name.startswith(".")]


def _evaluation_opened(path: Path) -> None:
    from digitwise.reporting.evaluation import Evaluation

    found = Evaluation.open(path.parent)
    for ask in (lambda: found.images, lambda: found.guarantee(0.05), found._repr_html_, found.frame):
        with suppress(DigitwiseError):
            ask()


def _list(folder: Path) -> list[Path]:
    from digitwise.outputs import MARKER, Kind, write

    write(folder / "rows.csv", Kind("rows", "earlier rows"), "a\n")
    return [folder / MARKER]


def _list_read(path: Path) -> None:
    from digitwise.outputs import Kind, check_file, check_folder

    with suppress(DigitwiseError):
        check_folder(path.parent, Kind("rows", "earlier rows"))
    check_file(path.parent / "rows.csv", Kind("rows", "earlier rows"))


def _checkpoint(path: Path, images: UInt8, _: Any) -> None:
    from digitwise.training import trainer

    progress = trainer.TrainingProgress("key")
    np.savez(path, progress=np.array(json.dumps(vars(progress))), state_0=images, best_0=images)


def _checkpoint_read(path: Path) -> object:
    from digitwise.training import trainer

    return trainer.load_checkpoint(path, "key")


def _labelled(folder: Path) -> list[Path]:
    from PIL import Image

    rows = ["file,label"]
    for place, (image, label) in enumerate(zip(digits().images, digits().labels, strict=True)):
        Image.fromarray(255 - image).save(folder / f"{place}.png")
        rows.append(f"{place}.png,{label}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return [folder / "labels.csv"]


def _calibrated(path: Path) -> object:
    from digitwise.exporting.judging import calibrated, judged

    return calibrated(judged(_reader(), path))


def _card(folder: Path) -> list[Path]:
    import onnx

    from digitwise.reading.model import KEY, model_content

    model = onnx.load_from_string(model_content(None)[0])
    (folder / "card.json").write_text(next(entry.value for entry in model.metadata_props if entry.key == KEY))
    return [folder / "card.json"]


def _card_read(path: Path) -> object:
    """A model with this text as its metadata, which guarantees stand in."""
    import onnx

    from digitwise.reading.model import KEY, model_content
    from digitwise.reading.reader import Reader

    model = onnx.load_from_string(model_content(None)[0])
    entry = next(entry for entry in model.metadata_props if entry.key == KEY)
    entry.value = path.read_bytes().decode(errors="replace")
    place = path.with_name("model.onnx")
    place.write_bytes(model.SerializeToString())
    with suppress(DigitwiseError):
        Reader(place, threads=1)
    return Reader(place, threads=1, max_error=0.05).read(digits(1).images[0])


def _findings(path: Path, _: UInt8, __: Any) -> None:
    finding = {"code": "DW001", "severity": "error", "title": "a class without images", "count": 3}
    path.write_text(json.dumps([finding, finding | {"code": "DW010"}]))


def _findings_read(path: Path) -> object:
    from digitwise.cli.report import _findings as read

    return read(path)


SETS = {  # how each is written, and how many cases of it are tried: more of what is read faster
    "set.npz": (lambda path, images, labels: np.savez_compressed(path, images=images, labels=labels), 130_000),
    "set.npy": (lambda path, images, _: np.save(path, images), 100_000),
    "set.csv": (_csv, 60_000),
    "set.idx": (_idx, 120_000),
    "set.parquet": (_parquet, 90_000),
    "set.tar": (_tar, 40_000),
    "set.mat": (_mat, 80_000),
    "set.h5": (_hdf5, 70_000),
    "set.svm": (_libsvm, 30_000),
}
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("image read as a digit", _images, _read, 100_000),
        Target("image read for numbers", _images, _numbers, 5_000),
        *(
            Target(f"{name.partition('.')[2]} loaded or checked", _writing(name, write), _loaded_and_checked, cases)
            for name, (write, cases) in SETS.items()
        ),
        Target("label patch", _writing("labels.csv", _patch), _patched, 60_000),
        Target("template of a form", _writing("form.toml", _template), _planned, 60_000),
        Target("ONNX model", _models, _asked_model, 10_000),
        Target("metadata of an ONNX model", _card, _card_read, 10_000),
        Target("PDF read for numbers", _writing("page.pdf", _pdf), _pages, 5_000),
        Target("recipe in TOML", _writing("mine.toml", _recipe), _recipe_read, 40_000),
        Target("notebook", _writing("mine.ipynb", _notebook), _notebook_read, 20_000),
        Target("marks with a teacher's points", _writing("marks.csv", _points), _points_brought_in, 20_000),
        Target("findings of a check", _writing("findings.json", _findings), _findings_read, 20_000),
        Target("list of what was written", _list, _list_read, 40_000),
        Target("run opened", _run_files, _run_opened, 4_000),
        Target("run compared", _run_files, _run_compared, 5_000),
        Target("run reported", _run_files, _run_reported, 100),
        Target(".keras model", _keras, _model_loaded, 5_000),
        Target("layers and weights", _pair, _model_loaded, 5_000),
        Target("saved classifier", _classifier, _classifier_loaded, 5_000),
        Target("saved evaluation", _evaluation, _evaluation_opened, 10_000),
        Target("checkpoint", _writing("checkpoint-0.npz", _checkpoint), _checkpoint_read, 20_000),
        Target("labelled paths calibrated on", _labelled, _calibrated, 3_000),
    )
}
