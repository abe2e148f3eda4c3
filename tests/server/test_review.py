"""The review of a label patch: what is decided in the browser is in the file, and all else in it stays."""

import io
import json
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

import digitwise
from digitwise.data.patches import digests, patch_text, read_patch
from digitwise.errors import DataError
from digitwise.files import atomic_write
from digitwise.images import Dataset, ImageSet
from digitwise.server import review as review_module
from digitwise.server.review import Labels, review_app
from tests.helpers import blobs
from tests.server.running import served

ROWS = 6


@pytest.fixture(scope="module")
def names(digits):
    return digests(digits.train.images[:ROWS])


@pytest.fixture(scope="module")
def asked(digits, names):
    """A patch about the first images: each suggests the next digit."""
    labels = digits.train.labels
    return patch_text(
        [(name, i, f"{i}.png", labels[i], (labels[i] + 1) % 10, f"0.9{i}") for i, name in enumerate(names)]
    )


@pytest.fixture(scope="module")
def review(digits, asked, tmp_path_factory):
    """A review that runs, and its file."""
    file = tmp_path_factory.mktemp("review") / "labels.csv"
    file.write_text(asked)
    with served(review_app(Labels(file, digits))) as running:
        yield running, file


@pytest.fixture
def path(review, asked):
    """The file, as it was in the beginning."""
    atomic_write(review[1], asked)  # a page may be open that reads it
    return review[1]


@pytest.fixture
def client(review, path):
    return review[0].client


# ---- the API


def test_rows_come_in_the_order_of_the_file_with_what_it_says_of_them(client, names, digits):
    found = client.get("/v1/review").json()
    assert [row["sha256"] for row in found["rows"]] == names
    assert found["progress"] == {"images": ROWS, "decided": 0}
    first, given = found["rows"][0], int(digits.train.labels[0])
    assert first == {
        "sha256": names[0],
        "split": "train",
        "index": "0",
        "file": "0.png",
        "given": str(given),
        "suggested": str((given + 1) % 10),
        "confidence": 0.9,
        "decision": "",
        "more": {},
    }
    assert found["class_names"] == [str(i) for i in range(10)]
    assert any("train" in command and "--patch" in command for command in found["commands"])


def test_decision_is_in_the_file_when_it_is_answered_and_loading_applies_it(client, path, names, digits):
    other = str((digits.train.labels[0] + 5) % 10)
    for name, decision in ((names[0], other), (names[1], "drop"), (names[2], "keep")):
        answer = client.put(f"/v1/review/{name}", json={"decision": decision})
        assert answer.status_code == 200, answer.text
        assert read_patch(path).decisions[name] == decision
        assert answer.json()["version"] == read_patch(path).sha256
    assert answer.json()["progress"] == {"images": ROWS, "decided": 3}
    patched = digitwise.load("digits", patch=path)
    assert patched.train.labels[0] == int(other)
    assert len(patched.train) == len(digits.train) - 1
    client.put(f"/v1/review/{names[0]}", json={"decision": ""})
    assert names[0] not in read_patch(path).decisions


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
def test_image_is_shown_as_it_is_in_the_data(tmp_path, channels):
    images = blobs(30, size=20, channels=channels)
    digest = digests(images.images[:1])[0]
    (tmp_path / "labels.csv").write_text(f"sha256,decision\n{digest},\n")
    found = Labels(tmp_path / "labels.csv", Dataset("drawn", "drawn", images, blobs(12, size=20, channels=channels)))
    with served(review_app(found)) as running:
        answer = running.client.get(f"/v1/review/images/{digest}.png")
    assert answer.headers["content-type"] == "image/png"
    assert (np.asarray(Image.open(io.BytesIO(answer.content))) == images.images[0]).all()


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"decision": "10"}', 422, "expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, drop, keep or nothing, got"),
        ('{"decision": "Keep"}', 422, "got 'Keep'"),
        ('{"decision": 7}', 400, "expected JSON like"),
        ('{"decision": null}', 400, "expected JSON like"),
        ('["7"]', 400, "expected JSON like"),
        ("{}", 400, "expected JSON like"),
        ("[" * 4000, 400, "expected JSON like"),
        (b"\xff\xfe", 400, "expected JSON like"),
        ("", 400, "expected JSON like"),
        (json.dumps({"decision": "7" * 5000}), 413, "expected at most"),
    ],
    ids=["no class", "case", "number", "null", "list", "empty", "deep", "bytes", "nothing", "large"],
)
def test_what_is_no_decision_is_refused_and_the_file_stays(client, path, names, body, status, words):
    before = path.read_bytes()
    answer = client.put(f"/v1/review/{names[0]}", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["ab" * 32, "0", "..%2f..%2flabels.csv", "%00"])
