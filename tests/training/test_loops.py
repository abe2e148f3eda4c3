"""Each installed backend trains, in a process of its own, since Keras takes its backend once."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from digitwise.training.backend import BACKENDS, keras
from digitwise.training.loops import make_loop
from digitwise.training.optimizers import Adam
from tests.helpers import blobs
from tests.shards import write_shards

TRAINING = """
import json, sys
from pathlib import Path
from digitwise.data.splits import split_validation
from digitwise.recipes import find
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.saving import load_model, save_model
from tests.helpers import blobs

recipe = find("augmented").replace(epochs=8, batch_size=12, learning_rate=0.004)
splits = split_validation(blobs(90), size=18)
fitted = [fit(recipe, splits, FitOptions(precision="float32", deterministic=True)) for _ in range(2)]
one, other = (model.model.get_weights() for model in fitted)
imported = "tensorflow" in sys.modules
save_model(fitted[0].model, Path(sys.argv[1]))
loaded = load_model(Path(sys.argv[1]))
print(json.dumps({
    "errors": predict(fitted[0].model, splits.validation).errors,
    "errors_loaded": predict(loaded, splits.validation).errors,
    "losses": [row["loss"] for row in fitted[0].history],
    "same": all((a == b).all() for a, b in zip(one, other, strict=True)),
    "tensorflow": imported,
}))
"""

WHOLE_EPOCHS = """
import json
from digitwise.data.splits import split_validation
from digitwise.recipes import Recipe
from digitwise.training import trainer
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict
from digitwise.training.watch import Watch
from tests.helpers import blobs

class Epochs(Watch):
    told = []

    def on_steps(self, epoch, share, loss, accuracy):
        self.told.append(epoch)

trainer.on_accelerator = lambda: True
recipe = Recipe("quick", "for tests", "simple-cnn", epochs=3, batch_size=16, learning_rate=0.003)
splits = split_validation(blobs(90), size=18)
fitted = fit(recipe, splits, FitOptions(precision="float32"), watch=Epochs())
print(json.dumps({"errors": predict(fitted.model, splits.validation).errors, "epochs": Epochs.told}))
"""

DETERMINISTIC = """
import json
import jax
from digitwise.training import backend
from digitwise.training.loops import make_loop
from digitwise.training.optimizers import Adam

given, jit = [], jax.jit
jax.jit = lambda *args, **settings: (given.append(settings.pop("compiler_options")), jit(*args, **settings))[1]
network = backend.keras.Sequential([backend.keras.Input((3,)), backend.keras.layers.Dense(2)])
backend.on_accelerator()  # JAX has started
for _ in range(2):
    make_loop(network, Adam(1.0), 0.0, most=1)
    backend.make_deterministic()
print(json.dumps(given))
"""

STREAMED = """
import json, sys
from digitwise.data.streamed import open_streamed, training_splits
from digitwise.recipes import Augmentation, Recipe
from digitwise.training.fit import fit
from digitwise.training.options import FitOptions
from digitwise.training.predict import predict

warp = Augmentation(rotation_range=3)
recipe = Recipe("quick", "for tests", "simple-cnn", 3, 16, learning_rate=0.003, augmentation=warp)
splits = training_splits(open_streamed(sys.argv[1]), size=None, seed=0)
fitted = fit(recipe, splits, FitOptions(precision="float32"))
print(json.dumps({"errors": predict(fitted.model, splits.validation).errors, "images": fitted.images}))
"""

each_backend = pytest.mark.parametrize(
    "backend",
    [
        pytest.param(name, marks=[] if name == BACKENDS[0] else pytest.mark.slow)
        for name in BACKENDS
        if importlib.util.find_spec(name)
    ],
)


def told_by(backend, program, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        # Networks this small gain nothing from PyTorch's threads, which wait long for each other on a busy machine.
        env={**os.environ, "KERAS_BACKEND": backend, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@each_backend
def test_backend_trains_saves_loads_and_is_deterministic_when_asked(backend, tmp_path):
    told = told_by(backend, TRAINING, tmp_path)
    assert told["errors"] == told["errors_loaded"] == 0
    assert told["losses"][-1] < told["losses"][0]
    assert told["same"]
    assert told["tensorflow"] == (backend == "tensorflow")  # which takes seconds to import


@pytest.mark.slow
@each_backend
def test_backend_trains_on_images_that_stay_in_shards(backend, tmp_path):
    told = told_by(backend, STREAMED, write_shards(tmp_path, blobs(90), blobs(9)))
    assert told == {"errors": 0, "images": 3 * 80}  # 76 in batches of 16, the last one filled


@pytest.mark.slow
@each_backend
def test_accelerator_gets_a_whole_epoch_in_one_call(backend):
    told = told_by(backend, WHOLE_EPOCHS)
    assert told["epochs"] == [1, 1, 2, 3]  # the first step by itself, to know what compiling took
    assert told["errors"] == 0


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="not at hand: JAX")
def test_jax_compiles_for_equal_bits_also_where_it_has_started_before():
    plain, wanted = {}, {"xla_gpu_deterministic_ops": True}
    assert told_by("jax", DETERMINISTIC) == [plain, plain, wanted, wanted]


def test_loop_takes_the_steps_that_keras_takes():
    def network():
        keras.utils.set_random_seed(1)
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(6, 4, 3)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, (6, 4))]
    ours, theirs = network(), network()
    optimizer = Adam(1.0)
    optimizer.build(ours.trainable_variables)
    loop = make_loop(ours, optimizer, 0.1, most=4)
    losses = [
        loop.train(inputs[part], targets[part], np.full(len(inputs[part]), 0.05, np.float32))[0]
        for part in (slice(0, 4), slice(4, 6))
    ]
    theirs.compile(keras.optimizers.Adam(0.05), keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    expected = [theirs.train_on_batch(x, y) for x, y in zip(inputs, targets, strict=True)]
    np.testing.assert_allclose(losses, [np.mean(expected[:4]), np.mean(expected[4:])], rtol=1e-4)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    np.testing.assert_allclose(loop.predict(inputs[0]), theirs.predict_on_batch(inputs[0]), atol=1e-5)
