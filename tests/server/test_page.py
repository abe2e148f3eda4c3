"""The page, in a real browser, against a real server."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import re
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from benchmarks.made_pages import page_of
from digitwise.reading.model import Model
from digitwise.server.app import application
from digitwise.server.service import Settings
from digitwise.synthetic import scan_of
from tests.reading.drawing import table_image
from tests.server.running import served
from tests.server.sheets import row_of, written_page

SEVEN = [(0.28, 0.25), (0.5, 0.24), (0.72, 0.25), (0.62, 0.45), (0.5, 0.65), (0.42, 0.82)]  # of the sheet's side
DOUBTFUL = [(0.3, 0.3), (0.5, 0.2), (0.7, 0.3), (0.5, 0.55), (0.3, 0.3)], [(0.66, 0.42), (0.35, 0.8), (0.72, 0.7)]
SLOW = 60_000  # milliseconds, on a machine that does much else


def script(name):
    """A function of JavaScript to evaluate on the page."""
    return (Path(__file__).parent / "scripts" / f"{name}.js").read_text()


class File(NamedTuple):
    """A file as a browser gets it."""

    name: str
    type: str
    content: bytes

    @classmethod
    def of(cls, name, pixels):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        return cls(name, "image/png", buffer.getvalue())

    @property
    def payload(self):
        return {"name": self.name, "mimeType": self.type, "buffer": self.content}

    @property
    def passed(self):
        """As an argument of a script."""
        return [self.name, self.type, base64.b64encode(self.content).decode()]


@pytest.fixture(scope="module")
def scan(mnist):
    """One 7."""
    return File.of("seven.png", scan_of(mnist.test.images[0], rng=np.random.default_rng(1)))


@pytest.fixture(scope="module")
def doubtful(mnist):
    """One 0 that is not read surely."""
    return File.of("doubtful.png", scan_of(mnist.test.images[3], rng=np.random.default_rng(1)))


def made_page(digits, seed):
    rng = np.random.default_rng(seed)
    places = rng.integers(len(digits.test.labels), size=8)
    return page_of(digits.test.images[places], digits.test.labels[places], rng=rng)


@pytest.fixture(scope="module")
def sideways(digits):
    """Two lines, to be turned by 90 degrees: 209 and 02032."""
    return File.of("sideways.png", made_page(digits, 48).image)


@pytest.fixture(scope="module")
def overhead(digits):
    """Two lines, upside down: 98303, of which the first is not read surely, and 076."""
    return File.of("overhead.png", made_page(digits, 7).image)


@pytest.fixture(scope="module")
def scribbled(mnist):
    """Five digits, a scribble below them and a frame around both."""
    return File.of("scribbled.png", written_page(row_of(mnist)))


EMPTY = File.of("empty.png", np.full((90, 90), 240, np.uint8))
TEXT = File("notes.txt", "text/plain", b"no image")


@pytest.fixture(scope="module")
def desk(browser):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def phone(browser):
    context = browser.new_context(
        viewport={"width": 375, "height": 812}, color_scheme="dark", has_touch=True, is_mobile=True
    )
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


@pytest.fixture
def opened(server):
    """A function that opens a page; whatever it logs, or asks of anybody else, fails the test."""
    own, trouble, listening = ["data:", "blob:"], [], []

    def log(message):
        if not message.text.startswith("Failed to load resource"):  # which tests bring about, and the page tells
            trouble.append(message.text)

    def ask(request):
        if not request.url.startswith(tuple(own)):
            trouble.append(request.url)

    def fail(error):
        trouble.append(str(error))

    def go(page, url=server.url):
        own.append(url)
        for event, listener in (("console", log), ("request", ask), ("pageerror", fail)):
            page.on(event, listener)
            listening.append((page, event, listener))
        page.goto(url)
        return page

    yield go
    for page, event, listener in listening:
        page.remove_listener(event, listener)
        page.unroute_all()
    assert trouble == []


@pytest.fixture
def page(opened, desk):
    desk.set_viewport_size({"width": 1440, "height": 900})
    page = opened(desk)
    page.wait_for_selector("html[data-ready]")
    return page


def on_sheet(page, points):
    page.locator("#pad").scroll_into_view_if_needed()
    frame = page.locator("#pad").bounding_box()
    return [(frame["x"] + x * frame["width"], frame["y"] + y * frame["height"]) for x, y in points]


def draw(page, *strokes):
    for stroke in strokes:
        points = on_sheet(page, stroke)
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
        page.mouse.up()


def status(page, word, where="#drawn"):
    """Wait until a result is of that status."""
    page.wait_for_selector(f"{where} .status:text-is('{word}')")


def reads_seven(page):
    """Wait until the drawing is read as a seven: before it is whole it may be read as something else."""
    page.wait_for_selector("#drawn[data-status=read] .digit:text-is('7')")


def bring(page, *files):
    page.set_input_files("#files", [file.payload for file in files])


def all_read(page, count):
    page.wait_for_selector(f"#tally:text-matches('^{count} photo')")


def ink(page):
    """Inked pixels of the sheet."""
    page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")  # what is due
    return page.evaluate(script("ink"))


@contextmanager
def in_flight(page):
    """At each request for a reading, how many there are then without an answer."""
    flying, counts = set(), []

    def start(request):
        if "v1/read" in request.url:
            flying.add(request)
            counts.append(len(flying))

    def end(request):
        flying.discard(request)

    page.on("request", start)
    page.on("requestfinished", end)
    yield counts
    page.remove_listener("request", start)
    page.remove_listener("requestfinished", end)


# Drawing


def test_seven_drawn_with_the_mouse_is_read(page):
    draw(page, SEVEN)
    reads_seven(page)
    assert page.inner_text("#drawn .bars .best th") == "7"
    assert float(page.inner_text("#drawn .bars .best .share").removesuffix(" %")) > 90
    assert page.locator("#drawn .bars tr").count() == 10
    page.wait_for_selector("#said:text-matches('^Read 7: ')", state="attached")


def test_what_the_model_saw_is_shown_pixel_by_pixel(page):
    draw(page, SEVEN)
    reads_seven(page)
    saw = page.locator("#drawn .saw img")
    assert saw.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]
    assert saw.evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"


def test_drawing_is_read_while_the_pen_is_down_one_request_at_a_time(page):
    points = on_sheet(page, SEVEN)
    with in_flight(page) as counts:
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=4)
            page.wait_for_timeout(60)
        reads_seven(page)
        page.mouse.up()
    assert len(counts) > 1
    assert max(counts) == 1


def test_undo_takes_strokes_back_one_by_one_and_clear_takes_all(page):
    draw(page, SEVEN, *DOUBTFUL)
    whole = ink(page)
    page.click("#undo")
    page.keyboard.press("Control+z")
    assert 0 < ink(page) < whole
    page.click("#clear")
    status(page, "Blank")
    assert ink(page) == 0
    assert page.locator("#clear").is_disabled()
    page.click("#undo")
    reads_seven(page)


def test_late_answer_about_a_cleared_sheet_is_not_shown(page):
    held = {}
    page.route("**/v1/read?*", lambda route: held.update(route=route))
    draw(page, SEVEN)
    while not held:
        page.wait_for_timeout(20)
    page.click("#clear")
    with page.expect_response("**/v1/read?*") as answered:
        held["route"].continue_()
    assert answered.value.ok
    page.wait_for_timeout(100)
    assert page.inner_text("#drawn .status") == "Blank"


def test_brush_makes_wider_strokes(page):
    draw(page, SEVEN)
    page.wait_for_timeout(50)
    usual = ink(page)
    page.click("#clear")
    page.fill("#brush", "36")
    draw(page, SEVEN)
    page.wait_for_timeout(50)
    assert ink(page) > 1.5 * usual


def test_unsure_is_said(page):
    draw(page, *DOUBTFUL)
    status(page, "Unsure")
    assert re.match(r"Perhaps \d, with \d+\.\d %: not sure enough", page.inner_text("#drawn .words"))


def test_nothing_drawn_is_said_to_be_blank(page):
    assert page.inner_text("#drawn .status") == "Blank"
    assert page.inner_text("#drawn .words") == "There is nothing to read."


def swipe(page, points):
    """Move a finger over the screen."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *places):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in places]})

    touch("touchStart", points[0])
    for (left, top), (right, bottom) in itertools.pairwise(points):
        for part in (0.25, 0.5, 0.75, 1):
            touch("touchMove", (left + part * (right - left), top + part * (bottom - top)))
    touch("touchEnd")
    session.detach()


