import numpy as np
import onnx
import onnxruntime
import pytest
from keras import layers as kl

from digitwise.exporting import finder as exporting
from digitwise.models.finder import finder
from digitwise.training.backend import keras

CHANNELS = 8, 12, 16, 16


def lived(model):
    """The model with normalisations as a training could leave them."""
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, kl.BatchNormalization):
            n = layer.moving_mean.shape[0]
            layer.set_weights([rng.uniform(*span, n) for span in ((0.4, 1.0), (-0.3, 0.3), (-0.1, 0.1), (0.3, 1.0))])
    return model


@pytest.fixture(scope="module")
def networks():
    """One finder for a size, as it is exported, and for any, as it is compared with."""
    keras.utils.set_random_seed(0)
    fixed, free = lived(finder(CHANNELS, side=64)), finder(CHANNELS)
    free.set_weights(fixed.get_weights())
    return exporting.convert_finder(fixed).SerializeToString(), free


@pytest.mark.parametrize("shape", [(2, 64, 96), (1, 144, 80)], ids=str)
def test_the_exported_finder_agrees_with_keras(networks, shape):
    content, network = networks
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    images[:, 20:30, 20:60] = 128  # even paper, where nothing but the floor keeps contrast small
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    maps = session.run(None, {exporting.INPUT: images})[0]
    wanted = np.asarray(network(images[..., None].astype(np.float32) / 255, training=False))
    assert maps.shape == wanted.shape == (shape[0], shape[1] // 4, shape[2] // 4, 24)
    assert np.ptp(wanted) > 0.1
    assert np.abs(maps - wanted).max() < 1e-2  # half precision of the kernels


def test_large_arrays_are_kept_in_half_precision(networks):
    model = onnx.load_from_string(networks[0])
    large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) > exporting.LARGE]
    assert large
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}


def test_the_command_converts_weights(tmp_path, monkeypatch):
    weights, out = tmp_path / "w.npz", tmp_path / "finder.onnx"
    np.savez(weights, *finder(side=64).get_weights())
    monkeypatch.setattr("sys.argv", ["finder", str(weights), str(out)])
    exporting.main()
    session = onnxruntime.InferenceSession(out.read_bytes(), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["n", "h", "w"]
    assert session.get_outputs()[0].shape == ["n", "rows", "columns", 24]


def test_the_bundled_finder_has_the_same_inputs_and_outputs():
    from digitwise.reading.finder import Finder

    session = Finder()._session
    assert session.get_inputs()[0].shape == ["n", "h", "w"]
    assert session.get_outputs()[0].shape == ["n", "rows", "columns", 24]
