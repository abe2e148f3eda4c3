"""Every command that writes, killed at random times: what lies there then, and whether the next run tidies up.

A trial starts the command in a folder with an earlier result and files of the owner's, kills its process group after
a time that the case's number draws between start and its usual duration, looks at all files, and runs the command
again. The processes are forks of one that has all modules loaded, so that no kill falls into the imports.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

OWN = {"mine.txt": "the owner's", ".mine": "hidden", "also mine/run.json": "{"}  # no command may touch these
AGAIN_SECONDS = 300  # that a command takes at most when it runs undisturbed
SCANS = 120  # by class; calibrate asks for 72
IMAGES = 12  # that are given to serve --collect
REFUSED = 2  # an exit code
TOKEN = "kills"  # of a server on this machine, for seconds
OURS = (".digitwise-", ".digitwise.lock")  # temporary names


@dataclass(frozen=True)
class Command:
    """A command that writes.

    Parameters
    ----------
    name : str
    words : tuple of str
        Its arguments; paths are those of :func:`inputs`.
    kills : int
        How often it is killed.
    beside : callable, optional
        From the folder and the process: what is done meanwhile, for a command that ends only when it is told.
    once : bool
        Whether its result is the owner's from then on, so that it is refused the second time.
    """

    name: str
    words: tuple[str, ...]
    kills: int
    beside: Callable[[Path, int], None] | None = None
    once: bool = False


def _of(name: str, words: str, kills: int) -> Command:
    return Command(name, tuple(words.split()), kills)


def _collecting(world: Path, process: int) -> None:
    """Give images to a server until it has all, then end it."""
    images = sorted((world / "scans").rglob("*.png"))[:IMAGES]
    port = int((world.parent / "port").read_text())
    for image in images:
        boundary = "0123456789abcdef"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="label"\r\n\r\n{image.parent.name}\r\n'
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        body = head.encode() + image.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"Bearer {TOKEN}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/collect", body, headers)
        while True:
            if _ended(process):
                return
            try:
                with urllib.request.urlopen(request, timeout=20):
                    break
            except urllib.error.HTTPError:
                raise
            except OSError:  # it is not there yet, or no longer
                time.sleep(0.05)
    os.kill(process, signal.SIGTERM)


def _ended(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


TRAIN = "train flash --data digits --epochs 1"
COMMANDS = (
    _of("train", f"{TRAIN} --out run", 24),
    _of("train --seeds", f"{TRAIN} --seeds 2 --out seeds", 12),
    _of("train --jobs", f"{TRAIN} --seeds 2 --jobs 2 --out jobs", 8),
    _of("train --resume", "train baseline --data digits --epochs 2 --resume --out resumed", 12),
    _of("evaluate", "evaluate run", 10),
    _of("errors", "errors run --out figures", 10),
    _of("report", "report run --out page.html", 16),
    _of("compare --images", "compare run other --images wrong.png", 10),
    _of("export", "export run --out model.onnx", 14),
    _of("export --format json+h5", "export run --format json+h5 --out pair", 8),
    _of("calibrate", "calibrate scans --out calibrated.onnx", 12),
    _of("check", "check digits --select DW001,DW010 --out checked", 14),
    _of("check --labels --review", "check digits --labels --review --out reviewed", 8),
    _of("data normalize", "data normalize scans --out normalized", 16),
    _of("read --out FILE", "read scans --out rows.csv", 14),
    _of("read --out FOLDER", "read scans --single --out shards", 10),
    _of("read --table, --overlay", "read page.png --table table.csv --overlay boxes.png", 10),
    _of("sweep", "sweep flash --grid learning_rate=0.008,0.016 --data digits --epochs 1 --out swept", 10),
    _of("improve", "improve run --folds 2 --out improved", 8),
    _of("run", "run --data digits --epochs 1 --out all", 6),
    Command("exercise new", ("exercise", "new", "--out", "exercise"), 10, once=True),
    _of("exercise check", "exercise check note.ipynb --data digits --quick --html --out marks", 6),
    Command("serve --collect", ("serve", "--collect", "collected", "--token", TOKEN), 12, _collecting),
)


def inputs(folder: Path) -> None:
    """What the commands need: two runs, scans by class, a page, a notebook, and files of the owner's."""
    from PIL import Image

    from digitwise.data import load
    from digitwise.exercise.notebooks import EDITION

    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(("run", "other")):
        _settled(_started((*TRAIN.split(), "--out", name, "--seed", str(seed)), folder))
    few = load("digits").train
    for place, (image, label) in enumerate(zip(few.images[:SCANS], few.labels[:SCANS], strict=True)):
        path = folder / "scans" / str(label) / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - np.kron(image, np.ones((2, 2), np.uint8))).save(path)
    row = np.hstack([255 - few.images[k] for k in range(4)])
    Image.fromarray(np.pad(row, 60, constant_values=255)).save(folder / "page.png")
    shutil.copy(EDITION, folder / "note.ipynb")
    for name, content in OWN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)