def test_finger_draws_on_the_sheet_and_scrolls_beside_it(opened, phone):
    opened(phone).wait_for_selector("html[data-ready]")
    swipe(phone, on_sheet(phone, SEVEN))
    reads_seven(phone)
    assert phone.evaluate("scrollY") == 0
    swipe(phone, [(180, 700), (180, 500), (180, 300)])
    phone.wait_for_timeout(100)
    assert phone.evaluate("scrollY") > 100
    assert phone.locator("#shoot").is_visible()


# Photos


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_photo_that_is_brought_is_read(page, scan, way):
    page.evaluate(script("carried"), [way, [scan.passed]])
    status(page, "Read", "#viewer")
    assert page.inner_text("#viewer .digit") == "7"
    assert page.locator("#viewer .saw img").is_visible()
    assert page.locator("#drop").is_hidden()


def test_same_photo_is_taken_again_after_it_was_removed(page, scan):
    for _ in range(2):
        bring(page, scan)
        status(page, "Read", "#viewer")
        page.click("#remove-all")
        assert page.locator("#found").is_hidden()


def lines_on_screen(page):
    """The overlay's boxes by line, and the photo's frame, in pixels of the screen."""
    page.wait_for_selector("#viewer .overlay rect")
    frame = page.locator("#viewer .stage canvas").bounding_box()
    boxes = {}
    for mark in page.locator("#viewer .overlay .mark").all():
        line = re.match(r"Line (\d+), digit", mark.locator("title").text_content())[1]
        boxes.setdefault(line, []).append(mark.locator("rect").bounding_box())
    return list(boxes.values()), frame


