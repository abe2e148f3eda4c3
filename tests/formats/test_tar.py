"""Shards as tar archives: what stands beside an image, and what cannot be read."""

import gzip
import io
import tarfile
import tracemalloc
from itertools import chain

import numpy as np
import pytest

from digitwise.errors import DataError
from digitwise.formats.listing import find_shards
from digitwise.formats.tar import blocks, count


def pack(path, members, mode="w", **options):
    with tarfile.open(path, mode, **options) as archive:
        for name, content in members:
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))
    return find_shards(str(path))[0]


PAIRS = [
    (f"set/{i:04}.{end}", b"%d" % (i % 3) if end == "cls" else b"P%d" % i) for i in range(25) for end in ("cls", "png")
]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("before", ["", "file://", "simplecache::file://"])
def test_images_come_with_the_labels_beside_them(tmp_path, name, before):
    pack(tmp_path / name, PAIRS, "w:gz" if name.endswith("gz") else "w")
    (shard,) = find_shards(f"{before}{tmp_path}")
    found = list(blocks(shard, 10, labels=True))
    assert [len(block) for block in found] == [10, 10, 5]
    assert list(chain.from_iterable(block.images for block in found)) == [b"P%d" % i for i in range(25)]
    assert list(chain.from_iterable(block.labels for block in found)) == [i % 3 for i in range(25)]
    assert found[2].names == [f"set/{i:04}.png" for i in range(20, 25)]
    assert count(shard) == 25


@pytest.mark.parametrize("mode", ["w:bz2", "w:xz"])
def test_other_compressions_are_read_too(tmp_path, mode):
    shard = pack(tmp_path / "a.tar", PAIRS, mode)
    assert sum(len(block) for block in blocks(shard, 10)) == count(shard) == 25


@pytest.mark.parametrize(
    ("members", "label"),
    [
        ([("a.cls", b"7\n")], 7),
        ([("a.txt", b"-3")], -3),
        ([("a.txt", "Käfer".encode())], "Käfer"),
        ([("a.json", b'{"label": 4, "width": 28}')], 4),
        ([("a.json", b'{"label": "cat"}')], "cat"),
        ([("a.txt", b"a caption"), ("a.json", b'{"label": 4}')], 4),
        ([("a.txt", b"a caption"), ("a.json", b'{"width": 4}'), ("a.cls", b"5")], 5),
        ([("a.seg.npy", b"\0"), ("a.cls", b"6")], 6),
    ],
)
def test_a_label_is_a_number_or_a_word_wherever_it_stands(tmp_path, members, label):
    first = pack(tmp_path / "first.tar", [*members, ("a.JPG", b"1")])
    last = pack(tmp_path / "last.tar", [("a.JPG", b"1"), *members])
    for shard in (first, last):
        (block,) = blocks(shard, 10, labels=True)
        assert (block.images, block.labels, block.names) == ([b"1"], [label], ["a.JPG"])


def test_images_of_one_key_share_its_label(tmp_path):
    members = [("a.left.png", b"1"), ("a.cls", b"8"), ("a.right.png", b"2"), ("b/a.png", b"3"), ("b/a.cls", b"9")]
    (block,) = blocks(pack(tmp_path / "a.tar", members), 10, labels=True)
    assert block.images == [b"1", b"2", b"3"]
    assert block.labels == [8, 8, 9]


def test_labels_can_be_read_alone(tmp_path):
    (block,) = blocks(pack(tmp_path / "a.tar", PAIRS), 100, labels=True, images=False)
    assert block.labels == [i % 3 for i in range(25)]
    assert block.images == [None] * 25
    assert block.errors == {}


