import json

import h5py
import numpy as np
import pytest

from digitwise import models
from digitwise.errors import RunError
from digitwise.training.backend import keras
from digitwise.training.saving import load_model, save_model

IMAGES = np.random.default_rng(0).random((8, 28, 28, 1), np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return models.build("simple-cnn", (28, 28, 1), 10)


def answers(model):
    return np.asarray(model.predict_on_batch(IMAGES))


@pytest.mark.parametrize("keep", ["model.keras", "model.json"], ids=["keras file", "json and weights"])
def test_saved_model_gives_bit_equal_predictions(model, tmp_path, keep):
    save_model(model, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.keras", "model.weights.h5"]
    assert np.array_equal(answers(load_model(tmp_path / keep)), answers(model))
    assert np.array_equal(answers(load_model(tmp_path)), answers(model))


def test_weights_under_the_old_name_load(model, tmp_path):
    save_model(model, tmp_path)
    (tmp_path / "model.weights.h5").rename(tmp_path / "model.h5")
    (tmp_path / "model.keras").unlink()
    assert np.array_equal(answers(load_model(tmp_path)), answers(model))


def test_weights_and_json_of_the_old_keras_load(model, tmp_path):
    """The files the exercise's own code left behind: Keras 2's JSON, and its weights as model.h5."""
    layers = [layer for layer in model.layers if layer.weights]
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers])
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.9.0"
        for layer in model.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{kind}:0" for kind in ("kernel", "bias")] if layer in layers else []
            group.attrs["weight_names"] = np.array([name.encode() for name in names], dtype="S64")
            for name, weight in zip(names, layer.get_weights(), strict=True):
                group.create_dataset(name, data=weight)
    (tmp_path / "model.json").write_text(json.dumps(old_json(model)))
    assert np.array_equal(answers(load_model(tmp_path)), answers(model))


def old_json(model):
    def plain(layer, **config):
        return {"class_name": type(layer).__name__, "config": {"name": layer.name, **config}}

    conv, pool, flat, hidden, head = model.layers
    return {
        "class_name": "Sequential",
        "config": {
            "name": "sequential",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {
                        "batch_input_shape": [None, 28, 28, 1],
                        "dtype": "float32",
                        "sparse": False,
                        "ragged": False,
                        "name": "conv2d_input",
                    },
                },
                plain(conv, filters=32, kernel_size=[3, 3], activation="relu", batch_input_shape=[None, 28, 28, 1]),
                plain(pool, pool_size=[2, 2], strides=[2, 2]),
                plain(flat),
                plain(hidden, units=128, activation="relu"),
                plain(head, units=10, activation="softmax"),
            ],
        },
        "keras_version": "2.9.0",
        "backend": "tensorflow",
    }


def test_whole_model_in_one_h5_file_loads(model, tmp_path):
    path = tmp_path / "model.h5"
    model.save(path)
    assert np.array_equal(answers(load_model(path)), answers(model))


def test_model_that_would_run_code_is_refused(tmp_path):
    evil = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    evil.save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=r"model\.keras: cannot be loaded"):
        load_model(tmp_path)


def test_folder_without_model_is_refused(tmp_path):
    with pytest.raises(RunError, match="found none"):
        load_model(tmp_path)
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(RunError, match="found neither"):
        load_model(tmp_path)