@pytest.mark.parametrize(("name", "text"), [("sideways", ["209", "02032"]), ("overhead", ["?8303", "076"])])
def test_numbers_lie_in_boxes_on_the_photo_turned_upright(page, request, name, text):
    bring(page, request.getfixturevalue(name))
    lines, frame = lines_on_screen(page)
    assert page.locator("#viewer .lines li").all_inner_texts() == text
    assert [len(line) for line in lines] == [len(line) for line in text]
    for line in lines:
        assert [box["x"] for box in line] == sorted(box["x"] for box in line)
    assert max(box["y"] for box in lines[0]) < min(box["y"] for box in lines[1])
    for box in itertools.chain(*lines):
        assert box["x"] >= frame["x"] - 2
        assert box["y"] >= frame["y"] - 2
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 2
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 2


def test_boxes_hold_the_ink(page, sideways):
    bring(page, sideways)
    lines_on_screen(page)
    darker = page.evaluate(script("darker"))
    assert sum(darker) >= len(darker) - 1


def test_unsure_digit_differs_on_the_photo_and_not_by_its_colour_alone(page, overhead):
    bring(page, overhead)
    lines_on_screen(page)
    assert page.locator(".overlay .number.unsure .doubt").text_content() == "?"
    assert page.locator(".overlay .mark.unsure").count() == 1
    get = "rect => getComputedStyle(rect).strokeDasharray"
    assert page.locator(".overlay .number.unsure rect").evaluate(get) != "none"
    assert page.locator(".overlay .number.read rect").first.evaluate(get) == "none"
    colours = [
        page.locator(f".overlay {part}").first.evaluate("text => getComputedStyle(text).fill")
        for part in (".number.read .label", ".number.unsure .doubt")
    ]
    assert colours[0] != colours[1]
    page.click("#viewer summary")
    assert page.locator("#viewer details tbody tr").first.inner_text().split()[:3] == ["1", "?8303", "98303"]


def test_larger_photo_shows_confidences(page, overhead):
    bring(page, overhead)
    lines_on_screen(page)
    before = page.locator(".overlay").bounding_box()["width"]
    for _ in range(3):
        page.click("[aria-label=Larger]")
    assert page.locator(".overlay").bounding_box()["width"] > 2.5 * before
    assert re.fullmatch(r"\d\d%", page.locator(".overlay .share").first.text_content().strip())
    assert page.evaluate("document.documentElement.scrollWidth") == 1440


