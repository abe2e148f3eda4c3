"""The report, opened in a real browser."""

import json
import re
import shutil

import numpy as np
import pytest

from digitwise.errors import RunError
from digitwise.evaluation.fixes import gatherings
from digitwise.evaluation.slices import Condition, Slice
from digitwise.images import Dataset, ImageSet
from digitwise.predictions import Predictions
from digitwise.reporting.content import Wishes
from digitwise.reporting.evaluation import Evaluation
from digitwise.reporting.report import write_report as write
from digitwise.runs import Run


def write_report(runs, dataset, path, *wishes):
    return write([Evaluation.of_run(run, dataset) for run in runs], path, *wishes)


FINDING = {"code": "DW010", "severity": "error", "title": "Exact duplicates", "count": 7}


@pytest.fixture(scope="module")
def made(trained, digits, tmp_path_factory):
    """A report about one run, compared with a copy of it that errs elsewhere."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("a", "b"):
        shutil.copytree(trained, folder / name)
    with np.load(folder / "b" / "test.npz") as archive:
        labels, probabilities = archive["labels"], archive["probabilities"]
    probabilities[:9] = np.roll(probabilities[:9], 1, axis=1)
    np.savez(folder / "b" / "test.npz", labels=labels, probabilities=probabilities)
    runs = [Run.open(folder / name) for name in ("a", "b")]
    numbers = write_report(runs, digits, folder / "report.html", Wishes(findings=[FINDING]))
    return folder, numbers


@pytest.fixture
def opened(made, browser):
    """The page, at desktop width; whatever it logs or asks of a network fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page, trouble = context.new_page(), []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: None if request.url[:5] in ("file:", "data:") else trouble.append(request.url))
    page.goto((made[0] / "report.html").as_uri())
    yield page
    context.close()
    assert trouble == []


def shown(page, selector):
    return page.locator(selector).count()


def test_cell_of_the_confusion_matrix_opens_its_images(opened, made):
    confusion = np.array(made[1]["confusion"])
    given, predicted = (int(i[0]) for i in np.nonzero(confusion - np.diag(np.diag(confusion))))
    opened.click(f".confusion button[data-given='{given}'][data-predicted='{predicted}']")
    assert shown(opened, "dialog li.tile") == confusion[given, predicted]
    words = f"given {made[1]['class_names'][given]}, predicted {made[1]['class_names'][predicted]}"
    assert opened.inner_text("dialog h3").startswith(words)
    opened.keyboard.press("Escape")
    assert not opened.locator("dialog").is_visible()


def test_cell_with_many_images_shows_them_batch_by_batch(opened, made, digits):
    largest = int(np.diag(made[1]["confusion"]).argmax())
    count = made[1]["confusion"][largest][largest]
    opened.click(f".confusion button[data-given='{largest}'][data-predicted='{largest}']")
    assert shown(opened, "dialog li.tile") == min(count, 60)
    assert opened.locator("dialog .more").is_visible() == (count > 60)


def test_filters_leave_the_errors_they_name(opened, made):
    confusion = np.array(made[1]["confusion"])
    np.fill_diagonal(confusion, 0)
    assert shown(opened, "#gallery li") == min(confusion.sum(), 60)
    given = int(confusion.sum(axis=1).argmax())
    opened.select_option("select[name=given]", str(given))
    assert shown(opened, "#gallery li") == min(confusion[given].sum(), 60)
    assert opened.inner_text("#count") == f"{confusion[given].sum()} of {confusion.sum()} wrong images"
    opened.fill("input[name=confidence]", "100")
    assert opened.inner_text("#count").startswith("0 of ")


def test_tile_shows_its_own_image(opened, digits):
    place = opened.evaluate("data.given.findIndex((g, i) => g !== data.predicted[i])")
    drawn = opened.evaluate(
        """async (place) => {
            const url = getComputedStyle(document.querySelector('.sheet-test')).backgroundImage.slice(5, -2);
            const image = new Image(); image.src = url; await image.decode();
            const canvas = new OffscreenCanvas(28, 28).getContext('2d');
            canvas.drawImage(image, -28 * (place % data.columns), -28 * Math.floor(place / data.columns));
            return [...canvas.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
        }""",
        place,
    )
    assert drawn == digits.test.images[place].ravel().tolist()


