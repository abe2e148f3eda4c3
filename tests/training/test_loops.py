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

TRAINING = """
import json, sys
from pathlib import Path
from digitwise.data.splits import split_validation
from digitwise.recipes import find
from digitwise.training.fit import fit
from digitwise.training.predict import predict
from digitwise.training.saving import load_model, save_model
from tests.helpers import blobs

recipe = find("accurate").replace(epochs=8, batch_size=12, members=2, learning_rate=0.004)
splits = split_validation(blobs(90), size=18)
fitted = [fit(recipe, splits, precision="float32", deterministic=True) for _ in range(2)]
one, other = (model.model.get_weights() for model in fitted)
save_model(fitted[0].model, Path(sys.argv[1]))
loaded = load_model(Path(sys.argv[1]))
print(json.dumps({
    "errors": predict(fitted[0].model, splits.validation).errors,
    "errors_loaded": predict(loaded, splits.validation).errors,
    "losses": [row["loss"] for row in fitted[0].history],
    "same": all((a == b).all() for a, b in zip(one, other, strict=True)),
    "budget": fit(find("flash"), splits, budget=6).fit_seconds,
}))
"""


@pytest.mark.parametrize("backend", [name for name in BACKENDS if importlib.util.find_spec(name)])
def test_backend_trains_saves_loads_keeps_a_budget_and_is_deterministic_when_asked(backend, tmp_path):
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", TRAINING, str(tmp_path)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["errors"] == told["errors_loaded"] == 0
    assert 0.9 * 6 < told["budget"] < 1.1 * 6
    assert told["losses"][-1] < told["losses"][0]
    assert told["same"]


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
