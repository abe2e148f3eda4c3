import tarfile
import time

import numpy as np
import pyarrow.parquet as pq

from benchmarks import scale

IMAGES = np.arange(3 * 28 * 28, dtype=np.uint64).reshape(3, 28, 28).astype(np.uint8)
LABELS = np.array([4, 5, 6])
ROWS = [
    {"what": "read", "way": "one", "n": "90", "seconds": "3", "per_second": "30", "peak_gib": "0.5", "cpu": "x"},
    {"what": "read", "way": "Ray", "n": "90", "seconds": "2", "per_second": "45", "peak_gib": "1.5", "cpu": "x"},
]


def test_parquet_has_the_images_over_and_over(tmp_path):
    scale.write_parquet(tmp_path / "set", IMAGES, LABELS, 10, each=4)
    tables = [pq.read_table(file) for file in sorted((tmp_path / "set").iterdir())]
    assert [len(table) for table in tables] == [4, 4, 2]
    assert [label for table in tables for label in table["label"].to_pylist()] == [4, 5, 6, 4, 5, 6, 4, 5, 6, 4]
    assert tables[1]["image"][1].as_py() == IMAGES[2].tobytes()


def test_moved_images_keep_their_ink_and_their_label(tmp_path):
    scale.write_parquet(tmp_path / "set", IMAGES, LABELS, 60, moved=True)
    table = pq.read_table(tmp_path / "set")
    drawn = [np.frombuffer(row, np.uint8).reshape(28, 28) for row in table["image"].to_pylist()]
    for image, label in zip(drawn, table["label"].to_pylist(), strict=True):
        assert np.sort(image.reshape(-1)).tolist() == np.sort(IMAGES[label - 4].reshape(-1)).tolist()
    assert len({image.tobytes() for image in drawn}) > 30


def test_tars_have_a_image_and_a_class_each(tmp_path):
    scale.write_tars(tmp_path / "set", IMAGES, LABELS, 5, each=3)
    names = []
    for file in sorted((tmp_path / "set").iterdir()):
        with tarfile.open(file) as tar:
            names.append(tar.getnames())
    assert [len(each) for each in names] == [6, 4]
    assert names[1] == ["00000003.png", "00000003.cls", "00000004.png", "00000004.cls"]


def test_table_holds_each_way_against_the_first():
    assert scale.scale_table(ROWS).splitlines()[2:] == [
        "| read (90) | one | 3 | 30 | 1.00 | 0.5 |",
        "| read (90) | Ray | 2 | 45 | 1.50 | 1.5 |",
    ]


def test_memory_of_a_job_is_that_of_all_its_processes(monkeypatch):
    held = "b = bytearray(60 << 20)"
    inner = f"{held}; print(flush=True); input()"  # until the outer one has had its second beside it
    both = (
        f"import subprocess, sys, time; {held}; "
        f"p = subprocess.Popen([sys.executable, '-c', {inner!r}], stdin=-1, stdout=-1); "
        "p.stdout.readline(); time.sleep(1); p.communicate(b'\\n')"
    )
    monkeypatch.setattr(scale, "command", lambda *arguments: [scale.sys.executable, "-c", *arguments])
    monkeypatch.setattr(scale, "LOOK", 0.1)
    started = time.perf_counter()
    said, seconds, peak = scale.job(both)
    assert said == ""
    assert 1 < seconds <= time.perf_counter() - started
    assert peak > 120 / 1024