def test_point_of_the_map_shows_its_image(opened):
    point = opened.locator(".map circle.wrong").first
    point.scroll_into_view_if_needed()
    point.dispatch_event("pointerover")
    assert opened.locator(".hover").is_visible()
    assert re.search(r"\d → \d", opened.inner_text(".hover"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_page_fits_any_width_in_both_schemes(made, browser, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto((made[0] / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    context.close()


def test_confusion_matrix_of_ten_classes_fits_a_phone(made, browser):
    context = browser.new_context(viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto((made[0] / "report.html").as_uri())
    assert page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.confusion').parentNode)")
    context.close()


def test_report_json_holds_the_numbers_of_the_page(made):
    folder, numbers = made
    kept = json.loads((folder / "report.json").read_text())
    assert kept["errors"] == numbers["errors"] == Run.open(folder / "a").predictions("test").errors
    text = (folder / "report.html").read_text()
    assert f"{kept['errors']} of {kept['n']}" in text
    assert kept["findings"] == [FINDING]
    assert FINDING["title"] in text
    assert [row["folder"] for row in kept["runs"]] == ["a", "b"]
    assert kept["comparisons"][0]["only_b"] > 0
    assert "Only b wrong" in text
    assert len(kept["ledger"]) >= 2


def test_report_json_holds_what_stands_behind_the_page(made, digits):
    """Cells of the confusion matrix, galleries of two runs, wrong images of slices, the map and its table."""
    kept = json.loads((made[0] / "report.json").read_text())
    answers = [Run.open(made[0] / name).predictions("test") for name in ("a", "b")]
    stored = kept["answers"]
    assert stored["given"] == digits.test.labels.tolist()
    for run, own in zip(stored["runs"], answers, strict=True):
        assert run["predicted"] == own.predicted.tolist()
        assert np.abs(np.array(run["confidence"]) - own.confidence).max() < 2e-4
    images = kept["comparisons"][0]["images"]
    assert images["only_b"] == np.flatnonzero(answers[1].missed & ~answers[0].missed).tolist()
    assert sum(row["wrong"] for row in kept["map_company"]) == answers[0].errors
    for group in kept["slices"]["found"]:
        assert len(group["wrong"]["given"]) == group["errors"]
    longest = max((made[0] / "report.json").read_text().splitlines(), key=len)
    assert longest.count(",") >= len(digits.test) - 1  # a long list is one line


def test_chart_has_a_table_behind_it(made):
    text = (made[0] / "report.html").read_text()
    sections = dict(re.findall(r'<h2 id="(\w+)">(.*?)(?=<h2|</main>)', text, flags=re.S))
    for name in ("curves", "calibration", "reading", "map"):
        assert "<table>" in sections[name], name


def test_wide_tables_are_not_cut_off_in_print(opened):
    assert opened.evaluate("getComputedStyle(document.querySelector('.wide')).overflowX") == "auto"
    opened.emulate_media(media="print")
    assert opened.evaluate("getComputedStyle(document.querySelector('.wide')).overflowX") == "visible"


def test_page_asks_for_nothing_outside_itself(made):
    text = (made[0] / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', re.sub(r"<script.*?</script>", "", text, flags=re.S))
    assert "http" not in re.sub(r'xmlns(?::\w+)?="[^"]*"', "", text).replace("http://www.w3.org", "")


def test_figures_are_on_disk_too(made):
    names = {path.name for path in (made[0] / "report-figures").iterdir()}
    assert {"loss.png", "accuracy.svg", "reliability.png", "risk-coverage.svg", "map.png", "confusion.png"} <= names
    assert "comparison.png" in names


def test_runs_of_different_images_are_refused_and_the_old_report_stays(made, digits, tmp_path):
    folder = made[0]
    other = Run.open(folder / "b")
    other.info["data"]["fingerprint"]["test"] = "another"
    before = (folder / "report.html").read_bytes()
    with pytest.raises(RunError, match=r"expected the images that .* was tested on"):
        write_report([Run.open(folder / "a"), other], digits, folder / "report.html")
    assert (folder / "report.html").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        "reporting.report._draw",
        "reporting.report._render",
        "reporting.report.write_json",
        "runs.write_json",
        "outputs.single_file.write_json",
    ],
)
def test_interrupted_report_leaves_the_old_one_in_place(made, digits, tmp_path, monkeypatch, step):
    """Pages, numbers, figures and policy: each step after which something could be replaced is broken off."""
    run = Run.open(shutil.copytree(made[0] / "a", tmp_path / "run"))
    write_report([run], digits, tmp_path / "report.html", Wishes(max_error=0.2))
    kept = (tmp_path, run.path / "policy.json")
    before = contents(*kept)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"digitwise.{step}", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_report([run], digits, tmp_path / "report.html", Wishes(max_error=0.3))
    assert contents(*kept) == before


def contents(folder, policy):
    """Every file in a folder but those of the run, which notes that its test images were looked at; and a policy."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent != policy.parent]
    return {path: path.read_bytes() for path in [*files, policy]}


@pytest.mark.usefixtures("undrawn")
def test_page_that_gives_no_guarantee_leaves_no_earlier_policy(made, digits, tmp_path):
    run = Run.open(shutil.copytree(made[0] / "a", tmp_path / "run"))
    write_report([run], digits, tmp_path / "report.html", Wishes(max_error=0.2))
    assert run.policy["max_error"] == 0.2
    write_report([run], digits, tmp_path / "report.html", Wishes(max_error=0.0001))
    assert "No guarantee can be given" in (tmp_path / "report.html").read_text()
    assert run.policy is None


def test_run_without_test_probabilities_is_refused(made, digits, tmp_path):
    shutil.copytree(made[0] / "a", tmp_path / "run")
    (tmp_path / "run" / "test.npz").unlink()
    with pytest.raises(RunError, match="expected the test probabilities of this run"):
        write_report([Run.open(tmp_path / "run")], digits, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


@pytest.mark.usefixtures("undrawn")
def test_run_of_an_earlier_version_gets_a_page_without_a_map(made, digits, tmp_path):
    shutil.copytree(made[0] / "a", tmp_path / "run")
    (tmp_path / "run" / "features.npz").unlink()
    write_report([Run.open(tmp_path / "run")], digits, tmp_path / "report.html")
    assert "keeps no features" in (tmp_path / "report.html").read_text()


def test_validation_images_that_are_others_are_refused(made, digits, tmp_path):
    others = Dataset("digits", "mixed", digits.train.take(np.arange(len(digits.train))[::-1]), digits.test)
    with pytest.raises(RunError, match="its validation images are not those of mixed"):
        write_report([Run.open(made[0] / "a")], others, tmp_path / "report.html")


@pytest.mark.usefixtures("undrawn")
def test_groups_found_by_cross_validation_are_shown_rather_than_those_of_validation(made, digits, tmp_path):
    run = Run.open(shutil.copytree(made[0] / "a", tmp_path / "run"))
    labels = digits.train.labels
    answers = Predictions(labels, np.eye(10, dtype=np.float32)[np.where(labels == 3, 5, labels)], run_names(run))
    slanted = Condition("slant", "much", 10, "slanted right by 10° or more")
    group = Slice((slanted,), np.flatnonzero(labels == 3), int((labels == 3).sum()), 0.01, 0.002)
    run.save_slices(gatherings([group], answers, folds=5))
    numbers = write_report([run], digits, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert f"Groups of training images ({len(labels):,}" in text
    assert "by cross-validation in 5 folds" in text
    assert "Digits slanted right by 10° or more" in text
    assert numbers["slices"]["found"][0]["wrong"]["predicted"] == [5] * group.errors
    assert (tmp_path / "report-figures" / "slices.png").exists()
    others = ImageSet(digits.train.images[:, ::-1].copy(), labels, digits.train.class_names)
    with pytest.raises(RunError, match="expected the training images of"):
        write_report([run], Dataset("digits", "here", others, digits.test), tmp_path / "report.html")


def run_names(run):
    return tuple(run.info["data"]["class_names"])


def test_name_that_is_no_page_is_refused(made, digits, tmp_path):
    with pytest.raises(RunError, match=r"ends in \.html"):
        write_report([Run.open(made[0] / "a")], digits, tmp_path / "report.pdf")
