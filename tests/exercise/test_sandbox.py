"""Time limits of marking: the processor time of the notebook counts, and a slow machine has longer."""

from __future__ import annotations

import os
import subprocess
import sys
import time

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