def test_folders_links_and_hidden_members_are_passed_over(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, kind in [
            ("./d.png", tarfile.DIRTYPE),
            ("./link.png", tarfile.SYMTYPE),
            ("hard.png", tarfile.LNKTYPE),
        ]:
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "./a.png"
            archive.addfile(header)
        for name in ("./._a.png", ".cache/b.png", "./a.png", "notes.md"):
            header = tarfile.TarInfo(name)
            header.size = 1
            archive.addfile(header, io.BytesIO(b"x"))
    (shard,) = find_shards(str(tmp_path))
    (block,) = blocks(shard, 10)
    assert (block.names, block.images, block.labels) == (["./a.png"], [b"x"], None)
    assert count(shard) == 1


def test_an_oversized_image_is_not_read_but_has_its_place(tmp_path):
    members = [
        ("a.png", bytes(9)),
        ("a.cls", b"1"),
        ("b.png", bytes(11)),
        ("b.cls", b"2"),
        ("c.png", b"3"),
        ("c.cls", b"3"),
    ]
    (block,) = blocks(pack(tmp_path / "a.tar", members), 10, labels=True, largest=10)
    assert block.images == [bytes(9), None, b"3"]
    assert block.labels == [1, 2, 3]
    assert block.errors == {1: "expected an image of at most 10 bytes, got 11"}


def test_memory_is_that_of_a_block_whatever_the_archive_holds(tmp_path):
    big = np.random.default_rng(0).bytes(2**20)
    shard = pack(tmp_path / "a.tar", [(f"{i}.png", big) for i in range(80)])
    small = pack(tmp_path / "b.tar", [(f"{i}.png", b"") for i in range(5_000)])
    tracemalloc.start()
    try:
        assert [len(block) for block in blocks(shard, 1_000)] == [32, 32, 16]
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 72 * 2**20  # the block that is given and the one that is filled
        tracemalloc.reset_peak()
        assert sum(len(block) for block in blocks(small, 100)) == 5_000
        _, peak = tracemalloc.get_traced_memory()
        assert peak < 2e6  # 5,000 headers would be more
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.png", b"1"), ("b.cls", b"1")], r"a\.tar: a: expected a label beside a\.png, a \.cls"),
        ([("a.png", b"1"), ("b.cls", b"1"), ("a.cls", b"2")], r"a\.tar: a: expected a label beside"),
        ([("a.png", b"1"), ("a.json", b'{"width": 3}')], "expected a label beside"),
        ([("a.png", b"1"), ("a.cls", b" ")], "expected a label beside"),
        ([("a.png", b"1"), ("a.json", b"{")], r"a\.tar: a\.json: expected a label as text"),
        ([("a.png", b"1"), ("a.txt", b"\xff")], r"a\.tar: a\.txt: expected a label as text"),
        ([("a.png", b"1"), ("a.json", b'{"label": 0.5}')], r"expected a whole number or a word as label, got '0\.5'"),
        ([("a.cls", bytes(2**20 + 1))], "expected a label of at most 1,048,576 bytes, got 1,048,577"),
        ([(f"a.{i}.png", b"1") for i in range(1_001)], r"a\.tar: a: expected an image or few with one label"),
    ],
)
def test_what_is_wrong_with_a_label_is_told_with_shard_and_key(tmp_path, members, message):
    shard = pack(tmp_path / "a.tar", members)
    with pytest.raises(DataError, match=message) as told:
        list(blocks(shard, 10_000, labels=True))
    assert "\n" not in str(told.value)
    assert sum(map(len, blocks(shard, 10_000))) == count(shard)  # without labels nothing is wrong


MEMBERS = [(f"{i}.png", np.random.default_rng(i).bytes(3_000)) for i in range(5)]  # each 7 blocks of 512 bytes


@pytest.mark.parametrize("size", [0, 100, 512, 2_000, 7 * 512, 7 * 512 + 100, 8 * 512, 34 * 512, 35 * 512])
@pytest.mark.parametrize("before", ["", "file://"])
@pytest.mark.parametrize("packed", [False, True])
def test_an_archive_that_was_cut_is_noticed(tmp_path, size, before, packed):
    pack(tmp_path / "a.tar", MEMBERS)
    content = (tmp_path / "a.tar").read_bytes()[:size]
    (tmp_path / "a.tar").write_bytes(gzip.compress(content) if packed else content)
    (shard,) = find_shards(f"{before}{tmp_path}")
    for read in (lambda: list(blocks(shard, 10)), lambda: count(shard)):
        with pytest.raises(DataError, match=r"a\.tar: damaged tar: expected a whole archive, got: \S") as told:
            read()
        assert "\n" not in str(told.value)


def test_damage_between_members_is_no_end(tmp_path):
    shard = pack(tmp_path / "a.tar", MEMBERS)
    content = bytearray((tmp_path / "a.tar").read_bytes())
    content[14 * 512 + 3] ^= 1  # the third header
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.tar: damaged tar: .*bad checksum"):
        count(shard)


def test_a_packed_archive_is_checked_to_its_end(tmp_path):
    pack(tmp_path / "a.tar", MEMBERS)
    content = bytearray(gzip.compress((tmp_path / "a.tar").read_bytes()))
    for place, message in ((-8, "CRC check failed"), (9_000, "damaged tar")):
        damaged = content.copy()
        damaged[place] ^= 1
        (tmp_path / "a.tar").write_bytes(damaged)
        with pytest.raises(DataError, match=message):
            list(blocks(find_shards(str(tmp_path))[0], 10))


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "a.tar").write_bytes(b"no archive" * 100)
    with pytest.raises(DataError, match=r"a\.tar: damaged tar"):
        count(find_shards(str(tmp_path))[0])


def test_a_name_without_an_end_is_not_held(tmp_path):
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**33
    (tmp_path / "a.tar").write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    with pytest.raises(DataError, match=r"a header of 8,589,934,592 bytes"):
        count(find_shards(str(tmp_path))[0])


def test_images_behind_an_empty_header_are_not_lost_silently(tmp_path):
    shard = pack(tmp_path / "a.tar", PAIRS)
    whole = (tmp_path / "a.tar").read_bytes()
    erased = bytearray(whole)
    erased[20 * 1024 : 20 * 1024 + 512] = bytes(512)
    for content in (bytes(erased), whole + whole):
        (tmp_path / "a.tar").write_bytes(content)
        with pytest.raises(DataError, match=r"a.tar: damaged tar: .* more behind its end"):
            list(blocks(shard, 10))
