import asyncio
import pkgutil
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import digitwise

pytestmark = pytest.mark.usefixtures("undrawn")


def test_public_surface_is_what_was_decided():
    assert digitwise.__all__ == [
        "Augmentation",
        "Comparison",
        "Comparisons",
        "DataError",
        "DataNotFoundError",
        "Dataset",
        "DigitClassifier",
        "DigitwiseError",
        "Evaluation",
        "Export",
        "ExportError",
        "ImageSet",
        "MissingPartError",
        "ModelError",
        "Page",
        "Predictions",
        "Reader",
        "Reading",
        "Recipe",
        "RecipeError",
        "Run",
        "RunError",
        "Sweep",
        "calibrate",
        "check",
        "compare",
        "evaluate",
        "export",
        "improve",
        "load",
        "load_model",
        "normalize",
        "report",
        "serve",
        "sweep",
        "train",
    ]
    for name in digitwise.__all__:
        assert ">>> " in getattr(digitwise, name).__doc__, name


def test_no_public_name_is_a_module_too_which_would_hide_it():
    modules = {module.name for module in pkgutil.iter_modules(digitwise.__path__)}
    assert not modules & set(digitwise.__all__)


def test_every_error_has_one_base():
    errors = [getattr(digitwise, name) for name in digitwise.__all__ if name.endswith("Error")]
    assert all(issubclass(error, digitwise.DigitwiseError) for error in errors)


def test_importing_digitwise_imports_nothing_else():
    code = "import digitwise, sys; print([m for m in ('numpy', 'keras', 'typer') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_evaluating_a_stored_run_does_not_import_keras(trained):
    code = (
        f"import digitwise, sys; digitwise.evaluate({str(trained)!r});"
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_train_takes_names_and_gives_a_run(tmp_path, small):
    recipe = digitwise.Recipe("mine", "a recipe of my own", "simple-cnn", epochs=1, batch_size=32)
    run = digitwise.train(recipe, small, out=tmp_path / "mine")
    assert run.name == "mine"
    assert digitwise.evaluate(run, small).n == 30
    assert repr(run) == f"Run(mine: {run.info['results']['test']['errors']} of 30 test images wrong, {str(run.path)!r})"
    again = shutil.copytree(run.path, tmp_path / "again")
    assert digitwise.compare(run, again).p_value == 1


def test_data_in_memory_goes_wherever_data_goes(tmp_path, small):
    recipe = digitwise.Recipe("mine", "a recipe of my own", "simple-cnn", epochs=1, batch_size=32)
    data = ((small.train.images / 255, small.train.labels), (small.test.images / 255, small.test.labels))
    run = digitwise.train(recipe, data, out=tmp_path / "mine")
    assert run.info["data"]["fingerprint"] == small.fingerprint
    assert digitwise.evaluate(run, data[1]).n_errors == digitwise.evaluate(run).n_errors
    assert run.dataset(data).fingerprint == small.fingerprint
    with pytest.raises(digitwise.RunError, match="which was in memory") as told:
        run.dataset()
    assert (told.value.argument, told.value.path) == ("data", str(run.path))
    assert digitwise.check(data, select=["DW010"]).subject.name == "arrays"


def test_a_server_is_the_same_from_python_and_refuses_a_notebook(monkeypatch, capsys):
    begun, told = [], []
    monkeypatch.setattr("digitwise.server.serving.serve", lambda app, sock, log: begun.append(log))
    monkeypatch.setenv("DIGITWISE_TOKEN", "from-environment")
    digitwise.serve(port=0, log=True, tell=lambda url, settings: told.append((url, settings.token)))
    assert begun == [True]
    assert told[0][0].startswith("http://127.0.0.1:")
    assert told[0][1] == "from-environment"

    async def notebook():
        digitwise.serve(port=0)

    digitwise.serve(port=0)
    assert capsys.readouterr().err.startswith("digitwise reads at http://127.0.0.1:")
    for port in (-1, 99_999_999):
        with pytest.raises(digitwise.DigitwiseError, match=r"port: expected a number from 0 to 65535, got .*\d"):
            digitwise.serve(port=port)

    monkeypatch.undo()
    with (
        ThreadPoolExecutor(1) as pool,  # in this thread a test before may have left a loop of Playwright's
        pytest.raises(digitwise.DigitwiseError, match="no running event loop"),
    ):
        pool.submit(asyncio.run, notebook()).result()


def test_several_seeds_are_trained_at_once(tmp_path, small):
    recipe = digitwise.Recipe("mine", "a recipe of my own", "simple-cnn", epochs=1, batch_size=32)
    runs = digitwise.train(recipe, small, seed=4, seeds=2, out=tmp_path / "seeds")
    assert [run.info["seed"] for run in runs] == [4, 5]
    assert [run.path.name for run in runs] == ["seed-4", "seed-5"]
    with pytest.raises(digitwise.RecipeError, match="also: expected it without seeds"):
        digitwise.train(recipe, small, seeds=2, also=[small])


def test_checks_have_a_short_repr(small):
    assert repr(digitwise.check(small, select=["DW010"])).startswith("Checked(")