def test_many_photos_are_read_few_at_a_time_and_each_tells_how_it_went(page, scan, doubtful, overhead):
    with in_flight(page) as counts:
        bring(page, scan, EMPTY, TEXT, doubtful, overhead, *[scan._replace(name=f"{i}.png") for i in range(7)])
        all_read(page, 12)
    assert 2 <= max(counts) <= 3
    assert page.inner_text("#tally") == "12 photos · 8 read · 2 unsure · 1 blank · 1 error"
    assert page.locator("#rows tr .status").all_inner_texts()[:5] == ["Read", "Blank", "Error", "Unsure", "Unsure"]
    read, blank, error, guess, lines = page.locator("#rows tr .text").all_inner_texts()[:5]
    assert (read, blank, error, lines) == ("7", "", "", "?8303 · 076")
    assert re.fullmatch(r"\d", guess)
    page.click("text=notes.txt")
    status(page, "Error", "#viewer")
    assert page.inner_text("#viewer .words").startswith("Not an image")


def test_results_are_downloaded_as_csv_that_no_spreadsheet_runs(page, scan, overhead):
    bring(page, scan._replace(name="=1+1.png"), scan._replace(name='a "b", c.png'), overhead, TEXT)
    all_read(page, 4)
    with page.expect_download() as started:
        page.click("#csv")
    assert started.value.suggested_filename == "readings.csv"
    content = started.value.path().read_bytes().decode()
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert content.endswith("\r\n")
    assert rows[0][:6] == ["path", "label", "confidence", "status", "text", "error"]
    assert rows[0][6:] == ["written", "left", "top", "right", "bottom"]
    assert [[row[0], row[1], *row[3:5], row[6]] for row in rows[1:]] == [
        ["'=1+1.png", "7", "read", "", ""],
        ['a "b", c.png', "7", "read", "", ""],
        ["overhead.png", "", "unsure", "?8303", "?8303"],
        ["overhead.png", "", "read", "076", "076"],
        ["notes.txt", "", "error", "", ""],
    ]
    assert [bool(row[5]) for row in rows[1:]] == [False] * 4 + [True]
    assert [row[7:] for row in (*rows[1:3], rows[5])] == [[""] * 4] * 3
    for left, top, right, bottom in (map(int, row[7:]) for row in rows[3:5]):
        assert 0 <= left < right
        assert 0 <= top < bottom
    assert 0.86 < float(rows[1][2]) <= 1


def test_numbers_in_columns_are_shown_as_a_table_and_saved(page):
    bring(page, File.of("table.png", table_image()))
    status(page, "Read", "#viewer")
    cells = [row.locator("td").all_inner_texts() for row in page.locator("#viewer .cells tr").all()]
    assert [[len(text) for text in row] for row in cells] == [[2, 3, 1], [1, 0, 4], [2, 2, 2]]
    with page.expect_download() as started:
        page.click("#viewer :text('Save the table as CSV')")
    assert started.value.suggested_filename == "table.csv"
    assert list(csv.reader(io.StringIO(started.value.path().read_text(), newline=""))) == cells


def test_switch_reads_the_photo_as_the_other_kind(page, overhead):
    bring(page, overhead)
    lines_on_screen(page)
    page.click("label:has-text('Single digits')")
    page.wait_for_selector("#viewer .bars")
    page.click("label:has-text('Automatic')")
    page.wait_for_selector("#viewer .overlay")


def test_photo_larger_than_the_limit_is_not_sent(page, server):
    service = server.client.get("/v1/service").json()
    page.route("**/v1/service", lambda route: route.fulfill(json=service | {"limits": {"bytes": 2**20}}))
    page.reload()
    bring(page, File("large.png", "image/png", bytes(2**20)))
    status(page, "Error", "#viewer")
    assert page.inner_text("#viewer .words") == "Larger than the 1 MB that this server takes."


def held_back(page):
    """Let no request for a reading of a photo be answered; those that were sent."""
    routes = []

    def keep(route):  # no method of a list: the route is noted on it
        routes.append(route)

    page.route("**/v1/read?*mode=auto", keep)
    return routes


def test_photo_in_work_says_so_and_can_be_cancelled_and_read_after_all(page, scan):
    routes = held_back(page)
    bring(page, scan)
    page.wait_for_selector("#viewer .status:text-matches('^Reading … [0-9]+ s$')")
    assert page.locator("#viewer progress").is_visible()
    with page.expect_event("requestfailed"):
        page.click("#viewer button:text-is('Cancel')")
    status(page, "Cancelled", "#viewer")
    assert page.inner_text("#tally") == "1 photo · 1 cancelled"
    assert page.locator("#notice").is_hidden()
    assert len(routes) == 1
    page.unroute_all()
    page.click("#viewer button:text-is('Read it')")
    status(page, "Read", "#viewer")
    assert page.inner_text("#tally") == "1 photo · 1 read"


