import shutil
import subprocess
import sys

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
        "check",
        "compare",
        "evaluate",
        "export",
        "load",
        "load_model",
        "report",
        "sweep",
        "train",
    ]
    for name in digitwise.__all__:
        assert getattr(digitwise, name).__doc__


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
