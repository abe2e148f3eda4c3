"""The command that reads: what it prints, writes and leaves with."""

import csv
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.templates import metadata, printed, two, write_model
from tests.test_decoding import stored

pytestmark = pytest.mark.usefixtures("numbers")


@pytest.fixture
def read(digitwise, model_file, tmp_path, monkeypatch):
    """Call ``digitwise read`` with the templates in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, model=model_file):
        return digitwise("read", *arguments, "--model", model)

    return call


@pytest.fixture
def scans(tmp_path):
    """Ten digits, a blank and a broken file."""
    folder = tmp_path / "scans"
    (folder / "below").mkdir(parents=True)
    for digit in range(8):
        printed(str(digit)).save(folder / f"scan{digit + 3}.png")
    printed("8").save(folder / "below" / "eight.jpg")
    printed("9").save(folder / ".hidden.png")
    Image.new("L", (60, 80), 240).save(folder / "blank.png")
    (folder / "broken.png").write_bytes(stored(printed("1"), "PNG")[:90])
    (folder / "notes.txt").write_text("not looked at")
    return folder


def unsure_digit():
    """Half a 3, half a 5."""
    mixed = np.asarray(printed("3").resize((80, 100)), float) + np.asarray(printed("5").resize((80, 100)), float)
    return Image.fromarray((mixed / 2).astype(np.uint8))


def test_one_digit_is_one_line(read):
    printed("7").save("seven.png")
    result = read("seven.png")
    assert (result.code, result.out, result.err) == (0, "seven.png  7  99.9 %\n", "")
    assert read("seven.png", "--top").out.startswith("seven.png  7  99.9 %, ")
    assert read("seven.png", "--top").out.count(",") == 2


def test_json_has_the_documented_shape(read):
    printed("7").save("seven.png")
    Image.new("L", (60, 80), 240).save("blank.png")
    unsure_digit().save("unsure.png")
    found = read("seven.png", "blank.png", "unsure.png", "missing.png", "--json", "--max-error", "0.1%")
    assert found.code == 1
    assert [list(row) for row in found.json] == [["path", "label", "confidence", "status"]] * 3 + [
        ["path", "label", "confidence", "status", "error"]
    ]
    assert [row["status"] for row in found.json] == ["read", "blank", "unsure", "error"]
    assert found.json[0]["confidence"] == pytest.approx(1, abs=0.01)
    assert found.json[1] == {"path": "blank.png", "label": None, "confidence": None, "status": "blank"}
    assert found.json[2]["label"] in "35"
    assert found.json[3]["error"] == "cannot be read: No such file or directory"
    with_top = read("seven.png", "--json", "--top").json[0]
    assert with_top["top"][0]["label"] == "7"
    assert len(with_top["top"]) == 3


def test_numbers_are_a_line_of_text_a_line_of_digits(read):
    two("7", "2").save("page.png")
    assert read("page.png", "--numbers").out == "72\n"
    found = read("page.png", "--numbers", "--json").json
    assert [list(row) for row in found] == [["path", "label", "lines", "numbers", "others", "turn", "table", "status"]]
    assert found[0]["label"] is None
    assert (found[0]["status"], found[0]["turn"], found[0]["others"]) == ("read", 0, [])
    (number,) = found[0]["numbers"]
    assert list(number) == ["text", "written", "confidence", "status", "box"]
    assert (number["text"], number["written"], number["status"]) == ("72", "72", "read")
    (line,) = found[0]["lines"]
    assert line["text"] == "72"
    assert [list(digit) for digit in line["digits"]] == [["label", "confidence", "status", "box"]] * 2
    width, height = two("7", "2").size
    assert line["digits"][1]["box"] == [width // 2, 0, width, height]


def test_a_digit_that_is_alone_is_the_label_whatever_the_mode(read):
    printed("7").save("seven.png")
    for mode in ((), ("--single",), ("--numbers",)):
        assert read("seven.png", *mode, "--json").json[0]["label"] == "7"
        read("seven.png", *mode, "--out", "rows.csv")
        assert Path("rows.csv").read_text().splitlines()[1].split(",")[3] == "7"


def test_a_page_that_cannot_be_read_has_no_lines(read):
    two("7", "2").save("page.png")
    save_sets()
    found = read("missing.png", "page.png", "set.npz", "--numbers", "--json")
    assert found.code == 1
    assert [len(row["lines"]) for row in found.json] == [0, 1, 0]
    reason = "cannot be read: No such file or directory"
    assert found.json[0] == {"path": "missing.png", "lines": [], "status": "error", "error": reason}


def test_several_pages_are_told_apart(read):
    two("7", "2").save("a.png")
    two("4", "4").save("b.png")
    Image.new("L", (400, 300), 220).save("blank.png")
    assert read("a.png", "b.png", "blank.png", "--numbers").out == "a.png  72\nb.png  44\nblank.png  blank\n"
    alone = read("blank.png", "--numbers")
    note = "--model reads single digits; numbers are read by the finder in the package\n"
    assert (alone.code, alone.out, alone.err) == (0, "", f"{note}blank.png: no digits found\n")


def test_unsure_digits_are_question_marks_in_text_and_marked_when_single(read):
    image = two("7", "1")
    image.paste(unsure_digit(), (image.width // 2, 0))
    image.save("page.png")
    unsure_digit().save("one.png")
    assert read("page.png", "--numbers", "--max-error", "0.1%").out == "7?\n"
    assert read("one.png", "--max-error", "0.1%").out.endswith(" %  unsure\n")


def test_what_is_on_a_image_decides_not_its_size(read):
    for name, image in {
        "single.png": printed("7"),
        "large.png": printed("7").resize((700, 900)),
        "wide.png": two("7", "2").resize((280, 120)),
        "small.png": two("7", "2").resize((56, 40)),
        "blank.png": Image.new("L", (800, 500), 230),
    }.items():
        image.save(name)
    of_lines = ["lines" in read(f"{name}.png", "--json").json[0] for name in ("single", "large", "wide", "small")]
    assert of_lines == [False, False, True, True]
    assert read("blank.png", "--json").json[0] == {
        "path": "blank.png",
        "label": None,
        "confidence": None,
        "status": "blank",
    }
    assert "lines" not in read("wide.png", "--single", "--json").json[0]
    assert "lines" in read("single.png", "--numbers", "--json").json[0]


def test_a_folder_is_read_in_the_order_of_people_and_a_broken_file_is_a_row(read, scans):
    result = read(scans, "--json", "--threads", 2)
    assert result.code == 1
    names = [row["path"].removeprefix(f"{scans}/") for row in result.json]
    assert names == ["below/eight.jpg", "blank.png", "broken.png", *(f"scan{n}.png" for n in range(3, 11))]
    assert [row["label"] for row in result.json] == ["8", None, None, *"01234567"]
    assert result.json[2]["error"].startswith("damaged image: ")
    assert "11 images: 9 read, 0 unsure, 1 blank, 1 with an error" in result.err


def test_much_work_is_shared_with_other_processes_and_comes_back_in_order(read, scans, monkeypatch):
    def told(result):  # how sure is for the finder to say, and other processes have another one than this
        return [(row["path"], row["label"], row["status"]) for row in result.json]

    alone = read(scans, "--json", "--threads", 1)
    monkeypatch.setattr("digitwise.reading.jobs.WORTH", 0)
    assert told(read(scans, "--json", "--single", "--threads", 2)) == told(alone)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_rows_of_many_files_are_written_in_order(read, scans, suffix):
    result = read(scans, "--out", f"rows.{suffix}", "--threads", 2)
    assert (result.code, result.out) == (1, "")
    assert f"written to rows.{suffix}" in result.err
    if suffix == "csv":
        with open("rows.csv", newline="") as file:
            rows = list(csv.DictReader(file))
    elif suffix == "jsonl":
        with open("rows.jsonl") as file:
            rows = [json.loads(line) for line in file]
    else:
        rows = pq.read_table("rows.parquet").to_pylist()
    assert [row["label"] or "" for row in rows] == ["8", "", "", *"01234567"]
    assert [row["status"] for row in rows] == ["read", "blank", "error", *["read"] * 8]
    assert rows[2]["error"].startswith("damaged image")
    assert float(rows[3]["confidence"]) > 0.9


def test_rows_of_pages_hold_their_text(read):
    two("7", "2").save("page.png")
    assert read("page.png", "--numbers", "--out", "rows.csv").code == 0
    with open("rows.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["path"], row["text"], row["status"], row["label"]) == ("page.png", "72", "read", "")


def test_rows_are_written_whole_or_not_at_all(read, scans, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device", "rows.csv")

    monkeypatch.setattr("digitwise.reading.rows.columns_of", broken)
    assert read(scans, "--out", "rows.csv").code == 2
    assert [path.name for path in scans.parent.iterdir()] == ["scans"]


def test_what_is_read_too_seldom_fails(read):
    printed("7").save("sure.png")
    unsure_digit().save("unsure.png")
    Image.new("L", (60, 80), 240).save("blank.png")
    files = ("sure.png", "unsure.png", "blank.png", "--max-error", "0.1%")
    assert read(*files, "--fail-under", "50%").code == 0
    result = read(*files, "--fail-under", "0.6")
    assert result.code == 1
    assert "expected 0.6 of the digits read surely (--fail-under), got 0.5000: 1 of 2" in result.err
    assert read("sure.png", "--fail-under", "100%").code == 0


def test_the_standard_input_is_a_image_or_a_pdf(read, monkeypatch):
    def given(content):
        monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(content)))

    given(stored(printed("3"), "PNG"))
    assert read("-").out == "-  3  99.9 %\n"
    given(stored(two("7", "2", 40), "PDF", resolution=100))
    assert read("-").out == "-, page 1  72\n"
    given(b"")
    assert read("-").out == "-  error  not an image: the file is empty; replace it\n"
    assert "expected the standard input once, got it twice" in read("-", "-").err


@pytest.mark.parametrize("kind", ["PNG", "PDF"])
def test_a_pipe_is_read_once(read, kind):
    ends = os.pipe()
    os.write(ends[1], stored(two("7", "2", 40), kind, **({"resolution": 100} if kind == "PDF" else {})))
    os.close(ends[1])
    try:
        assert read(f"/dev/fd/{ends[0]}", "--numbers").out.endswith("72\n")
    finally:
        os.close(ends[0])


def test_a_pipe_in_a_folder_is_not_waited_for(read, scans):
    os.mkfifo(scans / "pipe.png")
    os.symlink("nowhere", scans / "link.png")
    result = read(scans)
    assert "pipe.png" not in result.out
    assert "link.png  error  cannot be read" in result.out


def test_pages_of_a_pdf_are_rows(read):
    two("7", "2", 40).save("form.pdf", save_all=True, append_images=[two("1", "9", 40)], resolution=100)
    assert read("form.pdf").out == "form.pdf, page 1  72\nform.pdf, page 2  19\n"
    assert [(row["page"], row["lines"][0]["text"]) for row in read("form.pdf", "--json").json] == [(1, "72"), (2, "19")]
    with open("cut.pdf", "wb") as file, open("form.pdf", "rb") as whole:
        file.write(whole.read()[:300])
    result = read("cut.pdf", "form.pdf")
    assert result.code == 1
    assert result.out.startswith("cut.pdf  error  damaged PDF")
    assert result.out.endswith("form.pdf, page 2  19\n")


def test_of_an_animation_the_first_image_is_read_and_that_is_said(read):
    printed("7").save("moving.gif", save_all=True, append_images=[printed("8")])
    result = read("moving.gif")
    assert result.out.startswith("moving.gif  7")
    assert result.err == "moving.gif: the first of several images in it\n"


def test_overlay_shows_boxes_in_blue_and_unsure_ones_in_orange(read):
    image = two("7", "1")
    image.paste(unsure_digit(), (image.width // 2, 0))
    image.save("page.png")
    result = read("page.png", "--max-error", "0.1%", "--overlay", "drawn.png")
    assert (result.code, result.out) == (0, "7?\n")
    drawn = np.asarray(Image.open("drawn.png")).reshape(-1, 3)
    for colour in ((0, 90, 200), (220, 70, 0)):
        assert (drawn == colour).all(axis=1).sum() > 100
    read("page.png", "page.png", "--overlay", "many.png")
    assert os.path.exists("many.png")
    assert os.path.exists("many-2.png")


@pytest.mark.parametrize(
    "options",
    [
        ("--overlay", "page.png"),
        ("--show-input", "./page.png"),
        ("--overlay", "link.png"),
        ("--overlay", "page-2.png", "--show-input", "page-2.png"),
        ("--overlay", "x.png", "--show-input", "x-2.png"),
        ("--table", "x.csv", "--out", "x-2.csv"),
        ("--out", "rows.csv"),
    ],
    ids=" ".join,
)
def test_what_is_read_is_not_written_over(read, options):
    two("7", "2").save("page.png")
    os.symlink("page.png", "link.png")
    with open("rows.csv", "w") as file:
        file.write("1,2,3,4\n")
    files = {path: path.read_bytes() for path in Path().iterdir()}
    result = read("page.png", "rows.csv", *options)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "expected a place of its own" in result.err
    assert {path: path.read_bytes() for path in Path().iterdir()} == files


def test_a_second_overlay_is_not_written_over_a_page_either(read):
    two("7", "2").save("page-2.png")
    assert "got that of page-2.png" in read("page-2.png", "--overlay", "page.png").err
    assert read("page-2.png", "--overlay", "page-2-drawn.png").code == 0


@pytest.mark.parametrize("option", ["--overlay", "--table"])
def test_a_later_file_that_is_in_the_way_is_told_before_work_begins(read, option, monkeypatch):
    place = "drawn.png" if option == "--overlay" else "drawn.csv"
    later = place.replace(".", "-2.")
    two("7", "2").save("page.png")
    Path(later).write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr("digitwise.reading.reader.Reader", None)  # nothing is read
        told = read("page.png", "page.png", option, place)
    assert (told.code, told.out) == (2, "")
    assert f"{later}: " in told.err
    assert Path(later).read_text() == "mine"
    assert read("page.png", option, place).code == 0  # one page needs no second file


def test_show_input_is_what_the_model_saw(read, scans):
    result = read(scans, "--show-input", "seen.png")
    assert "what the model saw: seen.png" in result.err
    sheet = np.asarray(Image.open("seen.png").convert("L"))
    from digitwise import Reader

    first = Reader.input_of  # the sheet begins with the first file, enlarged four times
    reader = Reader(write_model(scans.parent / "m.onnx"))
    assert np.array_equal(sheet[10:122:4, 10:122:4], first(reader, scans / "below" / "eight.jpg"))
    assert "not drawn: the model saw no digit" in read(scans / "broken.png", "--show-input", "none.png").err
    two("7", "2").save("page.png")
    assert "what the model saw" in read("page.png", "--numbers", "--show-input", "page-seen.png").err


def save_sets(digits="7241"):
    images = np.stack(
        [np.asarray(printed(digit).resize((60, 80))) for digit in digits] + [np.full((80, 60), 9, np.uint8)]
    )
    np.savez("set.npz", images=images)
    contents = [stored(printed(digit), "PNG") for digit in digits] + [b"broken"]
    pq.write_table(pa.table({"image": [{"bytes": content, "path": ""} for content in contents]}), "set.parquet")


def test_sets_are_counted_and_their_first_rows_shown(read):
    save_sets()
    result = read("set.npz")
    lines = result.out.splitlines()
    assert result.code == 0
    assert lines[0].startswith("set.npz, row 0  7  9")
    assert lines[-1] == "set.npz  5 images: 4 read, 0 unsure, 1 blank, 0 with an error"
    result = read("set.parquet")
    assert result.code == 1
    assert "row 4  error  the image: not an image" in result.out


def test_every_row_of_a_set_is_written(read):
    save_sets("7241" * 5)
    for name, last in (("set.npz", "blank"), ("set.parquet", "error")):
        assert read(name, "--out", "rows.csv").code == (last == "error")
        with open("rows.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        assert "".join(row["label"] for row in rows) == "7241" * 5
        assert [int(row["row"]) for row in rows] == list(range(21))
        assert rows[-1]["status"] == last
    assert [row["row"] for row in read("set.npz", "--json").json] == list(range(21))


def test_a_set_that_breaks_off_is_a_row_behind_what_could_be_read(read):
    with open("cut.idx", "wb") as file:
        file.write(bytes([0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784 * 4))
    printed("7").save("seven.png")
    result = read("cut.idx", "seven.png")
    assert result.code == 1
    assert "cut.idx  error  truncated: expected 9 rows of shape (28, 28), got 4" in result.out
    assert result.out.endswith("seven.png  7  99.9 %\n")
    assert "got a set of single digits; leave --numbers away" in read("cut.idx", "--numbers").out


def bomb():
    content = bytearray(stored(Image.new("L", (9, 9)), "BMP"))
    content[18:26] = (100_000).to_bytes(4, "little") * 2
    return bytes(content)


def mode(name, kind, **how):
    return lambda: stored(printed("4").convert(name), kind, **how)


READABLE = {
    "cmyk.jpg": mode("CMYK", "JPEG", quality=95),
    "onebit.png": mode("1", "PNG"),
    "palette.gif": mode("P", "GIF"),
    "mislabelled.png": mode("RGB", "JPEG", quality=95),
    "float.tif": mode("F", "TIFF"),
    "fax.tif": mode("1", "TIFF", compression="group4"),
}
BLANK = {
    "pixel.png": lambda: stored(Image.new("L", (1, 1)), "PNG"),
    "transparent.png": lambda: stored(Image.new("RGBA", (40, 40)), "PNG"),
    "ribbon.png": lambda: stored(Image.new("L", (3, 200), 9), "PNG"),
}
REFUSED = {
    "bomb.bmp": (bomb, "too large: expected at most 50,000,000 pixels, got 10,000,000,000"),
    "cut.jpg": (lambda: stored(printed("4"), "JPEG")[:300], "damaged image"),
    "empty.png": (lambda: b"", "the file is empty"),
    "text.png": (lambda: b"some text", "its content is no PNG"),
    "photo.heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(99), "its content is HEIC; save it as JPEG or PNG"),
}


@pytest.mark.parametrize("name", READABLE)
def test_odd_files_are_read(read, name):
    with open(name, "wb") as file:
        file.write(READABLE[name]())
    result = read(name)
    assert (result.code, result.out.split()[:2]) == (0, [name, "4"])


@pytest.mark.parametrize("name", BLANK)
def test_nothing_is_blank(read, name):
    with open(name, "wb") as file:
        file.write(BLANK[name]())
    result = read(name)
    assert (result.code, result.out) == (0, f"{name}  blank\n")


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files_are_told_in_one_line(read, name):
    make, message = REFUSED[name]
    with open(name, "wb") as file:
        file.write(make())
    result = read(name)
    assert result.code == 1
    assert result.out.startswith(f"{name}  error  ")
    assert message in result.out
    assert (result.out.count("\n"), result.err) == (1, "")


def test_the_limit_of_pixels_can_be_set(read):
    printed("7").save("seven.png")
    assert "expected at most 100 pixels" in read("seven.png", "--max-pixels", 100).out


def test_a_long_strip_is_read_as_a_page_without_harm(read):
    Image.new("L", (10_000, 3), 200).save("strip.png")
    assert read("strip.png").code == 0
    assert read("strip.png", "--single").out == "strip.png  blank\n"


def test_a_name_that_is_no_utf8_can_be_printed_and_stored(read):
    name = os.fsdecode(b"sieben-\xe4.png")
    printed("7").save(name)
    assert read(name).out.startswith("sieben-\\xe4.png  7")
    assert read(name, "--out", "rows.jsonl").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.png", "--single", "--numbers"), "expected --single or --numbers"),
        (("a.png", "--single", "--overlay", "x.png"), "expected --single or --numbers"),
        (("a.png", "--max-error", "5"), "expected a share like 0.1% or 0.001, got '5'"),
        (("a.png", "--max-error", "0.001%"), "can guarantee, from 0.001 on, got 1e-05"),
        (("a.png", "--out", "rows.txt"), "ends in .csv, .jsonl, .parquet, got '.txt'"),
        (("a.png", "--overlay", "drawn.pdf"), "expected an image to write to"),
        (("a.png", "--max-pixels", "0"), "should be greater than or equal to 1"),
        (("empty",), "expected images in the folder"),
        (("",), "expected the name of a file or folder, got an empty one"),
        ((), "Missing argument"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(read, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    result = read(*arguments)
    assert result.code == 2
    assert message in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_model_that_is_none_is_refused(read, tmp_path):
    printed("7").save("seven.png")
    assert "expected the name of a model file, got an empty one" in read("seven.png", model="").err
    assert "expected an ONNX model" in read("seven.png", model="seven.png").err
    none = write_model(tmp_path / "none.onnx", metadata(policies=[]))
    assert "has no error guarantee" in read("seven.png", model=none).err


def started(arguments, folder, **how):
    code = "import sys; from digitwise.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "read", *map(str, arguments)]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_reading_and_leaves_nothing(model_file, tmp_path, number, code):
    os.mkfifo(tmp_path / "never.png")
    arguments = ("never.png", "--model", model_file, "--out", "rows.csv")
    process = started(arguments, tmp_path)
    while process.poll() is None and not any(path.suffix == ".csv" for path in tmp_path.iterdir()):
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert (process.returncode, said) == (code, "interrupted; what was saved is whole\n")
    assert [path.name for path in tmp_path.iterdir()] == ["never.png"]


def test_a_reader_that_has_seen_enough_is_no_error(model_file, tmp_path):
    np.save(tmp_path / "many.npy", np.zeros((20_000, 28, 28), np.uint8))
    process = started(("many.npy", "--json", "--model", model_file), tmp_path)
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == "many.npy: 20,000 images\n"
    process.stderr.close()
    assert process.wait(30) == 0


def test_reading_one_image_imports_little(model_file, tmp_path):
    printed("7").save(tmp_path / "seven.png")
    code = (
        f"import sys; from digitwise.cli.main import main; main(['read', 'seven.png', '--model', {str(model_file)!r}]);"
        "print([m for m in ('keras', 'tensorflow', 'sklearn', 'matplotlib', 'pandas', 'pyarrow', 'pypdfium2',"
        " 'rich.progress', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["seven.png  7  99.9 %", "[]"]


def npy(header):
    """A file of NumPy's form with this text as its header."""
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


