import pytest

from digitwise.errors import RecipeError
from digitwise.recipes import RECIPES, Augmentation, find
from digitwise.recipes.space import draws, grid, swept
from digitwise.training.trials import Study

FLASH, ACCURATE = find("flash"), find("accurate")


def test_grid_has_all_combinations_the_last_name_varying_fastest():
    space = grid(FLASH, ["learning_rate=0.002,0.004", "batch_size=256,512,128"])
    values = [(trial.recipe.learning_rate, trial.recipe.batch_size) for trial in space.known]
    assert values == [(0.002, 256), (0.002, 512), (0.002, 128), (0.004, 256), (0.004, 512), (0.004, 128)]
    assert [trial.number for trial in space.known] == [1, 2, 3, 4, 5, 6]
    assert space.names == {"learning_rate": [0.002, 0.004], "batch_size": [256, 512, 128]}
    assert space.known[5].name == "trial 6: learning_rate 0.004, batch_size 128"


def test_values_not_named_stay_those_of_the_recipe():
    (trial,) = grid(ACCURATE, ["augmentation.rotation_range=10"]).known
    assert trial.recipe == ACCURATE.replace(
        augmentation=Augmentation(10, *list(vars(ACCURATE.augmentation).values())[1:])
    )


def test_range_of_an_augmentation_makes_one_where_there_was_none():
    (trial,) = grid(FLASH, ["augmentation.shear_range=5"]).known
    assert trial.recipe.augmentation == Augmentation(shear_range=5)


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        ("epochs=1,2", [1, 2]),
        ("test_shifts=true,false", [True, False]),
        ("betas=0.7:0.9,0.9:0.999", [(0.7, 0.9), (0.9, 0.999)]),
        ("early_stopping=none,3", [None, 3]),
        ("optimizer=adam, muon", ["adam", "muon"]),
        ("model=flash-cnn,compact-cnn", ["flash-cnn", "compact-cnn"]),
        ("label_smoothing=0,0.1", [0.0, 0.1]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_are_read_by_their_kind(axis, values):
    name = axis.partition("=")[0]
    start = FLASH.replace(early_stopping=1)  # so that none is seen to take it away
    read = [getattr(trial.recipe, name) for trial in grid(start, [axis]).known]
    assert read == values
    assert [type(value) for value in read] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ([], "got nothing"),
        (["epochs"], "expected NAME=VALUE"),
        (["rate=1"], "expected one of model, epochs, batch_size"),
        (["name=a,b"], "got 'name'"),
        (["members=1,2"], "got 'members'"),
        (["augmentation=none"], "got 'augmentation'"),
        (["augmentation.flip=1"], "augmentation.rotation_range, .* got 'augmentation.flip'"),
        (["epochs=1.5"], "epochs: expected a whole number, got '1.5'"),
        (["epochs=0"], "epochs: expected 1 or more, got 0"),
        (["epochs=1,,2"], "epochs: expected a whole number, got ''"),
        (["learning_rate=fast"], "learning_rate: expected a number, got 'fast'"),
        (["learning_rate=-1"], "learning_rate: expected a number above 0"),
        (["learning_rate=nan"], "learning_rate: expected a number above 0"),
        (["muon_momentum=1"], "muon_momentum: expected 0 or more and below 1"),
        (["betas=0.9"], "betas: expected 2 numbers joined by colons"),
        (["betas=0.9:1"], "betas: expected 0 or more and below 1"),
        (["keep=worst"], "keep: expected one of last, best, got 'worst'"),
        (["test_shifts=maybe"], "test_shifts: expected true or false"),
        (["augmentation.zoom_range=2"], "zoom_range: expected 0 or more"),
        (["epochs=1,1"], "each value of epochs once"),
        (["epochs=1", "epochs=2"], "each name once"),
        (["epochs=" + ",".join(map(str, range(1, 102))), "batch_size=1,2,3,4,5,6,7,8,9,10"], "1,010; draw some"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_grid_that_cannot_be_is_refused_in_one_line(axes, words):
    with pytest.raises(RecipeError, match=words) as caught:
        grid(FLASH, axes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_first_draw_is_the_recipe_as_it_is_and_the_others_lie_near_it(recipe):
    space = draws(recipe, 40)
    study = Study(space, 3, 1000)
    trials = [study.ask(number) for number in range(1, 41)]
    first, *others = (trial.recipe for trial in trials)
    assert first == recipe
    assert {other.batch_size for other in others} == {recipe.batch_size // 2, recipe.batch_size, recipe.batch_size * 2}
    rates = [other.learning_rate / recipe.learning_rate for other in others]
    assert 0.249 < min(rates) < 0.5
    assert 2 < max(rates) < 4.01
    assert all(0 <= other.label_smoothing <= 0.1 for other in others)
    assert len(set(others)) == 39
    assert all(space.names.keys() == trial.changes.keys() <= set(swept()) for trial in trials)


def test_only_what_the_recipe_uses_is_drawn():
    assert set(draws(FLASH, 1).names) == {"learning_rate", "batch_size", "label_smoothing"}
    assert {"muon_ratio", "muon_momentum", "augmentation.zoom_range"} <= draws(ACCURATE, 1).names.keys()
    study = Study(draws(FLASH.replace(augmentation=Augmentation(rotation_range=10)), 30), 0, 1000)
    drawn = [study.ask(number).recipe.augmentation for number in range(1, 31)]
    assert all(5 <= each.rotation_range <= 15 and each.zoom_range == 0 for each in drawn)


def test_draws_are_the_same_again_and_do_not_depend_on_their_number():
    few, many = (Study(draws(ACCURATE, n), 1, 1000) for n in (4, 9))
    some = [few.ask(number).recipe for number in range(1, 5)]
    assert some == [many.ask(number).recipe for number in range(1, 10)][:4]
    other = Study(draws(ACCURATE, 2), 2, 1000)
    assert some[1] != [other.ask(number).recipe for number in (1, 2)][1]


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_too_few_or_too_many_draws_are_refused(n):
    with pytest.raises(RecipeError, match="trials: expected 1 to 1,000"):
        draws(FLASH, n)