def test_image_that_is_not_under_review_is_not_found(client, path, name):
    before = path.read_bytes()
    assert client.put(f"/v1/review/{name}", json={"decision": "7"}).status_code == 404
    assert client.get(f"/v1/review/images/{name}.png").status_code == 404
    assert path.read_bytes() == before


def test_image_of_the_data_that_the_file_does_not_name_cannot_be_decided(client, path, digits):
    other = digests(digits.train.images[ROWS : ROWS + 1])[0]
    assert client.put(f"/v1/review/{other}", json={"decision": "7"}).status_code == 404
    assert len(read_patch(path).rows) == ROWS


def test_decisions_that_another_program_makes_meanwhile_stay(client, path, names, digits):
    version = client.get("/v1/review").json()["version"]
    more = digests(digits.test.images[:1])[0]
    text = path.read_text().replace("0.91,\n", "0.91,drop\n").replace("\n", "\r\n") + f"{more},0,,1,2,0.5,3\r\n"
    path.write_bytes(text.encode())
    answer = client.put(f"/v1/review/{names[0]}", json={"decision": "7"}).json()
    assert answer["before"] != version
    assert read_patch(path).decisions == {names[0]: "7", names[1]: "drop", more: "3"}
    assert path.read_bytes() == text.replace("0.90,\r", "0.90,7\r").encode()
    assert client.get("/v1/review").json()["rows"][-1]["split"] == "test"


@pytest.mark.parametrize("text", ["", "nonsense", None], ids=["empty", "nonsense", "gone"])
def test_file_that_is_no_patch_any_more_is_told_and_left_alone(client, path, names, text):
    path.unlink() if text is None else path.write_text(text)
    for answer in (client.get("/v1/review"), client.put(f"/v1/review/{names[0]}", json={"decision": "7"})):
        assert answer.status_code == 409
        assert "labels.csv: expected" in answer.json()["detail"]
    assert (path.read_text() if path.exists() else None) == text


def test_full_disk_is_told_and_the_file_stays(client, path, names, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(review_module, "atomic_write", full)
    answer = client.put(f"/v1/review/{names[0]}", json={"decision": "7"})
    assert answer.status_code == 507
    assert "No space left on device; nothing was changed" in answer.json()["detail"]
    assert path.read_bytes() == before


def test_decisions_at_once_all_arrive(path, digits, names):
    reviews = [Labels(path, digits), Labels(path, digits)]
    threads = [threading.Thread(target=reviews[i % 2].decide, args=(name, str(i))) for i, name in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_patch(path).decisions == {name: str(i) for i, name in enumerate(names)}


def test_file_that_is_private_stays_so(path, digits, names):
    path.chmod(0o600)
    Labels(path, digits).decide(names[0], "7")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)


def test_file_that_a_link_leads_to_is_written_and_the_link_stays(path, digits, names, tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    Labels(link, digits).decide(names[0], "7")
    assert link.is_symlink()
    assert read_patch(path).decisions == {names[0]: "7"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"sha256,decision\n{'ab' * 32},\n", "names 1 images that digits lacks: row 2"),
        ("sha256,decision\n", "nothing to review"),
        ("a,b\n", "expected the columns sha256"),
    ],
    ids=["other data", "no rows", "no patch"],
)
def test_file_that_cannot_be_reviewed_is_told_at_the_start(path, digits, text, words):
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        Labels(path, digits)


def test_decision_that_is_no_class_is_told_at_the_start_with_its_row(path, digits):
    path.write_text(path.read_text().replace("0.91,\n", "0.91,nine\n"))
    with pytest.raises(DataError, match="row 3: decision 'nine': expected drop, keep or one of 0, 1"):
        Labels(path, digits)


@pytest.mark.parametrize("name", ["Drop", "keep", " 7", ""])
def test_class_that_no_decision_can_name_is_told_at_the_start(tmp_path, name):
    images, others = (replace(blobs(6, seed=seed), class_names=("a", "b", name)) for seed in (0, 1))
    path = tmp_path / "labels.csv"
    path.write_text(patch_text([(digest, 0, "", "", "", "") for digest in digests(images.images)]))
    with pytest.raises(DataError, match="expected classes that a decision can name, got"):
        Labels(path, Dataset("odd", "made here", images, others))