BAD = {
    "header that breaks off": ("bad.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 28, ")),
    "header that is no dict": ("bad.npy", npy("[1, 2]")),
    "shape of words": ("bad.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': ('a', 28, 28)}")),
    "negative shape": ("bad.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-3, 28, 28)}")),
    "endless shape": ("bad.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (10**40, 28, 28)}")),
    "larger than memory": ("bad.npy", npy("{'descr': '|u1', 'fortran_order': False, 'shape': (9, 2000000000, 1)}")),
    "dtype of nobody": ("bad.npy", npy("{'descr': ('x', ), 'fortran_order': False, 'shape': (3, 28, 28)}")),
    "objects": ("bad.npy", npy("{'descr': '|O', 'fortran_order': False, 'shape': (3, 28, 28)}")),
    "nothing": ("bad.npy", b""),
    "archive of nothing": ("bad.npz", b"PK\x03\x04" + bytes(40)),
    "table of words": ("bad.csv", b"a,b\nc,d\n"),
    "table of bytes": ("bad.csv", bytes(range(256))),
    "half a Parquet file": ("bad.parquet", b"PAR1" + bytes(50)),
    "IDX of letters": ("bad-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12),
    "image": ("bad.png", b"\x89PNG\r\n\x1a\n" + bytes(50)),
    "PDF": ("bad.pdf", b"%PDF-1.7 and no more"),
}


