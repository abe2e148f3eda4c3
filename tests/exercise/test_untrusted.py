"""Files of a notebook's process are untrusted: nothing is unpickled, run, or followed to other files."""

from __future__ import annotations

import json
import os
import pickle
import zipfile

import h5py
import numpy as np
import pytest

from digitwise.errors import ModelError
from digitwise.exercise.evidence import checked_model, read_evidence, read_plain

EVIDENCE = {
    "running": None,
    "missing": [],
    "cells": [],
    "series": [],
    "arrays": {},
    "values": {},
    "model3_is_better": None,
    "models": {},
    "looks": [],
    "troubles": [],
    "files": [],
}
LAYER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 10}, "registered_name": None}


class Trap:
    def __reduce__(self):
        return (os._exit, (1,))


def write_model(path, *layers, weights=None, **members):
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}
    inner = path.with_suffix(".h5")
    with h5py.File(inner, "w") as file:
        (weights or (lambda file: file.create_dataset("vars/0", data=np.zeros(3))))(file)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config | {"compile_config": {"loss": "mine"}}))
        archive.write(inner, "model.weights.h5")
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_plain_model_passes_without_its_compile_config(tmp_path):
    content = checked_model(write_model(tmp_path / "model.keras", LAYER))
    (tmp_path / "clean.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "clean.zip") as archive:
        assert "compile_config" not in json.loads(archive.read("config.json"))


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        (LAYER | {"class_name": "Lambda"}, "Lambda layer, whose code is not run here"),
        (LAYER | {"module": "os", "class_name": "system"}, "not part of Keras"),
        (LAYER | {"module": "kerasish.layers"}, "not part of Keras"),
        (LAYER | {"registered_name": "mine>Layer"}, "not part of Keras"),
        (LAYER | {"config": {"activation": {"module": "builtins", "class_name": "function"}}}, "function layer"),
    ],
    ids=["Lambda", "another module", "nearly Keras", "registered", "function"],
)
def test_model_with_code_in_it_is_refused(tmp_path, layer, why):
    with pytest.raises(ModelError, match=why):
        checked_model(write_model(tmp_path / "model.keras", layer))


def test_model_file_with_more_in_it_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"expected config.json, metadata.json, model.weights.h5"):
        checked_model(write_model(tmp_path / "model.keras", LAYER, **{"assets/x.pkl": pickle.dumps(Trap())}))


@pytest.mark.parametrize(
    "weights",
    [
        lambda file: file.__setitem__("vars", h5py.ExternalLink("/etc/passwd", "/")),
        lambda file: file.__setitem__("vars", h5py.SoftLink("/elsewhere")),
        lambda file: file.create_dataset("vars", (10**10,), "f4"),
        lambda file: file.create_dataset("vars", (4,), "f4", external=[("/etc/passwd", 0, 16)]),
        lambda file: file.create_dataset("vars", data=["text"], dtype=h5py.string_dtype()),
    ],
    ids=["external link", "soft link", "too large", "external data", "objects"],
)
def test_weights_that_are_not_plain_arrays_are_refused(tmp_path, weights):
    with pytest.raises(ModelError, match="weights"):
        checked_model(write_model(tmp_path / "model.keras", LAYER, weights=weights))


def test_other_files_links_and_pipes_are_refused(tmp_path):
    (tmp_path / "text.keras").write_text("no zip")
    (tmp_path / "link.keras").symlink_to(tmp_path / "text.keras")
    os.mkfifo(tmp_path / "pipe.keras")
    for name in ("text", "link", "pipe", "missing"):
        with pytest.raises(ModelError):
            checked_model(tmp_path / f"{name}.keras")
    with pytest.raises(ModelError, match="at most 3 bytes"):
        read_plain(tmp_path / "text.keras", 3)


def fit(examined):
    fed = {"seen": 1, "train": 1, "test": 0, "scaling": None, "counts": None, "unchanged": 0, "fault": ""}
    names = {"models": [1], "names": ["m"], "class_weight": {}, "callbacks": []}
    return names | {"fed": fed | {"examined": examined}, "validation": fed | {"examined": 0}}


def test_pickled_arrays_are_never_loaded(tmp_path):
    (tmp_path / "evidence.json").write_text(json.dumps(EVIDENCE | {"fits": [fit(1)]}))
    np.save(tmp_path / "fit-0.npy", np.array([Trap()], object), allow_pickle=True)
    with pytest.raises(ModelError, match="not readable"):
        read_evidence(tmp_path)
    (tmp_path / "fit-0.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ModelError, match="not readable"):
        read_evidence(tmp_path)
    np.save(tmp_path / "fit-0.npy", np.zeros((1, 784), np.uint8))
    assert read_evidence(tmp_path).fits[0].fed.images.shape == (1, 784)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "[" * 100_000, '{"running": "x"}'], ids=["empty", "list", "bare", "deep", "word"]
)
def test_malformed_evidence_is_refused(tmp_path, text):
    (tmp_path / "evidence.json").write_text(text)
    with pytest.raises(ModelError, match="not readable"):
        read_evidence(tmp_path)