def test_all_photos_in_work_are_cancelled_at_once_and_what_is_read_stays(page, scan):
    bring(page, scan)
    all_read(page, 1)
    routes = held_back(page)
    bring(page, *[scan._replace(name=f"{i}.png") for i in range(6)])
    page.wait_for_selector("#rows tr:nth-child(7) .status:text-is('Waiting')")
    page.click("#cancel")
    assert page.inner_text("#tally") == "7 photos · 1 read · 6 cancelled"
    assert page.locator("#cancel").is_hidden()
    page.wait_for_timeout(100)
    assert len(routes) <= 3  # those that waited are not sent


def test_what_is_not_read_is_grey_on_the_photo_and_in_a_legend(page, scribbled):
    bring(page, scribbled)
    page.wait_for_selector("#viewer .overlay .other")
    colour = page.locator(".overlay .other rect").first.evaluate("rect => getComputedStyle(rect).stroke")
    red, green, blue = map(int, re.findall(r"\d+", colour))
    assert max(red, green, blue) - min(red, green, blue) < 20
    assert page.inner_text("#viewer .legend .other").startswith("Not read: ")
    assert page.locator("#viewer .overlay .number").count() > 0


# Trouble


def test_busy_server_is_asked_again(page, scan):
    asked = itertools.count()

    def busy_once(route):
        if next(asked):
            route.continue_()
        else:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json={"title": "busy"})

    page.route("**/v1/read?*", busy_once)
    bring(page, scan)
    status(page, "Read", "#viewer")
    assert next(asked) == 2


def test_server_that_is_gone_is_told_once_and_what_waits_is_read_when_it_is_back(page, scan):
    page.route("**/v1/**", lambda route: route.abort())
    draw(page, SEVEN)
    page.wait_for_selector("#notice:visible")
    bring(page, scan, scan._replace(name="other.png"))
    page.wait_for_selector("#rows tr:nth-child(2) .status:text-is('Waiting')")
    page.wait_for_timeout(200)  # the drawing is asked about as well
    assert page.locator("text=The server does not answer").count() == 1
    page.unroute_all()
    page.click("#notice button")
    status(page, "Read")
    all_read(page, 2)
    assert page.locator("#notice").is_hidden()


def test_answer_that_breaks_off_is_asked_for_again(page, scan):
    page.evaluate(script("cut"))
    bring(page, scan)
    page.wait_for_selector("#notice:visible")
    page.click("#notice button")
    status(page, "Read", "#viewer")


def test_token_is_asked_for_and_kept_for_the_tab(opened, desk, scan):
    with served(application(Settings(token="open sesame"))) as guarded:
        page = opened(desk, guarded.url)
        page.wait_for_selector("#token:visible")
        assert page.evaluate("document.activeElement.id") == "secret"
        page.fill("#secret", "no token – 世")  # nor one that a header can carry
        page.keyboard.press("Enter")
        page.wait_for_selector("text=That token was not accepted")
        assert page.locator("#notice").is_hidden()
        page.keyboard.type("open sesame")
        page.keyboard.press("Enter")
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#token").is_hidden()
        bring(page, scan)
        status(page, "Read", "#viewer")
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert page.locator("#token").is_hidden()
        page.goto("about:blank")


# Collecting


@pytest.fixture
def collecting(opened, desk, tmp_path):
    """A page whose server collects and has a report, and the folder."""
    report, folder = tmp_path / "report.html", tmp_path / "labelled"
    report.write_text("<!doctype html><title>A report</title>")
    with served(application(Settings(collect=folder, report=report))) as running:
        page = opened(desk, running.url)
        page.wait_for_selector("html[data-ready]")
        yield page, folder
        page.goto("about:blank")


