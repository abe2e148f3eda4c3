"""Reading shard by shard in this process: what becomes of a source, of a folder and of what is wrong in them."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from digitwise.addresses import folder_of
from digitwise.errors import DataError
from digitwise.reading.jobs import Job, read_set
from digitwise.reading.reader import Reader
from digitwise.reading.rows import arrow_schema, sink_to
from digitwise.reading.shards import plan as planning
from digitwise.reading.shards.manifest import KEY, sweep
from digitwise.reading.shards.plan import plan
from digitwise.reading.shards.shard import ShardRows
from digitwise.reading.shards.work import InHere, run_shards
from digitwise.temporaries import temporary_name
from tests.reading.shards import digits, parts, png, rows, times, write_files, write_pixels, write_tar
from tests.templates import write_model


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(planning, "ROWS", 2_000)
    monkeypatch.setattr(planning, "FILES", 4)


@pytest.fixture
def source(tmp_path):
    """Two tables of five shards, 5,000 images."""
    folder = tmp_path / "archive"
    folder.mkdir()
    write_pixels(folder / "s2.parquet", digits(3_500), 700)
    write_pixels(folder / "s10.parquet", digits(1_500, seed=1), 900)
    return folder


@pytest.fixture
def read(model_file, tmp_path):
    def call(*sources, out=None, **choices):
        place = folder_of(str(out or tmp_path / "out"))
        choices = {"model": model_file, "max_pixels": 10_000_000} | choices
        return run_shards([str(each) for each in sources], place, InHere(1), **choices)

    return call


def test_tables_are_cut_by_row_groups_in_natural_order(source):
    cuts = plan([str(source)])
    assert [os.path.basename(cut.source) for cut in cuts] == ["s2.parquet"] * 3 + ["s10.parquet"]
    assert [(cut.first, cut.rows, cut.groups) for cut in cuts] == [
        (0, 1_400, (0, 2)),
        (1_400, 1_400, (2, 4)),
        (2_800, 700, (4, 5)),
        (0, 1_500, (0, 2)),
    ]
    assert plan([str(source)]) == cuts


def test_a_huge_row_group_is_one_shard(tmp_path):
    write_pixels(tmp_path / "one.parquet", digits(5_000), 5_000)
    assert [cut.rows for cut in plan([str(tmp_path / "one.parquet")])] == [5_000]


def test_images_of_a_folder_go_together_in_natural_order(tmp_path):
    for number in range(9):
        (tmp_path / f"scan{number + 3}.png").write_bytes(png(1))
    cuts = plan([str(tmp_path)])
    assert [len(cut.files) for cut in cuts] == [4, 4, 1]
    assert [os.path.basename(cut.files[0]) for cut in cuts] == ["scan3.png", "scan7.png", "scan11.png"]


def plainly_read(sources, model_file, out):
    """What ``digitwise read --single --out x.parquet`` writes."""
    reader = Reader(model_file, threads=1, max_pixels=10_000_000)
    with sink_to(out) as sink:
        for source in sources:
            if source.suffix == ".parquet":
                found = (row for part in read_set(reader, source)[2] for row in part.rows())
            else:
                found = Job(reader, "single").run([str(source)])
            for each in found:
                sink(each)
    return pq.read_table(out)


def test_what_was_read_is_what_the_plain_reader_writes(read, source, model_file, tmp_path):
    assert read(source).counts.rows == 5_000
    files = [source / "s2.parquet", source / "s10.parquet"]
    assert rows(tmp_path / "out").equals(plainly_read(files, model_file, tmp_path / "plain.parquet"))


def test_the_errors_to_expect_are_summed_up_from_finished_shards_too(read, source, tmp_path):
    fresh = read(source).counts
    table = rows(tmp_path / "out").to_pandas()
    confidence = table.confidence[table.status == "read"]
    assert len(confidence) > 0
    assert fresh.expected_errors == pytest.approx((1 - confidence).sum(), abs=1e-3)
    assert fresh.variance == pytest.approx((confidence * (1 - confidence)).sum(), abs=1e-3)
    assert read(source).counts == fresh


def test_files_in_a_table_and_in_a_folder_are_read_as_the_plain_reader_does(read, model_file, tmp_path):
    contents = [png(digit) for digit in range(10)]
    contents[3], contents[5] = contents[3][:60], None
    table = write_files(tmp_path / "files.parquet", contents, 4)
    files = [tmp_path / "folder" / f"{number}.png" for number in range(10)]
    files[0].parent.mkdir()
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content or b"")
    for source, inside in ((table, [table]), (files[0].parent, files)):
        out = tmp_path / f"out-{source.name}"
        summary = read(source, out=out)
        assert (summary.counts.rows, summary.counts.error, summary.failed) == (10, 2, {})
        assert rows(out).equals(plainly_read(inside, model_file, tmp_path / "plain.parquet"))


def test_rows_without_pixels_are_read_as_the_plain_reader_does(read, model_file, tmp_path):
    pixels = [None if row in (0, 7, 19) else image.tobytes() for row, image in enumerate(digits(20))]
    table = tmp_path / "raw.parquet"
    pq.write_table(pa.table({"image": pa.array(pixels, pa.binary(784))}), table, row_group_size=9)
    assert (read(table).counts.rows, read(table).counts.error) == (20, 3)
    found = rows(tmp_path / "out")
    assert [row for row, error in enumerate(found["error"].to_pylist()) if error is not None] == [0, 7, 19]
    assert found.equals(plainly_read([table], model_file, tmp_path / "plain.parquet"))


def test_a_pdf_among_images_is_a_row_that_tells_what_to_do(read, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "in" / "b.png").write_bytes(png(1))
    assert read(tmp_path / "in").counts.error == 1
    assert rows(tmp_path / "out")["error"].to_pylist() == [
        "expected an image of one digit, got a PDF; read it by itself, without --out DIR",
        None,
    ]


def test_a_image_in_an_archive_is_named_by_it(read, tmp_path):
    archive = write_tar(tmp_path / "a.tar", {"0.png": png(4), "0.cls": b"4", "sub/1.png": png(7), "2.png": b"no"})
    summary = read(archive)
    found = rows(tmp_path / "out").to_pylist()
    assert [(row["path"], row["row"], row["label"], row["status"]) for row in found] == [
        (f"{archive}/0.png", 0, "4", "read"),
        (f"{archive}/sub/1.png", 1, "7", "read"),
        (f"{archive}/2.png", 2, None, "error"),
    ]
    assert found[2]["error"].startswith("not an image: ")
    assert (summary.counts.read, summary.counts.error) == (2, 1)


def test_the_manifest_names_the_job_and_its_shards(read, source, tmp_path):
    read(source, max_error=0.01)
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert told["format"] == 1
    assert told["job"]["max_error"] == 0.01
    assert [shard["part"] for shard in told["shards"]] == [part.name for part in parts(tmp_path / "out")]
    assert sum(shard["rows"] for shard in told["shards"]) == 5_000
    assert {shard["size"] for shard in told["shards"]} == {file.stat().st_size for file in source.iterdir()}
    footer = json.loads(pq.read_metadata(parts(tmp_path / "out")[1]).metadata[KEY.encode()])
    assert (footer["job"], footer["shard"], footer["rows"]) == (told["job"]["id"], 1, 1_400)
    assert footer["read"] + footer["unsure"] + footer["blank"] == 1_400


@pytest.mark.parametrize("how", ["missing", "truncated", "of another shard"])
def test_only_what_is_not_whole_is_done_again(read, source, tmp_path, how):
    read(source)
    out = tmp_path / "out"
    before, kept = rows(out), times(out)
    lost = parts(out)[1]
    if how == "missing":
        lost.unlink()
    elif how == "truncated":
        lost.write_bytes(lost.read_bytes()[:-100])
    else:
        lost.write_bytes(parts(out)[2].read_bytes())
    temporary_name(out / "part-00001.parquet").write_bytes(b"left by a killed writer")
    summary = read(source)
    assert (summary.earlier, summary.fresh, summary.counts.rows) == (3, 1_400, 5_000)
    assert rows(out).equals(before)
    assert {name for name, time in times(out).items() if kept[name] == time} == kept.keys() - {lost.name}
    assert sorted(os.listdir(out)) == ["manifest.json", *sorted(kept)]
    assert read(source).fresh == 0


def test_what_killed_writers_left_is_swept_and_makes_no_folder_another_jobs(read, source, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    for name in "manifest.json", "part-00001.parquet":
        temporary_name(out / name).write_bytes(b"left by a killed writer")
    (out / ".digitwise-mine.parquet").write_bytes(b"of no writer")
    with pytest.raises(DataError, match=r"got one with \.digitwise-mine\.parquet"):
        read(source)
    sweep(folder_of(str(out)))
    assert os.listdir(out) == [".digitwise-mine.parquet"]
    (out / ".digitwise-mine.parquet").unlink()
    temporary_name(out / "manifest.json").write_bytes(b"left by a killed writer")
    assert read(source).fresh == 5_000


def test_another_jobs_folder_is_refused_and_left_alone(read, source, tmp_path):
    read(source)
    out = tmp_path / "out"
    before = times(out), (out / "manifest.json").read_bytes()
    other = write_model(tmp_path / "other.onnx", batch="m")
    with pytest.raises(DataError, match=r"out: .* another's: model_sha256 .* there, .* here; choose another"):
        read(source, model=other)
    with pytest.raises(DataError, match=r"max_error null there, 0.01 here"):
        read(source, max_error=0.01)
    with pytest.raises(DataError, match=r"4 shards there, 3 here"):
        read(source / "s2.parquet")
    changed = source / "s10.parquet"
    os.utime(changed, (changed.stat().st_atime, changed.stat().st_mtime + 1))  # as an image of the same size does
    with pytest.raises(DataError, match=r"part-00003.parquet of .*s10.parquet: version \S+ there, \S+ here"):
        read(source)
    write_pixels(source / "s10.parquet", digits(1_500, seed=2), 900)
    with pytest.raises(DataError, match=r"part-00003.parquet of .*s10.parquet: size \d+ there, \d+ here"):
        read(source)
    assert (times(out), (out / "manifest.json").read_bytes()) == before


def test_a_folder_of_something_else_is_refused(read, source, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(DataError, match=r"expected an empty folder, .* got one with thesis.txt"):
        read(source)
    for content in ("{}", "[" * 100_000):
        (tmp_path / "out" / "manifest.json").write_text(content)
        with pytest.raises(DataError, match=r"expected a manifest.json of digitwise read, got something else"):
            read(source)
    assert sorted(os.listdir(tmp_path / "out")) == ["manifest.json", "thesis.txt"]


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda path: path.write_bytes(b"PAR1 but no more"), r"s5.parquet: damaged Parquet"),
        (lambda path: write_pixels(path, digits(3), column="thumb"), r"s5.parquet: .* as in .*s2.parquet, got .*thumb"),
    ],
    ids=["damaged", "other columns"],
)
def test_a_table_that_does_not_fit_is_named_before_any_work(read, source, tmp_path, write, told):
    write(source / "s5.parquet")
    with pytest.raises(DataError, match=told):
        read(source)
    assert not (tmp_path / "out").exists()


def test_images_beside_shards_are_not_passed_over(read, source):
    (source / "a.png").write_bytes(png(1))
    with pytest.raises(DataError, match=r"got 1 images and 2 shards"):
        read(source)


def test_a_shard_that_breaks_half_way_fails_alone_and_is_fixed_alone(read, source, tmp_path):
    archive = write_tar(tmp_path / "a.tar", {f"{number}.png": png(number % 10) for number in range(40)})
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    summary = read(source, archive)
    assert list(summary.failed) == [4]
    assert "a.tar: damaged tar" in summary.failed[4]
    assert summary.counts.rows == 5_000
    kept = times(tmp_path / "out")
    assert len(kept) == 4
    archive.write_bytes(whole)
    summary = read(source, archive)
    assert (summary.failed, summary.fresh, summary.counts.rows) == ({}, 40, 5_040)
    assert kept.items() <= times(tmp_path / "out").items()


def test_rows_are_typed_as_the_plain_sink_types_them(model_file):
    answers, places, errors = Reader(model_file).answers_each([b"", b""])
    found = ShardRows("x", answers, 5, places, errors)
    assert found.batch().schema == arrow_schema()
    assert found.batch().column("row").to_pylist() == [5, 6]
    assert found.counts.error == 2


def test_an_address_is_read_and_written(read, tmp_path):
    folder = tmp_path / "there"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(png(number))
    out = tmp_path / "behind"
    summary = read(f"file://{folder}", out=f"file://{out}")
    assert (summary.shards, summary.counts.read) == (2, 6)
    assert rows(out).column("path").to_pylist() == [f"file://{folder}/{number}.png" for number in range(6)]
    parts(out)[0].unlink()
    assert read(f"file://{folder}", out=f"file://{out}").fresh == 4