def test_file_that_cannot_be_written_is_told_at_the_start(path, digits, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # the user who runs the tests may be allowed everything
    with pytest.raises(DataError, match="expected a file that can be written to"):
        Labels(path, digits)


def test_answers_are_sealed_and_other_sites_may_not_ask(client, names):
    page = client.get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "style=" not in page.text
    assert "<script>" not in page.text
    elsewhere = {"Origin": "http://elsewhere.example"}
    assert client.put(f"/v1/review/{names[0]}", json={"decision": "7"}, headers=elsewhere).status_code == 403
    assert client.get("/v1/review", headers={"Host": "elsewhere.example"}).status_code == 421


# ---- the page


class Opened:
    """The page as a person at the keyboard has it."""

    def __init__(self, page, file):
        self.page, self.file = page, file

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)
        expect(self.page.locator("#saving")).not_to_contain_text("saving …")

    def text(self, selector):
        return self.page.inner_text(selector)

    @property
    def decisions(self):
        return read_patch(self.file).decisions

    @property
    def heading(self):
        return self.text("h1")


@pytest.fixture(scope="module")
def tab(review, asked, browser):
    """A tab of the browser, and what went wrong in it: what it logs, and what it asks of anyone but the server."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, url, trouble = context.new_page(), review[0].url, []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: request.url.startswith(url) or trouble.append(request.url))
    atomic_write(review[1], asked)
    page.goto(url)
    page.wait_for_selector("#overview:not([hidden])")
    yield page, trouble
    context.close()


@pytest.fixture
def opened(review, path, tab):
    page, trouble = tab
    page.goto(review[0].url)
    page.wait_for_selector("#overview:not([hidden])")
    yield Opened(page, path)
    page.evaluate("sessionStorage.clear()")
    assert trouble == []


def test_keys_decide_and_each_decision_is_in_the_file(opened, names, digits):
    pressed = ["7", "d", "k", "0", "3", "9"]
    for done, (name, key) in enumerate(zip(names, pressed, strict=True), 1):
        assert opened.text("#given") == str(digits.train.labels[done - 1])
        opened.press(key)
        assert opened.decisions[name] == {"d": "drop", "k": "keep"}.get(key, key)
        assert opened.heading == f"{done} of {ROWS} decided"
    assert "All are decided" in opened.text("#summary")
    assert f"--patch {opened.file}" in opened.text("#commands")
    assert digitwise.load("digits", patch=opened.file).train.labels[0] == 7


def test_undo_takes_back_one_decision_after_the_other_also_after_a_reload(opened, names):
    opened.press("7", "d")
    opened.page.reload()
    opened.page.wait_for_selector("#desk:not([hidden])")
    opened.press("u")
    assert opened.decisions == {names[0]: "7"}
    assert opened.page.get_attribute("#image", "src").endswith(f"{names[1]}.png")
    opened.press("Backspace")
    assert opened.decisions == {}
    assert opened.heading == f"0 of {ROWS} decided"
    assert opened.page.is_disabled("#undo")


def test_arrows_move_and_parts_show_what_they_name(opened, names):
    opened.press("ArrowRight", "ArrowRight", "5", "ArrowLeft")
    assert opened.decisions == {names[2]: "5"}
    opened.page.click("[data-view=decided]")
    assert opened.text("#chosen") == "5"
    assert opened.text("#file") == "2.png"
    assert opened.page.locator("#strip li").count() == 1
    opened.press("8")  # decided again
    assert opened.decisions == {names[2]: "8"}
    opened.page.click("[data-view=all]")
    assert opened.page.locator("#strip li").count() == ROWS


def test_buttons_do_what_keys_do_and_tab_reaches_them(opened, names):
    opened.page.locator("#labels button", has_text="4").focus()
    opened.press("Enter")
    opened.page.get_by_role("button", name="Drop").click()
    opened.press()
    assert opened.decisions == {names[0]: "4", names[1]: "drop"}
    opened.page.get_by_role("button", name="Undo").first.click()
    opened.press()
    assert opened.decisions == {names[0]: "4"}


def test_key_held_down_decides_once(opened):
    opened.page.keyboard.down("7")
    opened.page.keyboard.down("7")  # which the browser calls a repetition
    opened.page.keyboard.up("7")
    opened.press()
    assert len(opened.decisions) == 1


def test_keys_can_be_turned_off(opened):
    opened.page.click("#keys")
    opened.press("7", "d")
    assert opened.decisions == {}


def test_screen_reader_is_told_what_was_decided_and_what_comes(opened, digits):
    opened.press("7")
    assert opened.text("#said").startswith(f"7. Image 1 of {ROWS - 1}, given {digits.train.labels[1]}, suggested")


def test_changes_by_another_program_are_shown_and_kept(opened, names):
    text = opened.file.read_text()
    opened.file.write_text(text.replace("0.93,\n", "0.93,drop\n"))
    opened.press("7")
    expect(opened.page.locator("h1")).to_contain_text("2 of")
    assert "changed by another program" in opened.text("#news")
    assert opened.decisions == {names[0]: "7", names[3]: "drop"}


def test_undo_leaves_alone_what_was_changed_elsewhere(opened, names):
    opened.press("7")
    opened.file.write_text(opened.file.read_text().replace("0.90,7", "0.90,8"))
    opened.page.evaluate("window.dispatchEvent(new Event('focus'))")
    opened.page.wait_for_selector("#news:not([hidden])")
    opened.press("u")
    assert "left as it is" in opened.text("#news")
    assert opened.decisions == {names[0]: "8"}


def test_decision_that_could_not_be_saved_is_told_and_comes_back(opened, tab, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(review_module, "atomic_write", full)
    opened.press("7")
    assert "No space left on device" in opened.text("#trouble")
    assert opened.heading == f"0 of {ROWS} decided"
    assert opened.page.is_visible("#image")
    monkeypatch.undo()
    opened.press("7")
    assert len(opened.decisions) == 1
    assert not opened.page.is_visible("#trouble")
    assert "507" in tab[1].pop()  # which the browser logs by itself


@pytest.mark.parametrize(
    ("classes", "keys"),
    [
        ("0123456789", "0123456789"),
        (["Coat", "Bag", "7"], "017"),
        ("adkuDz", "a012Dz"),
        ([f"class {i}" for i in range(40)], [*"0123456789abcefghijlmnopqrstvwxyz", *[None] * 7]),
    ],
    ids=["digits", "words", "letters that are commands", "many"],
)
def test_each_label_has_a_key_of_its_own(tab, classes, keys):
    found = tab[0].evaluate("async (names) => (await import('./static/review-keys.js')).keysFor(names)", [*classes])
    assert found == [*keys]


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ({"key": "7"}, {"label": "7"}),
        ({"key": "à", "code": "Digit0"}, {"label": "0"}),  # a French keyboard
        ({"key": "D"}, "drop"),
        ({"key": "a"}, {"label": "A"}),
        ({"key": "z", "ctrlKey": True}, "undo"),
        ({"key": "d", "ctrlKey": True}, None),
        ({"key": "d", "metaKey": True}, None),
        ({"key": "7", "altKey": True}, None),
        ({"key": "Escape"}, None),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
def test_keys_mean_the_same_on_any_keyboard_and_those_of_the_browser_stay_its_own(tab, event, meaning):
    found = tab[0].evaluate(
        """async (event) => {
            const { meaningOf } = await import('./static/review-keys.js');
            return meaningOf({ target: document.body, ...event }, ['0', '7', 'A'], ['0', '7', 'A']);
        }""",
        event,
    )
    assert found == meaning


def test_review_of_coloured_images_with_classes_in_words(browser, tmp_path):
    train, test = (blobs(n, size=20, channels=3) for n in (30, 12))
    words = ("Coat, long", 'a "b" <i>', "Bag")
    data = Dataset("clothes", "drawn", *(ImageSet(each.images, each.labels, words) for each in (train, test)))
    path, name = tmp_path / "labels.csv", digests(train.images[:1])[0]
    path.write_text(f"decision;sha256;why\n;{name};<b>no neighbour</b> has it\n")
    with served(review_app(Labels(path, data))) as running:
        context = browser.new_context()
        page = context.new_page()
        page.goto(running.url)
        page.wait_for_selector("#desk:not([hidden])")
        assert page.inner_text("#given") == words[0]
        assert "<b>no neighbour</b>" in page.inner_text("#more")
        assert not page.is_visible("#suggested")
        page.keyboard.press("1")
        expect(page.locator("#saving")).to_have_text(f"{words[0]} → {words[1]} · saved")
        assert page.inner_text("#sum-pairs") == f"{words[0]} → {words[1]}: 1"
        context.close()
    assert read_patch(path).decisions == {name: words[1]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_page_fits_any_width_in_both_schemes(opened, width, scheme):
    page = opened.page
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    drop = page.get_by_role("button", name="Drop").bounding_box()
    assert drop["y"] + drop["height"] <= 800  # all that decides is in sight
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    page.click("[data-view=summary]")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_suggestion_that_is_no_class_does_not_lead_beyond_a_small_screen(opened, asked, digits):
    suggested = f",{(digits.train.labels[0] + 1) % 10},"
    atomic_write(opened.file, asked.replace(suggested, ",somethingofthekind,", 1))
    opened.page.set_viewport_size({"width": 375, "height": 800})
    opened.page.reload()
    opened.page.wait_for_selector("#suggested:text-is('somethingofthekind')")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 375
