import pytest

from digitwise.errors import RecipeError
from digitwise.images import Dataset
from digitwise.recipes import Recipe
from digitwise.training.options import FitOptions
from digitwise.training.watch import Watch
from digitwise.workflows.job import run_job
from tests.helpers import blobs

FIRST = Recipe("first", "for tests", "simple-cnn", epochs=1, batch_size=16, learning_rate=0.003)
RECIPES = [FIRST, FIRST.replace(name="second", epochs=2), FIRST.replace(name="third", epochs=3)]
OPTIONS = FitOptions(seed=3, precision="float32")


pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(scope="module")
def dataset():
    return Dataset("blobs", "made", blobs(90), blobs(45, seed=1))


class Names(Watch):
    def __init__(self):
        self.begun, self.done = [], []

    def on_task(self, name):
        self.begun.append(name)
        return self

    def on_task_done(self, name):
        self.done.append(name)


def test_a_job_leaves_a_run_for_each_recipe_and_a_page(dataset, tmp_path):
    watch, told = Names(), []
    job = run_job(RECIPES, dataset, tmp_path, OPTIONS, watch=watch, tell=lambda run: told.append(run.name))
    names = [recipe.name for recipe in RECIPES]
    assert [run.name for run in job.runs] == watch.begun == watch.done == told == names
    assert [run.path for run in job.runs] == [tmp_path / name for name in names]
    assert [len(run.history) for run in job.runs] == [1, 2, 3]
    assert [run.info["seed"] for run in job.runs] == [3, 3, 3]
    assert len(job.verdicts) == 1  # of second and third: the first one is where the exercise begins
    assert "second" in job.verdicts[0]
    assert "third" in job.verdicts[0]
    page = (tmp_path / "index.html").read_text()
    assert all(name in page for name in names)
    assert (tmp_path / "data").is_dir()


def test_a_job_goes_on_where_it_was(dataset, tmp_path):
    run_job(RECIPES[:2], dataset, tmp_path, OPTIONS)
    before = (tmp_path / "first" / "run.json").stat().st_mtime_ns
    job = run_job(RECIPES, dataset, tmp_path, OPTIONS, resume=True)
    assert (tmp_path / "first" / "run.json").stat().st_mtime_ns == before
    assert len(job.runs) == 3


def test_a_job_that_fails_leaves_nothing_unfinished(dataset, tmp_path):
    broken = RECIPES[1].replace(model="no-cnn")
    with pytest.raises(RecipeError, match="no-cnn"):
        run_job([FIRST, broken], dataset, tmp_path, OPTIONS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "first"]
