"""The command that passes a model on."""

import shutil
import subprocess
import sys


def test_export_says_what_it_wrote(digitwise, trained, tmp_path):
    place = tmp_path / "mine.onnx"
    result = digitwise("export", trained, "--out", place)
    assert result.code == 0, result.err
    assert result.out.startswith(f"{place}: {place.stat().st_size:,} bytes; answers as the model does")
    assert "of the validation images" in result.out


def test_export_prints_json_on_demand(digitwise, trained, tmp_path):
    found = digitwise("export", trained, "--format", "keras", "--out", tmp_path / "a.keras", "--json").json
    assert found["path"] == str(tmp_path / "a.keras")
    assert found["size"] == (tmp_path / "a.keras").stat().st_size
    assert found["max_difference"] == 0
    assert found["metrics"]["test"]["n"] == 360
    assert {policy["max_error"] for policy in found["policies"]} <= {0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05}


def test_layer_without_counterpart_is_one_line_and_exit_code_2(digitwise, trained, tmp_path):
    import keras

    run = shutil.copytree(trained, tmp_path / "run")
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.GlobalMaxPooling2D(name="odd"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.save(run / "model.keras")
    result = digitwise("export", run)
    assert result.code == 2
    assert "layer odd: a layer of the kind GlobalMaxPooling2D cannot be written as ONNX" in result.err
    assert result.err.count("\n") == 1
    assert not (run / "model.onnx").exists()


def test_help_of_export_waits_for_nothing_heavy():
    code = (
        "import sys; from digitwise.cli.main import main; main(['export', '--help']);"
        "print([m for m in ('keras', 'onnx', 'onnxruntime', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
