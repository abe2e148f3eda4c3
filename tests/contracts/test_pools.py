"""Every pool gives what the tasks give, in whichever process they run."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.errors import ClusterError, DataError, RunError
from digitwise.training.pool import Here, Processes, _Worker
from digitwise.training.watch import Stopped, Watch


@contextmanager
def here(request):
    yield Here()


@contextmanager
def processes(request):
    yield Processes(2, threads=1)


@pytest.fixture(scope="module")
def joined(two_nodes):
    """Joined once, so that the cluster's workers go from one statement to the next."""
    with connected(two_nodes.address) as ray:
        yield ray


@contextmanager
def on_ray(request):
    yield RayPool(request.getfixturevalue("joined"), threads=1)


RAY = pytest.param(on_ray, marks=pytest.mark.slow)  # a cluster of two nodes takes 20 s to start


@pytest.fixture(params=[here, processes, RAY], ids=lambda kind: kind.__name__)
def pool(request):
    with request.param(request) as made:
        yield made


@pytest.fixture(params=[processes, RAY], ids=lambda kind: kind.__name__)
def away(request):
    """A pool whose tasks run in other processes."""
    with request.param(request) as made:
        yield made


class Heard(Watch):
    def __init__(self, name="", all_heard=None):
        self.name = name
        self.all = {} if all_heard is None else all_heard

    def on_task(self, name):
        self.all.setdefault(name, [])
        return Heard(name, self.all)

    def on_epoch(self, row, share):
        self.all[self.name].append((row["epoch"], share))


def scaled(shared, task, watch):
    for epoch in (1, 2):
        watch.on_epoch({"epoch": epoch}, epoch / 2)
    return shared.sum() * task


def once(shared, task, watch):
    return task


def stoppable(shared, task, watch):
    epoch = 0
    try:
        for epoch in range(1, 6):
            watch.on_steps(epoch, epoch / 5, 1.0, 0.5)
            watch.on_epoch({"epoch": epoch}, epoch / 5)
    except Stopped:
        pass
    return epoch


def refused(shared, task, watch):
    with (shared / "tries").open("a") as file:
        file.write(f"{task}\n")
    if task == 1:
        raise DataError("image 7: expected a digit, got a shoe")
    return task


def threads(shared, task, watch):
    import tensorflow as tf

    image, kernel = tf.random.normal((8, 28, 28, 8)), tf.random.normal((3, 3, 8, 8))
    tf.nn.conv2d(image, kernel, 1, "SAME").numpy()
    return os.environ["OMP_NUM_THREADS"], len(os.listdir("/proc/self/task"))


def lost_once(shared, task, watch):
    mark = shared / f"mark-{task}"
    if task == 1 and not mark.exists():
        mark.touch()
        os._exit(1)
    return task * 10


def always_lost(shared, task, watch):
    os._exit(1)


def surprised(shared, task, watch):
    with (shared / "tries").open("a") as file:
        file.write("x\n")
    raise ZeroDivisionError("a mistake")


def unsendable(shared, task, watch):
    with (shared / "tries").open("a") as file:
        file.write("x\n")
    return threading.Lock()


class Counted:
    """Leaves a mark whenever it is made ready to be sent."""

    def __init__(self, file):
        self.file = file

    def __getstate__(self):
        with self.file.open("a") as file:
            file.write("x")
        return {"file": self.file}


def slow(shared, task, watch):
    (shared / f"began-{task}").touch()
    time.sleep(0 if task == 0 else 3600)
    return task


def ran(pool, function, shared, tasks, watch=None):
    return dict(pool.run(function, shared, tasks, [f"task {task}" for task in tasks], watch or Watch()))


def test_each_task_gives_what_it_gives_alone(pool):
    assert ran(pool, scaled, np.arange(5), [3, 5, 7]) == {0: 30, 1: 50, 2: 70}


def test_each_task_is_heard_under_its_own_name(pool):
    watch = Heard()
    ran(pool, scaled, np.arange(5), [3, 5], watch)
    assert watch.all == {"task 3": [(1, 0.5), (2, 1.0)], "task 5": [(1, 0.5), (2, 1.0)]}


def test_tasks_are_drawn_as_places_get_free_and_may_depend_on_what_came(pool):
    came, drawn = {}, []

    def tasks():
        for number in range(6):
            drawn.append(len(came))
            yield number if number < 3 else max(came.values()) + 1

    numbers = map("task {}".format, range(6))
    for number, result in pool.run(once, None, tasks(), numbers, Watch()):
        came.setdefault(number, result)  # seen by the next draw
    assert came.keys() == set(range(6))
    assert all(known > number - 3 for number, known in enumerate(drawn))  # two places at most are filled
    assert came[5] > 2


