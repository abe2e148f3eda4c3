"""Notebooks that try to break ``digitwise exercise check``, between two honest ones, and what each has to leave alone.

A notebook breaks the marking if it has no page, if it takes more than its time, if a file or a process outside has
changed, if something of it goes on, or if an honest notebook has other points than it has alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

SECONDS, MEMORY = 12, 1_200_000_000  # of a notebook
ALLOWED_SECONDS = 45  # beside its time: start, evidence, judging, on a busy machine
TOKEN = f"digitwise-hostile-{os.getpid()}"  # in the command line of what a notebook starts
FORBIDDEN = ("\x1b", "\u202e", "<script>stolen", "canary's secret")  # in no page

# A cell of each; {outside} is a folder of the teacher's, {canary} a process. Each is bounded, and aims only at those:
# a system whose isolation fails is not harmed.
NOTEBOOKS = r"""
--- many processes
import os, time
for _ in range(1000):
    if os.fork() == 0:
        time.sleep(600)
--- processes that double
import os
for _ in range(9):
    os.fork()
while True: pass
--- processes in sessions of their own
import os, time
for _ in range(400):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
--- memory
import os
held = []
while len(held) < 60: held.append(bytearray(os.urandom(1) * 10**8))
--- memory of many processes
import os
for _ in range(4): os.fork()
held = b"x" * 10**8
while True: pass
--- memory that is mapped
import mmap
held = [mmap.mmap(-1, 10**8) for _ in range(50)]
for each in held: each.write(b"x" * 10**8)
--- disk
for n in range(200): open(f"full{n}", "wb").write(b"x" * 10**8)
--- shared memory
for n in range(40): open(f"/dev/shm/full{n}", "wb").write(b"x" * 10**7)
--- one large file
with open("full", "wb") as file:
    for _ in range(300): file.write(b"x" * 10**7)
--- many files
for n in range(10**5): open(f"f{n}", "w").close()
--- deep folders
import os
for _ in range(5000):
    os.mkdir("deeper")
    os.chdir("deeper")
--- endless loop
while True: pass
--- endless sleep
while True:
    try: time.sleep(10**6)
    except BaseException: pass
--- endless output
while True: print("x" * 10**6)
--- 100 MB of text
print("x" * 10**8)
--- endless errors
import sys
while True: sys.stderr.write("x" * 10**6)
--- endless figures
while True:
    plt.figure()
    plt.plot([1, 2])
    plt.show()
--- kills a process of the teacher's
import os
for number in (9, 15, 19):
    try: os.kill({canary}, number)
    except OSError: pass
os.killpg({canary}, 9)
--- kills its parent
import os
if os.getppid() > 1: os.kill(os.getppid(), 9)
--- kills its group
import os
os.killpg(0, 9)
--- reads others' files
print(open("{outside}/secret").read())
--- writes others' files
open("{outside}/secret", "w").write("stolen")
--- removes others' files
import shutil
for place in ("{outside}", "../evidence", ".."): shutil.rmtree(place, True)
--- environment of others
import glob
for path in glob.glob("/proc/*/environ"): print(open(path, "rb").read())
--- memory of others
open("/proc/{canary}/mem", "r+b").write(b"x")
--- traces others
import ctypes
assert ctypes.CDLL(None).ptrace(16, {canary}, 0, 0) == 0
--- sockets
import socket
for family, place in ((1, "{outside}/socket"), (2, ("127.0.0.1", {port})), (10, ("::1", {port}))):
    try: socket.socket(family).connect(place)
    except Exception: pass
--- forged evidence
import json, os
json.dump({"running": None, "fits": [{}] * 10**5}, open("../evidence/evidence.json", "w"))
os._exit(0)
--- deep evidence
import os
open("../evidence/evidence.json", "w").write("[" * 10**6)
os._exit(0)
--- huge evidence
import os
open("../evidence/evidence.json", "w").truncate(9 * 10**8)
os._exit(0)
--- evidence of NaN
import os, re
text = open("../evidence/evidence.json").read()
open("../evidence/evidence.json", "w").write(re.sub(r"\b\d+\b", "NaN", text))
os._exit(0)
--- evidence of other types
import json, os
text = json.load(open("../evidence/evidence.json"))
json.dump(dict.fromkeys(text, 1e308), open("../evidence/evidence.json", "w"))
os._exit(0)
--- evidence is a link
import os
os.unlink("../evidence/evidence.json")
os.symlink("{outside}/secret", "../evidence/evidence.json")
os._exit(0)
--- evidence is a pipe
import os
os.unlink("../evidence/evidence.json")
os.mkfifo("../evidence/evidence.json")
os._exit(0)
--- links in all places
import os
for k, name in enumerate(("../evidence", "results", "../stderr", "../home")):
    os.rename(name, f"../old{k}")
    os.symlink("{outside}", name)
--- arrays of objects
import os
class Trap:
    def __reduce__(self): return (os.system, ("touch {outside}/trap",))
x_train = np.array([Trap()] * 5, object)
x_test = y_test = y_train = x_train
--- a Lambda layer
import keras
def harm(x):
    __import__("os").system("touch {outside}/trap")
    return x
model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Lambda(harm), keras.layers.Flatten()])
--- a model that lies about itself
class Model:
    def __getattribute__(self, name): raise SystemExit(name)
model = model2 = model3 = Model()
--- control characters
raise ValueError("\x1b[2J\x00\u202e\ud800<script>stolen")
--- values that do not end
class Endless(str):
    def __repr__(self):
        while True: pass
    __str__ = __repr__