@pytest.mark.parametrize(("name", "content"), BAD.values(), ids=BAD)
def test_one_bad_input_is_a_row_whatever_its_kind(read, tmp_path, name, content):
    printed("7").save("good.png")
    (tmp_path / name).write_bytes(content)
    result = read("good.png", name, "good.png", "--out", "r.csv")
    assert result.code == 1, result.err
    with open("r.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["path"], row["status"]) for row in rows] == [
        ("good.png", "read"),
        (name, "error"),
        ("good.png", "read"),
    ]


def test_name_that_no_system_takes_is_a_row(read):
    printed("7").save("good.png")
    result = read("good.png", "a" * 300 + ".png", "--json")
    assert [row["status"] for row in result.json] == ["read", "error"]
    assert result.json[1]["error"] == "cannot be read: File name too long"
    assert result.code == 1


def test_folder_that_cannot_be_looked_into_is_a_row(read, tmp_path, monkeypatch):
    (tmp_path / "all" / "closed").mkdir(parents=True)
    printed("7").save(tmp_path / "all" / "good.png")
    scandir = os.scandir

    def forbidden(path):  # root may look everywhere
        if str(path).endswith("closed"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    result = read(tmp_path / "all", "--json")
    assert [(row["path"].rpartition("/")[2], row["status"]) for row in result.json] == [
        ("closed", "error"),
        ("good.png", "read"),
    ]
    assert result.code == 1


@pytest.mark.parametrize("error", [SyntaxError, RecursionError, MemoryError, RuntimeError])
@pytest.mark.parametrize("where", ["reading.jobs.open_images", "reading.jobs.open_image"])
def test_error_of_a_library_is_the_row_of_its_file(read, monkeypatch, error, where):
    np.save("set.npy", np.zeros((2, 28, 28), np.uint8))
    printed("7").save("seven.png")

    def fails(*_, **__):
        raise error("of a\nlibrary")

    monkeypatch.setattr(f"digitwise.{where}", fails)
    result = read("set.npy", "seven.png", "--json")
    (bad,) = [row for row in result.json if row["status"] == "error"]
    assert bad["error"] == f"cannot be read: {error.__name__}: of a library"
    assert result.code == 1
