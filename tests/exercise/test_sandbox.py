"""Time limits of marking: the processor time of the notebook counts, and a slow machine has longer."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from digitwise.exercise import sandbox
from digitwise.exercise.sandbox import SLOWEST, Clock, NotebookLimits, counted, prepare, run_limited, slowness

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes are bound to a core by Linux")


@pytest.mark.parametrize(
    ("used", "expected"),
    [(10.0, 10.0), (19.5, 10.0), (5.0, 5.0), (1.5, 1.5), (0.4, 10.0), (0.0, 10.0)],
    ids=["a core", "two cores", "half a core", "a sixth of a core", "hardly anything", "asleep"],
)
def test_processor_time_counts_and_at_most_the_wall_time(used, expected):
    assert counted(10.0, used) == expected


def test_clock_does_not_charge_for_other_processes():
    clock, alone = Clock(100.0), Clock(100.0)
    for step in range(1, 401):  # looks each fifth of a second, in steps of 10 ms of processor time
        clock.look(100 + step / 5, int(step / 5 * 0.25 * 100) / 100)
        alone.look(100 + step / 5, step / 5 * 1.9)
    assert clock.seconds == pytest.approx(80 / 4, abs=1)
    assert alone.seconds == pytest.approx(80, abs=1)


def test_clock_counts_only_what_was_used_since_it_began():
    clock = Clock(0.0, 50.0)
    assert clock.look(2.0, 51.0) == 1.0


def test_slowness_is_how_much_longer_the_same_work_takes(monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr(sandbox.time, "thread_time", lambda: next(ticks) * 3 * sandbox.REFERENCE_SECONDS)
    assert slowness() == pytest.approx(3)
    monkeypatch.setattr(sandbox.time, "thread_time", lambda: 0.0)
    assert slowness() == 1
    monkeypatch.setattr(sandbox.time, "thread_time", lambda: float(next(ticks)))
    assert slowness() == SLOWEST


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a body under limits; why it was ended, and after how many seconds."""
    pytest.importorskip("psutil")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)

    def call(name, body, limits):
        (tmp_path / f"{name}.py").write_text(f"import os, time\ndef main(folder, missing):\n    {body}\n")
        folder = tmp_path / f"folder of {name}"
        folder.mkdir()
        prepare(folder)
        began = time.monotonic()
        return run_limited(name, folder, limits), time.monotonic() - began

    return call


def test_sleeping_process_is_ended_and_later_on_a_slow_machine(run):
    reason, seconds = run("asleep", "time.sleep(4242)", NotebookLimits(seconds=1.5, slowness=2))
    assert reason == "time"
    assert seconds > 3


@LINUX
def test_process_on_a_shared_core_still_gets_its_whole_time(run):
    """However busy the machine is, it gets half a core at most: two seconds of it take four."""
    core = min(os.sched_getaffinity(0))
    bound = f"import os; os.sched_setaffinity(0, {{{core}}})"
    with subprocess.Popen([sys.executable, "-c", f"{bound}; print(flush=True)\nwhile True: pass"], stdout=-1) as other:
        try:
            other.stdout.read(1)
            reason, seconds = run("spinning", f"{bound}\n    while True: pass", NotebookLimits(seconds=2.0))
        finally:
            other.kill()
    assert reason == "time"
    assert seconds > 3