prediction = Endless()
prediction
--- closed streams
import os
for k in range(256):
    try: os.close(k)
    except OSError: pass
--- exit in a cell
import os
os._exit(0)
--- threads that go on
import atexit, signal, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def on():
    while True: time.sleep(0.1)
for _ in range(50): threading.Thread(target=on).start()
atexit.register(on)
--- processes that go on
import subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "{token}"], start_new_session=True)
--- no modules
import sys
for name in list(sys.modules):
    if name != "sys": sys.modules[name] = None
--- another json
import builtins, json
json.dump = json.dumps = lambda *a, **k: "[]"
builtins.open = None
--- another keras
import keras
keras.Model.fit = keras.Model.save = lambda *a, **k: 1 / 0
keras.Model.predict = None
--- a stack without end
import sys
sys.setrecursionlimit(10**9)
def f(): return f()
f()
--- a crash
import ctypes
ctypes.string_at(0)
--- trace of all
import sys
sys.settrace(lambda *a: 1 / 0)
sys.setprofile(lambda *a: 1 / 0)
"""
HOSTILE_NOTEBOOKS = dict(each.split("\n", 1) for each in NOTEBOOKS.split("--- ")[1:])


def broken_by_notebooks(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Mark a class of these notebooks; the places of those that broke something, and what."""
    from digitwise import exercise
    from digitwise.exercise.sandbox import slowness
    from tests.exercise.builder import write_digits

    with tempfile.TemporaryDirectory() as folder, _canary() as canary:
        home = Path(folder)
        outside, tmp = home / "outside", home / "tmp"
        outside.mkdir()
        tmp.mkdir()
        (outside / "secret").write_text("canary's secret")
        facts = {"outside": str(outside), "canary": str(canary.pid), "token": TOKEN, "port": "9"}
        data = write_digits(home / "printed.npz", 100, 20)
        _write_class(home / "class", names, facts)
        _write_class(home / "alone", (), facts)
        os.environ["TMPDIR"], tempfile.tempdir = str(tmp), None
        how: dict[str, Any] = {"time_limit": SECONDS, "memory_limit": MEMORY}
        try:
            alone = exercise.check(home / "alone", data, **how)
            if not all(mark.isolated for mark in alone.marks):
                raise RuntimeError("expected a system that isolates notebooks, see digitwise.exercise.isolation")
            found = exercise.check(home / "class", data, out=home / "marks", jobs=os.cpu_count() or 1, **how)
        finally:
            tempfile.tempdir = None
            os.environ.pop("TMPDIR")
        pages = {Path(mark.notebook).stem: (mark, page) for mark, page in zip(found.marks, found.pages, strict=True)}
        for place, name in enumerate(names):
            stem = f"n{place:02}"
            mark, page = pages.get(stem, (None, ""))
            written = home / "marks" / page
            if mark is None or not written.is_file():
                yield place, f"{name}: it has no page"
                continue
            text = written.read_text(encoding="utf-8")
            if harm := [each for each in FORBIDDEN if each in text]:
                yield place, f"{name}: its page has {harm[0]!r}"
            if mark.seconds > SECONDS * slowness() + ALLOWED_SECONDS:
                yield place, f"{name}: it took {mark.seconds:.0f} s"
        marks = {Path(mark.notebook).stem: mark for mark in found.marks}
        for honest in alone.marks:
            among = marks[Path(honest.notebook).stem]
            if (among.points, among.ended) != (honest.points, honest.ended):
                yield -1, f"an honest notebook got {among.points} points ({among.ended}), not {honest.points}"
        if [path.name for path in outside.iterdir()] != ["secret"] or (outside / "secret").read_text() != FORBIDDEN[-1]:
            yield -1, "the teacher's folder was changed"
        if canary.poll() is not None:
            yield -1, "a process of the teacher's was ended"
        if left := list(tmp.iterdir()):
            yield -1, f"{left[0]} is left"
        if _running():
            yield -1, "a process of a notebook goes on"


def _canary() -> subprocess.Popen[bytes]:
    return _Canary([sys.executable, "-c", "import time; time.sleep(3600)"])


class _Canary(subprocess.Popen[bytes]):
    """A process of the teacher's that is ended with the block."""

    def __exit__(self, *error: object) -> None:
        self.send_signal(signal.SIGKILL)
        super().__exit__(*error)  # type: ignore[arg-type]


def _write_class(folder: Path, names: Sequence[str], facts: dict[str, str]) -> None:
    from tests.exercise.builder import ANSWERS, CODE, write_notebook

    folder.mkdir()
    nothing, no_answers = dict.fromkeys(CODE, ""), dict.fromkeys(ANSWERS, "*Your answer here.*")
    begun = nothing | {
        "load": "import numpy as np\nimport matplotlib.pyplot as plt\ny_train = np.load('mnist.npz')['y_train']"
    }
    honest = begun | {"histogram": CODE["histogram"]}
    for name in ("a first", "z last"):
        write_notebook(folder / f"{name}.ipynb", honest, no_answers | {"histogram": ANSWERS["histogram"]})
    for place, name in enumerate(names):
        code = HOSTILE_NOTEBOOKS[name]
        for fact, value in facts.items():
            code = code.replace(f"{{{fact}}}", value)
        write_notebook(folder / f"n{place:02}.ipynb", begun | {"shape": code}, no_answers)


def _running() -> list[str]:
    """The processes that have the token in their command line."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
        except OSError:
            continue
        if TOKEN.encode() in words:
            found.append(place.name)
    return found