def load_all() -> None:
    """Load the modules that the commands need, once for all forks."""
    import digitwise.cli

    for each in pkgutil.iter_modules(digitwise.cli.__path__):
        importlib.import_module(f"digitwise.cli.{each.name}")
    for name in ("training.train", "training.saving", "reporting.report", "exporting.export", "reading.reader"):
        importlib.import_module(f"digitwise.{name}")


def broken_by_kills(name: str, given: Path, cases: range) -> Iterator[tuple[int, str]]:
    """Kill a command once a case; the cases after which something is wrong, and what.

    Parameters
    ----------
    name : str
        Of one of ``COMMANDS``.
    given : Path
        A folder filled by :func:`inputs`.
    cases : range
        Decide when it is killed, and whether an earlier result is there.
    """
    command = next(each for each in COMMANDS if each.name == name)
    with tempfile.TemporaryDirectory() as outer:
        world = Path(outer) / "world"
        shutil.copytree(given, world)
        begun = time.monotonic()
        expected = _whole(command, world)
        seconds = time.monotonic() - begun
        names = set(_files(world))
        known = {path.name for path in (world.parent / "tmp").iterdir()}  # such as onnxruntime's .ses
        if expected not in (0, 1):
            yield cases.start, f"without a kill: exit code {expected}, {_printed(world)!r}"
        if problem := _wrong(world) or _left(world, known):
            yield cases.start, f"without a kill: {problem}"
        for case in cases:
            rng = np.random.default_rng(case)
            if command.once or rng.integers(2):  # without an earlier result
                shutil.rmtree(world)
                shutil.copytree(given, world)
            before = _files(world)
            _killed(command, world, float(rng.uniform(0, seconds)))
            if problem := _wrong(world, before):
                yield case, f"after the kill: {problem}"
            code = _whole(command, world)
            if code != expected and not (command.once and code == REFUSED):
                yield case, f"run again: exit code {code}, {_printed(world)!r}"
            elif problem := _wrong(world) or _left(world, known):
                yield case, f"run again: {problem}"
            elif (now := set(_files(world))) != names:
                yield case, f"run again: other files than undisturbed: {sorted(now ^ names)[:5]}"


def kill(job: tuple[str, Path, range]) -> list[tuple[int, str]]:
    """As a job of a pool: :func:`broken_by_kills`."""
    return list(broken_by_kills(*job))


def _started(words: tuple[str, ...], world: Path) -> int:
    """Start the command in a process group of its own."""
    from digitwise.cli.main import main

    (world.parent / "tmp").mkdir(exist_ok=True)
    return os.fork() or _child(main, words, world)


