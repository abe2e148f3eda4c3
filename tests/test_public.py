import asyncio
import pkgutil
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import digitwise


def test_public_surface_is_what_was_decided():
    assert digitwise.__all__ == [
        "Augmentation",
        "Comparison",
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
        assert getattr(digitwise, name).__doc__


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


def test_a_server_is_the_same_from_python_and_refuses_a_notebook(monkeypatch):
    begun, told = [], []
    monkeypatch.setattr("digitwise.server.serving.serve", lambda app, sock, log: begun.append(log))
    monkeypatch.setenv("DIGITWISE_TOKEN", "from-environment")
    digitwise.serve(port=0, log=True, tell=lambda url, settings: told.append((url, settings.token)))
    assert begun == [True]
    assert told[0][0].startswith("http://127.0.0.1:")
    assert told[0][1] == "from-environment"

    async def notebook():
        digitwise.serve(port=0)

    monkeypatch.undo()
    with (
        ThreadPoolExecutor(1) as pool,  # in this thread a test before may have left a loop of Playwright's
        pytest.raises(digitwise.DigitwiseError, match="no running event loop"),
    ):
        pool.submit(asyncio.run, notebook()).result()
