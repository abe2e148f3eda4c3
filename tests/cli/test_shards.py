"""``digitwise read --out DIR``: what it says, leaves and leaves with."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.reading.shards import digits, parts, png, rows, write_pixels, write_tar
from tests.templates import printed


@pytest.fixture
def source(tmp_path):
    """Two tables, 500 images."""
    folder = tmp_path / "archive"
    folder.mkdir()
    write_pixels(folder / "s2.parquet", digits(300))
    write_pixels(folder / "s10.parquet", digits(200, seed=1))
    return folder


@pytest.mark.slow
def test_sigterm_leaves_whole_shards_and_the_manifest_only(source, tmp_path, model_file):
    for number in range(20):
        write_pixels(source / f"more{number}.parquet", digits(20_000, seed=number), 20_000)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "digitwise", "read", source, "--out", out, "--model", model_file, "--threads", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not parts(out) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    told = process.communicate(timeout=300)[1]
    assert process.returncode == 143
    assert "what was saved is whole" in told
    assert 0 < len(parts(out)) < 22
    assert sorted(os.listdir(out)) == ["manifest.json", *(part.name for part in parts(out))]
    assert rows(out).num_rows > 0


def test_the_command_tells_what_failed_and_leaves_with_two(digitwise, source, model_file, tmp_path):
    archive = write_tar(tmp_path / "a.tar", {"0.png": png(1), "1.png": png(2)})
    archive.write_bytes(archive.read_bytes()[:700])
    arguments = ("read", source, archive, "--model", model_file, "--out", tmp_path / "out")
    result = digitwise(*arguments)
    assert result.code == 2
    assert "part-00002.parquet is missing: " in result.err
    assert "1 of 3 shards could not be read" in result.err
    write_tar(archive, {"0.png": png(1), "1.png": png(2)[:50]})
    result = digitwise(*arguments)
    assert result.code == 1
    assert "going on: 2 of 3 shards are there" in result.err
    assert "1 with an error; " in result.err
    assert " images/s, at most " in result.err
    result = digitwise(*arguments, "--fail-under", "100%")
    assert result.code == 1
    assert "finished before, nothing is missing of 3 shards" in result.err
    assert "(--fail-under)" in result.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--out", "rows", "--json"), "expected --out DIR without --json"),
        (("--out", "rows", "--numbers"), "expected --out DIR without --numbers"),
        (("--out", "rows", "--top", "--cluster", "auto"), "expected --cluster without --top"),
        (("--out", "rows", "--threads", "2", "--cluster", "auto"), "expected --cluster without --threads"),
        (("--out", "rows", "--overlay", "a.png"), "expected --out DIR without --overlay"),
        (("--out", "rows", "--show-input", "a.png"), "expected --out DIR without --show-input"),
        (("--out", "rows", "--expect", "8"), "expected --out DIR without --expect"),
        (("--out", "rows", "--template", "form.toml"), "expected --out DIR without --template"),
        (("--out", "rows", "--table", "t.csv"), "expected --out DIR without --table"),
        (("--out", "rows.csv", "--cluster", "auto"), "expected a folder for rows by --out DIR, got rows.csv"),
        (("--cluster", "auto"), "expected a folder for rows by --out DIR, got none"),
    ],
)
def test_what_does_not_go_with_shards_is_refused(digitwise, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    printed("1").save("one.png")
    result = digitwise("read", "one.png", *arguments)
    assert result.code == 2
    assert told in result.err
    assert len(result.err.splitlines()) == 1
    assert os.listdir() == ["one.png"]


def test_a_name_that_ends_in_a_slash_is_a_folder(digitwise, source, model_file, tmp_path):
    assert digitwise("read", source, "--model", model_file, "--out", f"{tmp_path}/rows.v2/").code == 0
    assert len(parts(tmp_path / "rows.v2")) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-", "--out", "rows"), "-: expected files or folders to be read into --out DIR, got the standard input"),
        (("a.png", "--out", ""), "--out: expected the name of a file or folder, got an empty one"),
    ],
)
def test_names_of_nothing_are_refused(digitwise, arguments, told):
    result = digitwise("read", *arguments)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert told in result.err


def test_without_its_library_nothing_is_begun(digitwise, tmp_path, monkeypatch):
    printed("1").save(tmp_path / "one.png")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    result = digitwise("read", tmp_path / "one.png", "--out", tmp_path / "rows")
    assert result.code == 2
    assert 'pip install "digitwise[formats]"' in result.err
    assert not (tmp_path / "rows").exists()


def test_an_address_where_no_cluster_is_leaves_nothing(digitwise, source, tmp_path):
    result = digitwise("read", source, "--out", tmp_path / "rows", "--cluster", "127.0.0.1:9")
    assert result.code == 2
    assert "127.0.0.1:9: no cluster answers there" in result.err
    assert not (tmp_path / "rows").exists()
