"""Which files are shards, in which order, here and behind an address."""

import sys

import pytest

from digitwise.addresses import opened
from digitwise.errors import DataError, MissingPartError
from digitwise.formats.listing import Shard, find_shards


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "set"
    place.mkdir()
    for name in ("part-10.parquet", "part-2.parquet", "Part-1.TAR", "z.tar.gz", ".hidden.parquet", "notes.txt"):
        (place / name).write_bytes(name.encode())
    (place / "deeper.tar").mkdir()
    return place


ORDER = ["Part-1.TAR", "part-2.parquet", "part-10.parquet", "z.tar.gz"]


@pytest.mark.parametrize("before", ["", "file://", "simplecache::file://"])
def test_the_shards_of_a_folder_come_in_the_order_of_their_numbers(folder, before):
    shards = find_shards(f"{before}{folder}")
    assert shards == [
        Shard(f"{before}{folder}/{name}", "parquet" if "parquet" in name else "tar", len(name)) for name in ORDER
    ]
    for shard, name in zip(shards, ORDER, strict=True):
        with opened(shard.path) as file:
            assert file.read() == name.encode()


@pytest.mark.parametrize("before", ["", "file://", "simplecache::file://"])
def test_a_file_is_a_shard_by_name_or_by_content(folder, before):
    assert find_shards(f"{before}{folder}/z.tar.gz") == [Shard(f"{before}{folder}/z.tar.gz", "tar", 8)]
    (folder / "noname").write_bytes(b"PAR1 and more")
    (folder / "archive").write_bytes(bytes(257) + b"ustar" + bytes(250))
    assert [find_shards(f"{before}{folder}/{name}")[0].kind for name in ("noname", "archive")] == ["parquet", "tar"]
    with pytest.raises(DataError, match=r"notes\.txt: expected Parquet .* got a file that is neither"):
        find_shards(f"{before}{folder}/notes.txt")


@pytest.mark.parametrize("before", ["", "file://", "simplecache::file://"])
def test_nothing_to_be_found_is_told_in_one_line(tmp_path, before):
    with pytest.raises(DataError, match=r"expected Parquet .* in the folder, got none"):
        find_shards(f"{before}{tmp_path}")
    with pytest.raises(DataError, match=r"missing\.tar: expected Parquet .* of nothing; check it"):
        find_shards(f"{before}{tmp_path}/missing.tar")
    with (
        pytest.raises(DataError, match=r"missing\.tar: expected .*, got"),
        opened(f"{before}{tmp_path}/missing.tar"),
    ):
        pass


def test_an_address_of_an_unknown_kind_is_told_in_one_line():
    with pytest.raises(DataError, match=r"carrier-pigeon://a: expected an address that can be read, got: Protocol"):
        find_shards("carrier-pigeon://a")


def test_a_file_below_an_archive_has_an_address_too(folder):
    import zipfile

    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        archive.writestr("in/b10.tar", b"ten")
        archive.writestr("in/b9.tar", b"nine")
    shards = find_shards(f"zip://in::file://{folder}/all.zip")
    assert [shard.path.split("::")[0] for shard in shards] == ["zip://in/b9.tar", "zip://in/b10.tar"]
    with opened(shards[0].path) as file:
        assert file.read() == b"nine"


def test_an_address_without_fsspec_gets_the_line_that_installs_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingPartError, match=r'needs fsspec: pip install "digitwise\[formats\]"'):
        find_shards(f"file://{folder}")
    assert len(find_shards(str(folder))) == 4  # files here need none


def test_an_address_whose_library_is_missing_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingPartError, match=r"s3://bucket/set: this address needs one more library: .*s3fs") as told:
        find_shards("s3://bucket/set")
    assert "\n" not in str(told.value)
