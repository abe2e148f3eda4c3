"""Reading on a real cluster of two nodes that loses workers, machines and the process that asked."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from digitwise.addresses import folder_of
from digitwise.cli.main import main
from digitwise.cluster import pool
from digitwise.cluster.connect import connected
from digitwise.cluster.readers import RayReaders
from digitwise.errors import ClusterError
from digitwise.reading.shards import plan as planning
from digitwise.reading.shards.work import InHere, run_shards
from tests.cluster.folders import Deadly, Elsewhere, Waiting
from tests.reading.shards import digits, parts, rows, times, write_files, write_pixels, write_tar
from tests.reading.shards import png as drawn

pytestmark = pytest.mark.slow  # a cluster of two nodes takes minutes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def joined(two_nodes):
    """Ray, joined once by this process: which takes longer than a job."""
    with connected(two_nodes.address) as ray:
        yield ray


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Two tables, images and an archive: seven shards, one image of them broken."""
    monkeypatch.setattr(planning, "ROWS", 2_000)
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(drawn(number))
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return [
        str(write_pixels(tmp_path / "a.parquet", digits(5_000), 1_000)),
        str(write_files(tmp_path / "b.parquet", [drawn(number) for number in range(8)], 3)),
        str(folder),
        str(write_tar(tmp_path / "c.tar", {f"{number}.png": drawn(number) for number in range(9)})),
    ]


@pytest.fixture
def choices(model_file):
    return {"model": model_file, "max_pixels": 10_000_000}


def waiting_in(tmp_path, folder="out"):
    signs = tmp_path / "signs"
    signs.mkdir()
    return Waiting(folder, str(tmp_path / folder), str(signs)), signs


def once_two_write(signs, lose):
    """Lose something while two shards are being written, in a thread; then let all go on."""

    def watch():
        until = time.monotonic() + 300
        while len(os.listdir(signs)) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        lose([int(name.rpartition("-")[2]) for name in sorted(os.listdir(signs))])
        (signs / "go").touch()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def same_as_here(out, sources, choices, tmp_path):
    run_shards(sources, folder_of(str(tmp_path / "here")), InHere(1), **choices)
    assert sorted(os.listdir(out)) == sorted(os.listdir(tmp_path / "here"))
    assert rows(out).equals(rows(tmp_path / "here"))


@pytest.mark.usefixtures("joined")
def test_a_worker_that_is_killed_costs_no_row_and_doubles_none(sources, choices, tmp_path):
    place, signs = waiting_in(tmp_path)
    thread = once_two_write(signs, lambda pids: os.kill(pids[0], signal.SIGKILL))
    summary = run_shards(sources, place, RayReaders("auto"), **choices)
    thread.join()
    assert (summary.failed, summary.counts.rows, summary.counts.error) == ({}, 5_022, 1)
    assert summary.peak_bytes > 10_000_000
    assert len([name for name in os.listdir(signs) if name != "go"]) == summary.shards + 1  # one began anew
    same_as_here(tmp_path / "out", sources, choices, tmp_path)


@pytest.mark.usefixtures("joined")
def test_a_shard_that_kills_each_worker_is_given_up_alone(choices, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "RETRIES", 1)
    sources = [str(write_pixels(tmp_path / f"{number}.parquet", digits(50, seed=number))) for number in range(3)]
    place = Deadly("out", str(tmp_path / "out"), "part-00001.parquet")
    summary = run_shards(sources, place, RayReaders("auto"), **choices)
    assert list(summary.failed) == [1]
    assert "1.parquet, rows 0 to 49: its worker was lost each time" in summary.failed[1]
    assert summary.counts.rows == 100
    assert sorted(os.listdir(tmp_path / "out")) == ["manifest.json", "part-00000.parquet", "part-00002.parquet"]


def test_a_machine_that_is_lost_costs_no_row_and_doubles_none(two_nodes, joined, sources, choices, tmp_path):
    place, signs = waiting_in(tmp_path)
    other = next(iter(two_nodes.worker_nodes))
    thread = once_two_write(signs, lambda _: two_nodes.remove_node(other))
    try:
        summary = run_shards(sources, place, RayReaders("auto"), **choices)
        thread.join()
        assert sum(node["Alive"] for node in joined.nodes()) == 1
    finally:
        two_nodes.add_node(num_cpus=1)
        two_nodes.wait_for_nodes()
    assert (summary.failed, summary.counts.rows) == ({}, 5_022)
    same_as_here(tmp_path / "out", sources, choices, tmp_path)


DRIVER = """
import sys
from digitwise.cluster.readers import RayReaders
from digitwise.reading.shards.work import run_shards
from tests.cluster.folders import Waiting

address, sources, out, signs, model = sys.argv[1:]
place = Waiting(out, out, signs, ("manifest.json", "part-00001.parquet", "part-00003.parquet"))
run_shards([sources], place, RayReaders(address), model=model, max_pixels=50_000_000)
"""


@pytest.mark.usefixtures("joined")
def test_a_job_whose_asker_is_killed_is_finished_by_the_next_one(two_nodes, choices, tmp_path, capsys):
    sources, out, signs = tmp_path / "sources", tmp_path / "out", tmp_path / "signs"
    sources.mkdir()
    signs.mkdir()
    for number in range(6):
        write_pixels(sources / f"{number}.parquet", digits(300, seed=number))
    arguments = [two_nodes.address, sources, out, signs, choices["model"]]
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, *map(str, arguments)], cwd=ROOT)
    until = time.monotonic() + 300
    while (len(os.listdir(signs)) < 2 or len(parts(out)) < 1) and time.monotonic() < until:
        assert driver.poll() is None
        time.sleep(0.02)
    driver.kill()
    driver.wait()
    kept = times(out)
    assert 0 < len(kept) <= 2

    code = main(
        ["read", str(sources), "--cluster", two_nodes.address, "--out", str(out), "--model", str(choices["model"])]
    )
    assert code == 0
    told = capsys.readouterr().err
    assert f"going on: {len(kept)} of 6 shards are there" in told
    assert "1,800 images: " in told
    assert "MB of memory in a worker" in told
    assert kept.items() <= times(out).items()
    same_as_here(out, [str(sources)], choices, tmp_path)


@pytest.mark.usefixtures("joined")
def test_a_folder_that_workers_do_not_see_is_refused(sources, choices, tmp_path):
    place = Elsewhere("out", str(tmp_path / "out"))
    with pytest.raises(ClusterError, match=r"out: a machine .* does not see its manifest.json: .* share no such"):
        run_shards(sources, place, RayReaders("auto"), **choices)
    assert os.listdir(tmp_path / "out") == ["manifest.json"]
