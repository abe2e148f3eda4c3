"""Trainings on a real cluster that loses workers and machines."""

import os
import signal
import socket
import time

import pytest

import digitwise.cluster.pool as module
from digitwise.cluster import connect
from digitwise.cluster.connect import connected
from digitwise.cluster.pool import RayPool
from digitwise.errors import ClusterError
from digitwise.training.watch import Watch
from tests.cluster.nodes import cluster_of

pytestmark = pytest.mark.slow  # a cluster of two nodes takes minutes

WITHOUT = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "digitwise":
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Without())
"""


def patient(shared, task, watch):
    """Wait until told to go on; leave one's process behind for others to end."""
    (shared / f"{task}-{os.getpid()}").touch()
    while not (shared / "go").exists():
        time.sleep(0.05)
    return task * 10


def waiting(folder, n):
    """The process of each task, when so many have begun."""
    for _ in range(6000):
        found = {}
        for file in folder.iterdir():
            task, _, pid = file.name.partition("-")
            found[int(task)] = int(pid)
        if len(found) >= n:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{found} began")


class Losing(Watch):
    """Does something to the cluster once two tasks run, then lets all go on."""

    def __init__(self, folder, lose):
        self.folder, self.lose, self.begun = folder, lose, set()

    def on_task(self, name):
        self.begun.add(name)
        if len(self.begun) == 2:
            self.lose(waiting(self.folder, 2))
            (self.folder / "go").touch()
        return self


def ran(ray, folder, lose):
    results = RayPool(ray).run(patient, folder, [0, 1, 2], ["a", "b", "c"], Losing(folder, lose))
    return dict(results)


def test_a_worker_that_is_killed_costs_no_result(two_nodes, tmp_path):
    with connected(two_nodes.address) as ray:
        found = ran(ray, tmp_path, lambda began: os.kill(began[1], signal.SIGKILL))
    assert found == {0: 0, 1: 10, 2: 20}
    assert len([file for file in tmp_path.iterdir() if file.name.startswith("1-")]) == 2  # it began anew


def test_a_machine_that_is_lost_costs_no_result(tmp_path):
    with cluster_of(2) as cluster, connected(cluster.address) as ray:
        other = next(iter(cluster.worker_nodes))
        found = ran(ray, tmp_path, lambda _: cluster.remove_node(other))
        assert found == {0: 0, 1: 10, 2: 20}
        assert sum(node["Alive"] for node in ray.nodes()) == 1


def test_a_cluster_without_this_package_is_told_in_one_line(two_nodes, tmp_path, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    monkeypatch.setattr(module, "thread_limits", lambda threads: {"PYTHONPATH": str(tmp_path)})
    with (
        connected(two_nodes.address) as ray,
        pytest.raises(ClusterError, match=r"^a: failed[^\n]*: digitwise is not installed on each machine[^\n]*$"),
    ):
        dict(RayPool(ray).run(patient, tmp_path, [0], ["a"], Watch()))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:1", r"^127.0.0.1:1: no cluster answers there: .*Connection refused"),
        ("nobody", r"^cluster \(--cluster\): expected auto or HOST:PORT .* got 'nobody'$"),
        ("ray://127.0.0.1:1", r"^cluster \(--cluster\): expected auto or HOST:PORT"),
    ],
)
def test_an_address_without_a_cluster_is_told_before_ray_is_asked(address, told, monkeypatch):
    monkeypatch.setattr(connect.subprocess, "run", lambda *_, **__: pytest.fail("Ray was asked"))
    with pytest.raises(ClusterError, match=told), connected(address):
        pass


def test_something_else_that_answers_is_told_after_a_short_patience(monkeypatch):
    assert connect.ANSWERED < 10
    monkeypatch.setattr(connect, "ANSWERED", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterError, match=r"answers there, but not Ray within 1 s"), connected(address):
            pass


def test_auto_takes_the_cluster_that_the_environment_names(two_nodes, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", two_nodes.address)
    with connected("auto") as ray:
        assert ray.get_runtime_context().gcs_address == two_nodes.address


def test_who_asks_is_ended_in_its_own_way(two_nodes):
    before = signal.getsignal(signal.SIGTERM)
    with connected(two_nodes.address):
        assert signal.getsignal(signal.SIGTERM) is before  # Ray's own would leave without cleaning up


def test_a_program_that_has_joined_stays_where_it_is(two_nodes):
    with connected(two_nodes.address) as ray:
        with connected("auto"):
            pass
        assert ray.is_initialized()