PROBE = """import ctypes, json, os, socket, stat
def refused(what):
    try:
        found = what()
    except OSError as error:
        return type(error).__name__
    return repr(found)[:200]
def main(folder, missing):
    libc = ctypes.CDLL(None, use_errno=True)
    def call(number, *given):
        if libc.syscall(number, *given) < 0:
            raise OSError(ctypes.get_errno(), "refused")
    def attached():
        if libc.ptrace(16, {parent}, 0, 0) < 0:
            raise OSError(ctypes.get_errno(), "refused")
    def mounted():
        if libc.mount({outside!r}.encode(), bytes(folder / "tmp"), None, 4096, None) < 0:
            raise OSError(ctypes.get_errno(), "refused")
    def escaped():
        if (child := os.fork()) == 0:
            try:
                os.mkdir("root")
                os.chroot("root")
                os.chdir("../" * 30)
                os.chroot(".")
                open(secret).read()
                os._exit(0)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1]:
            raise PermissionError
    def device():
        os.mknod("disk", 0o600 | stat.S_IFBLK, os.makedev(254, 0))
        return open("disk", "rb").read(1)
    secret = {secret!r}
    tried = {{
        "reading": refused(lambda: open(secret).read()),
        "reading by a link": refused(lambda: (os.symlink(secret, "link"), open("link").read())),
        "reading by a hard link": refused(lambda: (os.link(secret, "hard"), open("hard").read())),
        "listing": refused(lambda: os.listdir({outside!r})),
        "running": refused(lambda: os.spawnv(os.P_WAIT, {program!r}, [{program!r}]) == 7 or open("/no such file")),
        "the home of the teacher": refused(lambda: os.listdir({home!r})),
        "passwords": refused(lambda: open("/etc/shadow").read()),
        "the environment of others": refused(lambda: open("/proc/{parent}/environ").read()),
        "the memory of others": refused(lambda: open("/proc/{parent}/mem", "rb").read(1)),
        "tracing others": refused(attached),
        "mounting": refused(mounted),
        "a new root": refused(escaped),
        "a raw device": refused(device),
        "the kernel's memory": refused(lambda: open("/dev/mem", "rb").read(1)),
        "io_uring": refused(lambda: call(425, 4, 0)),
        "writing": refused(lambda: open({outside!r} + "/new", "w")),
    }}
    seen = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import numpy, PIL, scipy.ndimage
    numpy.save("own.npy", numpy.ones(3))
    (folder / "found.json").write_text(json.dumps([missing, tried, len(seen), numpy.load("own.npy").sum()]))
"""
CALL = """import sys
from pathlib import Path
from digitwise.exercise.sandbox import NotebookLimits, prepare, run_limited
folder = Path(sys.argv[1])
prepare(folder)
print(run_limited("probe", folder, NotebookLimits(seconds=60.0)))
"""


@LINUX
@pytest.mark.parametrize("as_user", [False, True], ids=["as the user who runs this", "without privileges"])
def test_a_process_has_no_files_but_its_own_and_pythons(tmp_path, as_user):
    """Each way that is known to be tried."""
    pytest.importorskip("psutil")
    setpriv = shutil.which("setpriv")
    if as_user and not setpriv:
        pytest.skip("no setpriv on this system")
    outside, folder = tmp_path / "other students", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "key.txt").write_text("42")
    program = outside / "program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    names = {"secret": str(outside / "key.txt"), "outside": str(outside), "program": str(program)}
    (tmp_path / "modules").mkdir()
    body = PROBE.format(**names, home=str(Path.home()), parent=os.getpid())
    (tmp_path / "modules" / "probe.py").write_text(body)
    privileges = [setpriv, "--bounding-set=-all", "--inh-caps=-all"] if as_user and os.getuid() == 0 else []
    done = subprocess.run(
        [*privileges, sys.executable, "-c", CALL, str(folder)],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "modules")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "ended", done.stderr
    assert (folder / "found.json").exists(), (folder / "stderr").read_text()
    missing, tried, seen, total = json.loads((folder / "found.json").read_text())
    if missing:
        pytest.skip(f"this system lacks it: {missing[0]}")
    allowed = {"PermissionError", "FileNotFoundError", "ProcessLookupError", "OSError"}
    assert {what: how for what, how in tried.items() if how not in allowed} == {}
    assert tried["reading"] == tried["listing"] == tried["passwords"] == "PermissionError"
    assert seen <= 3, "other processes can be seen"
    assert total == 3


@pytest.mark.parametrize(
    ("body", "limits", "expected"),
    [
        ("[open(str(k), 'wb').write(bytes(2 << 20)) for k in range(9)]", {"disk_bytes": 10 << 20}, "disk"),
        ("[os.mkdir(str(k)) for k in range(600)]", {"files": 500}, "files"),
        ("[(os.mkdir('a' * 90), os.chdir('a' * 90)) for k in range(60)]", {}, "files"),
        (
            "f = open('gone', 'wb'); os.unlink('gone'); f.write(bytes(30 << 20)); f.flush()",
            {"disk_bytes": 10 << 20},
            "disk",
        ),
    ],
    ids=["many bytes", "many files", "deep folders", "a file that was removed"],
)
def test_process_that_fills_the_disk_is_ended(run, body, limits, expected):
    if "unlink" in body and sys.platform != "linux":
        pytest.skip("open files are seen on Linux")
    assert run("filling", f"{body}; time.sleep(4242)", NotebookLimits(seconds=30.0, **limits))[0] == expected


def test_process_within_its_limits_on_disk_goes_on(run):
    body = "[open(str(k), 'wb').write(bytes(2 << 20)) for k in range(3)]; time.sleep(2.5)"
    assert run("modest", body, NotebookLimits(seconds=30.0, disk_bytes=20 << 20, files=100))[0] == "ended"