def _child(main: Callable[[list[str]], int], words: tuple[str, ...], world: Path) -> NoReturn:
    try:
        os.setsid()
        os.chdir(world)
        os.environ |= {"TMPDIR": str(world.parent / "tmp"), "DIGITWISE_LEDGER": str(world.parent / "ledger")}
        tempfile.tempdir = None
        printed = os.open(world.parent / "printed", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        code = main(list(words))
        sys.stdout.flush()
        os._exit(code)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def _printed(world: Path) -> str:
    """The end of what the last command printed."""
    return (world.parent / "printed").read_text(errors="replace")[-300:]


def _words(command: Command, world: Path) -> tuple[str, ...]:
    if command.beside is None:
        return command.words
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    (world.parent / "port").write_text(str(port))
    return (*command.words, "--port", str(port))


def _whole(command: Command, world: Path) -> int:
    """Run the command undisturbed; its exit code."""
    process = _started(_words(command, world), world)
    if command.beside is not None:
        command.beside(world, process)
    return _settled(process)


def _settled(process: int) -> int:
    until = time.monotonic() + AGAIN_SECONDS
    while not _ended(process):
        if time.monotonic() > until:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.02)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _killed(command: Command, world: Path, seconds: float) -> None:
    """Start the command and kill it, with all that it started, after so long."""
    process = _started(_words(command, world), world)
    killer = os.fork() if command.beside is not None else -1
    if killer == 0:
        with suppress(Exception):
            time.sleep(seconds)
            os.killpg(process, signal.SIGKILL)
        os._exit(0)
    if command.beside is not None:
        command.beside(world, process)
        os.waitpid(killer, 0)
    else:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not _ended(process):
            time.sleep(0.002)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _files(world: Path) -> dict[str, str]:
    """The sha256 of all files, hidden ones too, by their path."""
    return {
        path.relative_to(world).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in world.rglob("*")
        if path.is_file()
    }


def _wrong(world: Path, before: dict[str, str] | None = None) -> str:
    """What is lost or half-written; empty where nothing is. Files that are as before need no look."""
    for name, content in OWN.items():
        path = world / name
        if not path.is_file() or path.read_text() != content:
            return f"the owner's {name} is lost or changed"
    for path in world.rglob("*"):
        name = path.relative_to(world).as_posix()
        hidden = any(part.startswith(".") for part in Path(name).parts) and path.name != ".digitwise.json"
        if name in OWN or not path.is_file() or hidden:
            continue
        if before is not None and before.get(name) == hashlib.sha256(path.read_bytes()).hexdigest():
            continue
        try:
            _read_whole(path)
        except Exception as error:
            return f"{name} is not whole: {type(error).__name__}: {error}"
    given = [name for name in before or () if name.startswith("scans/") and not (world / name).exists()]
    return f"{given[0]} is lost" if given else ""


def _left(world: Path, known: set[str]) -> str:
    """A temporary file or folder that lies there when all is done; empty where none does but those known."""
    found = [path for path in world.rglob("*") if path.name.startswith(OURS) or path.name.endswith(".partial")]
    found += [path for path in (world.parent / "tmp").iterdir() if path.name not in known or path.name.startswith(OURS)]
    return f"{found[0].relative_to(world.parent)} is left" if found else ""


def _read_whole(path: Path) -> None:
    """Read a file to its end, by its suffix."""
    content = path.read_bytes()
    if path.suffix in CHECKS:
        CHECKS[path.suffix](path)
    elif not content.rstrip().endswith(ENDS.get(path.suffix, b"")):
        raise ValueError("it is cut off")


def _read_json(path: Path) -> None:
    json.loads(path.read_bytes())
    if path.name == "run.json":
        from digitwise.runs import Run

        run = Run.open(path.parent)
        for split in ("validation", "test"):
            run.predictions(split)


def _read_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        archive.testzip()


def _read_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path) as file:
        file.visititems(lambda _, each: each[()] if isinstance(each, h5py.Dataset) else None)


def _read_image(path: Path) -> None:
    from PIL import Image

    np.asarray(Image.open(path))


def _read_csv(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if len({len(row) for row in rows}) != 1 or not path.read_bytes().endswith(b"\n"):
        raise ValueError("a row is cut off")


def _read_onnx(path: Path) -> None:
    from digitwise.reading.model import Model

    Model(path, threads=1).probabilities(np.zeros((1, 28, 28), np.uint8))


def _read_parquet(path: Path) -> None:
    from pyarrow import parquet

    parquet.read_table(path)


ENDS = {".html": b"</html>", ".svg": b"</svg>", ".pdf": b"%%EOF"}
CHECKS: dict[str, Callable[[Path], None]] = {
    ".json": _read_json,
    ".ipynb": _read_json,
    ".npz": _read_zip,
    ".keras": _read_zip,
    ".h5": _read_hdf5,
    ".png": _read_image,
    ".csv": _read_csv,
    ".onnx": _read_onnx,
    ".parquet": _read_parquet,
}
