"""Damaged and hostile input against every public door: what comes back is a result, or an error of digitwise's own.

A case is a valid file, changed at some places that its number decides, so that a broken one can be made again:
``mutated(TARGETS[name].seeds(folder)[case % …], case)``.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.measure import Row, keep
from digitwise.data import load
from digitwise.errors import DigitwiseError
from digitwise.images import ImageSet, UInt8

CHUNK = 2_000  # cases of one process; if one kills it, the next goes on behind that
SECONDS = 20  # that one case may take
CHANGES = 6  # places of a file, at most
HOSTILE = (b"\x00", b"\xff", b"\xff\xff\xff\x7f", b"[" * 40, b"-1", b"1e999", b"NaN", b"\xe2\x80\xae", b"%n", b"\n\n")


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


def mutated(content: bytes, case: int) -> bytes:
    """The content, changed at one to ``CHANGES`` places: flipped, cut, doubled, or with something hostile put in."""
    rng = np.random.default_rng(case)
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, CHANGES + 1))):
        place, length = int(rng.integers(0, len(changed) + 1)), int(rng.integers(1, 33))
        match int(rng.integers(6)):
            case 0:
                changed[place : place + 1] = bytes([int(rng.integers(256))])
            case 1:
                changed[place : place + length] = rng.bytes(length)
            case 2:
                del changed[place:]
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length] * int(rng.integers(1, 4))
            case _:
                changed[place:place] = HOSTILE[int(rng.integers(len(HOSTILE)))]
        if not changed:
            break
    return bytes(changed)


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
    path.write_text("".join(f"{label} {' '.join(f'{k + 1}:{v}' for k, v in enumerate(row))}\n" for row, label in rows))


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


_READERS: list[Any] = []


def _reader() -> Any:
    from digitwise.reading.reader import Reader

    if not _READERS:
        _READERS.append(Reader(threads=1))
    return _READERS[0]


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


SETS = {
    "set.npz": lambda path, images, labels: np.savez_compressed(path, images=images, labels=labels),
    "set.npy": lambda path, images, _: np.save(path, images),
    "set.csv": _csv,
    "set.idx": _idx,
    "set.parquet": _parquet,
    "set.tar": _tar,
    "set.mat": _mat,
    "set.h5": _hdf5,
    "set.svm": _libsvm,
}
TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("image read as a digit", _images, _read, 300_000),
        Target("image read for numbers", _images, _numbers, 5_000),
        *(
            Target(f"{name.partition('.')[2]} loaded or checked", _writing(name, write), _loaded_and_checked, 65_000)
            for name, write in SETS.items()
        ),
        Target("label patch", _writing("labels.csv", _patch), _patched, 60_000),
        Target("template of a form", _writing("form.toml", _template), _planned, 60_000),
        Target("ONNX model", _models, _asked_model, 10_000),
    )
}


def faults(target: Target, cases: Iterable[int], folder: Path) -> Iterator[tuple[int, str]]:
    """The cases that break something, and how."""
    seeds = [(path, path.read_bytes()) for path in target.seeds(folder)]
    for case in cases:
        place, content = seeds[case % len(seeds)]
        place.write_bytes(mutated(content, case))
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.ask(place)
        except DigitwiseError:
            pass
        except Exception as error:
            yield case, f"{type(error).__name__}: {error}"
        if time.monotonic() - begun > SECONDS:
            yield case, f"more than {SECONDS} s"


def bench_attack(limit: int | None = None) -> None:
    """Try all cases, or the first so many of each door; print and keep how many held."""
    rows: list[Row] = []
    for target in TARGETS.values():
        begun = time.monotonic()
        cases = min(limit or target.cases, target.cases)
        broken = list(_tried(target, cases))
        seconds = time.monotonic() - begun
        for case, how in broken[:20]:
            print(f"  {target.name}, case {case}: {how[:200]}", flush=True)
        print(f"{target.name}: {cases:,} tried, {len(broken):,} broken, {seconds:.0f} s", flush=True)
        rows.append({"what": target.name, "tried": cases, "broken": len(broken), "seconds": round(seconds)})
        keep("attack", rows)


def _tried(target: Target, cases: int) -> Iterator[tuple[int, str]]:
    """All faults of a target, in processes that may die."""
    jobs = [(target.name, start, min(start + CHUNK, cases)) for start in range(0, cases, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(os.cpu_count()) as pool:
        for found in pool.imap_unordered(_job, jobs):
            yield from found


def _job(job: tuple[str, int, int]) -> list[tuple[int, str]]:
    """The faults of some cases: a child tells its progress in a file, so that it is known where it died."""
    name, first, end = job
    found: list[tuple[int, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        while first < end:
            told.write_text("")
            child = os.fork()
            if not child:
                _child(name, first, end, Path(folder), told)
            _, status = os.waitpid(child, 0)
            lines = [json.loads(line) for line in told.read_text().splitlines()]
            found += [(case, how) for case, how in lines if how]
            if not status:
                break
            at = lines[-1][0] if lines else first
            how = signal.Signals(status & 127).name if status & 127 else f"exit code {status >> 8}"
            found.append((at, f"the process died: {how}"))
            first = at + 1
    return found


def _telling(cases: Iterable[int], file: TextIO) -> Iterator[int]:
    """The cases, each written down before it is tried."""
    for case in cases:
        file.write(json.dumps([case, ""]) + "\n")
        file.flush()
        yield case


def _child(name: str, first: int, end: int, folder: Path, told: Path) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))
    target = TARGETS[name]
    with told.open("a") as file:
        for found in faults(target, _telling(range(first, end), file), folder):
            file.write(json.dumps(found) + "\n")
    os._exit(0)