@pytest.mark.parametrize("when", [1, 3])
def test_a_watch_ends_the_training_after_just_the_epoch_that_it_refuses(pool, when):
    class Stopping(Heard):
        def on_task(self, name):
            self.all[name] = []
            return Stopping(name, self.all)

        def on_epoch(self, row, share):
            super().on_epoch(row, share)
            if self.name == "task 1" and row["epoch"] == when:
                raise Stopped

    watch = Stopping()
    assert ran(pool, stoppable, None, [0, 1, 2], watch) == {0: 5, 1: when, 2: 5}
    assert {name: len(told) for name, told in watch.all.items()} == {"task 0": 5, "task 1": when, "task 2": 5}


@pytest.mark.parametrize("function", ["always_lost", "surprised"])
def test_a_task_that_is_lost_each_time_comes_to_what_was_said(away, tmp_path, function):
    results = away.run(globals()[function], tmp_path, [0], ["task 0"], Watch(), lost="gone")
    assert list(results) == [(0, "gone")]


def test_no_task_is_nothing_to_do(pool):
    assert ran(pool, scaled, np.arange(5), []) == {}


def test_what_a_task_refuses_is_raised_and_not_tried_again(pool, tmp_path):
    with pytest.raises(DataError, match=r"^image 7: expected a digit, got a shoe$"):
        ran(pool, refused, tmp_path, [1, 1])
    assert (tmp_path / "tries").read_text().splitlines() in (["1"], ["1", "1"])  # the other may have begun


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="only Linux tells a process's threads")
def test_a_process_computes_with_the_threads_it_was_given():
    (few, fewer), (many, more) = (ran(Processes(1, threads=n), threads, None, [0])[0] for n in (1, 4))
    assert (few, many) == ("1", "4")
    assert fewer + 3 <= more


def test_a_task_whose_process_is_lost_begins_anew(away, tmp_path):
    assert ran(away, lost_once, tmp_path, [0, 1, 2]) == {0: 0, 1: 10, 2: 20}


def test_a_task_that_ends_its_process_each_time_is_given_up_in_one_line(away):
    with pytest.raises((RunError, ClusterError), match=r"^task 0: [^\n]*times[^\n]*$"):
        ran(away, always_lost, None, [0])


@pytest.mark.parametrize(
    ("function", "told"),
    [(surprised, r"ZeroDivisionError: a mistake"), (unsendable, r"(PicklingError|TypeError|AttributeError): .*")],
    ids=["raised", "unsendable"],
)
def test_a_surprise_is_tried_again_and_then_told_in_one_line(away, tmp_path, function, told):
    with pytest.raises((RunError, ClusterError), match=rf"^task 0: failed( \d times)?: {told}$") as error:
        ran(away, function, tmp_path, [0])
    assert "\n" not in str(error.value)
    tries = len((tmp_path / "tries").read_text().splitlines())
    assert tries > 1 or function is unsendable  # Ray does not try that again
    assert (f"failed {tries} times" if tries > 1 else "failed: ") in str(error.value)


def test_what_all_share_is_sent_once_a_process(tmp_path):
    counted = Counted(tmp_path / "sent")
    assert ran(Processes(2, threads=1), once, counted, range(6)) == {number: number for number in range(6)}
    assert counted.file.read_text() == "xx"


@pytest.mark.slow
def test_what_all_share_is_put_into_the_cluster_once(joined, tmp_path):
    counted = Counted(tmp_path / "sent")
    assert ran(RayPool(joined), once, counted, range(6)) == {number: number for number in range(6)}
    assert counted.file.read_text() == "x"


def test_who_stops_listening_ends_what_runs(away, tmp_path):
    results = away.run(slow, tmp_path, [0, 1], ["one", "two"], Watch())
    assert next(results) == (0, 0)
    started = time.monotonic()
    results.close()
    assert time.monotonic() - started < 600  # the other task would take an hour


@pytest.mark.slow
def test_more_cores_than_any_machine_has_are_refused_at_once(joined):
    told = r"^threads \(--threads\): expected at most 1 for the cluster's largest machine, got 9$"
    with pytest.raises(ClusterError, match=told):
        ran(RayPool(joined, threads=9), scaled, np.arange(5), [1])


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="only Linux tells the signals a process is deaf to")
def test_a_process_is_deaf_to_interrupts_from_its_first_moment_on():
    def deaf(pid):
        masks = dict(
            line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "Sig" in line
        )
        return bool((int(masks["SigBlk"], 16) | int(masks["SigIgn"], 16)) >> (signal.SIGINT - 1) & 1)

    worker = _Worker(1, once, None)
    try:
        assert deaf(worker.process.pid)
        assert not deaf(os.getpid())
    finally:
        worker.end()
