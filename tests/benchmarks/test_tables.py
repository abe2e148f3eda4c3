import pytest

from benchmarks import clock, tables
from benchmarks.measure import main_place, spread


def row(contender, seed=0, **changes):
    parts = {f"{part}_seconds": 1.0 for part in ("import", "load", "compile", "evaluate")}
    where = {"cpu": "Intel(R) Xeon(R) Processor", "cores": "2", "features": "amx_bf16 avx512_bf16"}
    versions = {"keras": "3.15", "tensorflow": "2.21", "jax": "0.10"}
    base = {"contender": contender, "data": "mnist", "seed": seed, "budget": "", "errors": "30", "fit_seconds": "10"}
    return {**base, **parts, **where, **versions, **changes}


ROWS = [row("flash", fit_seconds="2"), row("improved"), row("fast-torch")]
ON_AMD = {"cpu": "AMD EPYC", "features": "avx512_bf16"}


@pytest.mark.parametrize("name", tables.TABLES)
def test_table_can_be_made_before_anything_is_measured(name):
    table, _ = tables.TABLES[name]
    assert isinstance(table([]), str)  # there is no newest row, and no median of nothing


def test_head_of_a_recipe_without_rows_says_so():
    assert tables.result([], "flash") == "Not measured yet."


def test_cells_without_rows_hold_a_dash():
    table = tables.processor_table([*ROWS, row("flash", **ON_AMD)])
    assert "| flash | 30.0 | 10.0 | 30.0 | 2.0 |" in table
    assert "| improved | – | – | 30.0 | 10.0 |" in table
    assert "| flash's time over that of train_mnist_fast, float32 |  | – |  | 0.20 |" in table
    assert "| flash's time over that of train_mnist_fast, bfloat16 |  | – |  | – |" in table


def test_main_table_is_of_the_processor_with_the_most_contenders_not_the_newest():
    table = tables.recipe_table([*ROWS, row("flash", **ON_AMD), row("flash", 1, **ON_AMD)])
    assert table.startswith("| 2 cores of an Intel Xeon |")
    assert "| train_mnist_fast, float32 | 30.0 | 1 | 10.0 |" in table


def test_of_two_places_with_as_many_contenders_and_rows_the_newer_is_the_main_one():
    assert main_place([row("flash"), row("flash", **ON_AMD)]) == ("AMD EPYC", "tensorflow")


def test_rows_of_another_backend_have_a_column_of_their_own():
    table = tables.processor_table([*ROWS, row("flash", backend="jax", fit_seconds="5")])
    assert "| Intel Xeon, JAX: wrong | fit, s | Intel Xeon: wrong | fit, s |" in table
    assert "| flash | 30.0 | 5.0 | 30.0 | 2.0 |" in table


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "in bfloat16, Keras 3.15 on TensorFlow 2.21."),
        ({"features": "avx2"}, "in float32, Keras 3.15 on TensorFlow 2.21."),
        ({"backend": "jax", "precision": "float32"}, "in float32, Keras 3.15 on JAX 0.10."),
    ],
    ids=["old row, fast processor", "old row, plain processor", "row that says it"],
)
def test_head_of_a_recipe_names_backend_and_precision_of_its_rows(changes, told):
    assert tables.result([row("flash", **changes)], "flash").endswith(told)


def test_remark_about_the_clock_stands_beside_the_number():
    rows = [row("ensemble", remark="while other work ran")]
    assert "| 10.0 (while other work ran) |" in tables.recipe_table(rows)
    assert "fit 10.0 s (while other work ran);" in tables.result(rows, "ensemble")


def test_recipes_not_measured_on_other_sets_are_named():
    table = tables.set_table([*ROWS, row("flash", data="digits", errors="36")])
    assert "| `flash` | – | 90.00 % (1 seed) |" in table
    assert table.endswith(
        "Not measured on these: `baseline`, `improved`, `augmented`, `focus`, `accurate`, `ensemble`, `reader`."
    )


def test_clock_table_has_a_dash_where_a_part_was_not_told_apart():
    rows = [row("flash", seed, fit_seconds=str(seconds)) for seed, seconds in enumerate((1, 2, 3))]
    table = clock.clock_table([*rows, row("fast-torch", compile_seconds="0.0")])
    assert "| flash | 1.00 | 1.00 | 1.00 | 2.0 ± 1.0 | 1.00 |" in table
    assert "| train_mnist_fast, float32 | 1.00 | 1.00 | – | 10.0 | 1.00 |" in table


def test_other_processors_are_compared_recipe_by_recipe():
    slow = [row("flash", fit_seconds="3", **ON_AMD), row("improved", fit_seconds="20", **ON_AMD)]
    assert clock.other_processors([*ROWS, *slow]) == (
        "On 2 cores of an AMD EPYC, without AMX, our recipes take 1.5 to 2.0 times as long."
    )


def test_budget_table_tells_the_furthest_miss():
    rows = [row("accurate", 0, budget="5", fit_seconds="5.2"), row("accurate", 1, budget="5", fit_seconds="4.9")]
    table = clock.budget_table([*rows, row("accurate", budget="20", fit_seconds="20")])
    assert "| 5s | 30.0 ± 0.0 | 2 | 4.0 % |" in table
    assert "| 20s | 30.0 | 1 | 0.0 % |" in table
    assert "never further than 4.0 % from its budget" in table


def test_augmentation_line_has_the_ratio_and_its_aim():
    rows = [
        {"variant": name, "images_per_second": rate, "cpu": "AMD EPYC"}
        for name, rate in (("digitwise", "8000"), ("ImageDataGenerator.flow", "1000"))
    ]
    assert "8.0 times as many (aimed at: 5 times or more)" in clock.augmentation_line(rows)


def test_one_value_has_no_spread():
    assert spread([40]) == "40.0"
    assert spread([40, 42]) == "41.0 ± 1.4"