def stored(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_right_label_of_a_drawing_is_stored_and_choosing_again_moves_it(collecting):
    page, folder = collecting
    assert page.inner_text("#kept").startswith("Nothing is kept but images you choose a label for.")
    assert page.locator("#drawn .chooser").is_hidden()
    draw(page, SEVEN)
    reads_seven(page)
    assert "in the folder that this server collects" in page.inner_text("#drawn .chooser")
    for label in ("1", "7"):
        page.click(f"#drawn .chooser button:text-is('{label}')")
        page.wait_for_selector(f"#drawn .chooser p:has-text('Stored as {label}, in {label}/')")
        assert page.inner_text("#drawn .chooser [aria-pressed=true]") == label
        (path,) = stored(folder)
        assert path.startswith(f"{label}/")
    assert page.inner_text("#drawn .chooser p").startswith(f"Stored as 7, in {path}.")
    draw(page, *DOUBTFUL)
    page.wait_for_selector("#drawn .chooser p:has-text('A choice stores')")
    assert page.locator("#drawn .chooser [aria-pressed=true]").count() == 0


def test_right_label_of_one_digit_on_a_photo_is_stored_as_it_stands_upright(collecting, sideways):
    page, folder = collecting
    bring(page, sideways)
    lines_on_screen(page)
    page.locator(".overlay .mark").nth(3).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer p:text-matches('^Line 2, digit 1: read as 0, ')")
    page.click("#viewer .chooser button:text-is('0')")
    page.wait_for_selector("#viewer .chooser p:has-text('Stored as 0')")
    (path,) = stored(folder)
    with Image.open(folder / path) as image:
        assert image.height > image.width


# For everybody


def test_keyboard_alone_brings_a_photo_and_looks_at_it(page, scan, overhead):
    def tab_to(selector):
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                break
        focused = page.locator(f"{selector}:focus")
        assert focused.evaluate("node => node.matches(':focus-visible')")
        assert focused.evaluate("node => getComputedStyle(node).outlineStyle") != "none"

    with page.expect_file_chooser() as chooser:  # some time before Enter: the browser learns of it meanwhile
        tab_to("#choose")
        page.keyboard.press("Enter")
    chooser.value.set_files([scan.payload, overhead.payload])
    all_read(page, 2)
    tab_to("#rows tr:nth-child(2) .name")
    page.keyboard.press("Enter")
    page.wait_for_selector("#viewer .lines")
    tab_to("#rows tr:nth-child(2) .remove")
    page.keyboard.press("Space")
    all_read(page, 1)
    page.wait_for_selector("#said:text-matches('1 photo: 1 read')", state="attached")


def test_every_control_has_a_name(page, scan, overhead):
    bring(page, scan, overhead)
    all_read(page, 2)
    assert page.evaluate(script("nameless")) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_both_colour_schemes(page, scheme, scan, overhead):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    draw(page, *DOUBTFUL)
    bring(page, overhead, scan, EMPTY, TEXT)
    all_read(page, 4)
    status(page, "Unsure", "#viewer")
    page.route("**/v1/**", lambda route: route.abort())
    page.click("#clear")
    draw(page, SEVEN)
    page.wait_for_selector("#notice:visible")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(15, 19, 23)"
    )
    assert page.evaluate(script("faint")) == []
    page.emulate_media(color_scheme="light")


def test_nothing_lies_beyond_a_small_screen(page, scan, overhead):
    page.set_viewport_size({"width": 375, "height": 812})
    draw(page, SEVEN)
    bring(page, overhead, scan._replace(name="a-rather-long-name-of-a-photo-from-somewhere.png"), TEXT)
    all_read(page, 3)
    for name in ("overhead", "a-rather", "notes"):
        page.click(f"#rows .name:has-text('{name}')")
        page.wait_for_selector(f"#viewer figcaption:has-text('{name}')")
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        assert page.evaluate(script("beyond")) == []


def test_report_is_a_link_away(collecting):
    page, _ = collecting
    page.click("text=Report")
    assert page.title() == "A report"
    page.go_back()
    page.click("text=API")
    page.wait_for_selector("h1")
    assert page.url.endswith("/docs")


def test_page_tells_the_guarantee(page):
    facts = page.inner_text("#facts")
    assert "Of what is read at most 0.3 % is wrong" in facts
    assert "of the numbers in a photo at most 3 %" in facts
    test = Model().card.document["metrics"]["test"]
    low, high = (f"{100 * bound:.2f}" for bound in test["interval_95"])
    told = f"{test['errors']} of 10,000 test images were read wrongly (95 % interval {low} % to {high} %)"
    assert told in facts
    assert page.inner_text("#kept").startswith("Nothing you draw or bring is kept.")
    assert page.locator("#report").is_hidden()
