import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from digitwise.errors import RecipeError
from digitwise.training.options import FitOptions, best_precision


def test_precision_that_is_not_given_is_what_the_processor_is_fast_at():
    assert FitOptions().precision == best_precision()
    assert FitOptions(precision="bfloat16").dtype_policy == "mixed_bfloat16"
    assert FitOptions(precision="float32").dtype_policy == "float32"


def test_precision_that_does_not_exist_is_refused():
    with pytest.raises(RecipeError, match="precision: expected float32 or bfloat16, got 'float16'"):
        FitOptions(precision="float16")


def test_budget_for_equal_bits_is_refused_from_the_start():
    with pytest.raises(RecipeError, match="deterministic: expected no budget with it"):
        replace(FitOptions(deterministic=True, precision="float32"), budget=5.0)


def test_options_travel_to_other_processes_and_into_run_json():
    options = FitOptions(seed=3, precision="float32", start_from=Path("run"))
    assert pickle.loads(pickle.dumps(options)) == options
    assert options.as_dict() == {
        "seed": 3,
        "budget": None,
        "precision": "float32",
        "deterministic": False,
        "start_from": "run",
    }
