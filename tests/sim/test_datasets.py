"""Data sets: every registered one keeps the contract, the real ones are the published ones, splits do not leak."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradflow.errors import DataError, UnknownNameError
from gradflow.sim.datasets import DATASETS, Dataset, Split, bundled, make, split, strata

TOY = ("two-moons", "circles", "spirals", "xor", "blobs", "sine", "chebyshev")
PLANAR = TOY[:5]
REAL = ("digits", "iris", "wine", "breast-cancer", "diabetes")

every = pytest.mark.parametrize("name", list(DATASETS))
toy = pytest.mark.parametrize("name", TOY)
real = pytest.mark.parametrize("name", REAL)

quick = settings(max_examples=30, deadline=None)


def seeded(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# The registry


def test_registry_lists_toy_sets_before_real_ones() -> None:
    assert tuple(DATASETS) == TOY + REAL


@every
def test_tooltip_is_short(name: str) -> None:
    lines = [line for line in DATASETS[name].doc.splitlines() if line]
    assert 2 <= len(lines) <= 4


@every
def test_arrays_have_the_promised_shapes_and_types(name: str) -> None:
    data = make(name, None, 0.1, seeded())
    n, d = data.inputs.shape
    assert data.inputs.dtype == np.float64
    assert len(data.features) == len(set(data.features)) == d
    assert np.isfinite(data.inputs).all()
    assert not data.inputs.flags.writeable
    assert not data.targets.flags.writeable
    if data.classes:
        assert data.targets.shape == (n,)
        assert data.targets.dtype == np.int64
        assert set(data.targets.tolist()) == set(range(len(data.classes)))
    else:
        assert data.targets.shape == (n, 1)
        assert data.targets.dtype == np.float64


@every
def test_task_follows_from_the_number_of_classes(name: str) -> None:
    data = make(name, None, 0.0, seeded())
    regression, multiclass = ("sine", "chebyshev", "diabetes"), ("blobs", "digits", "iris", "wine")
    assert data.task == ("regression" if name in regression else "multiclass" if name in multiclass else "binary")


@every
@pytest.mark.parametrize("samples", [1, 2, 3, 100])
def test_exactly_as_many_samples_as_asked_for(name: str, samples: int) -> None:
    data = make(name, samples, 0.1, seeded())
    assert len(data.inputs) == len(data.targets) == samples


@every
def test_same_seed_gives_the_same_bits_and_another_seed_does_not(name: str) -> None:
    first, again, other = (make(name, 60, 0.2, seeded(seed)) for seed in (1, 1, 2))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.targets.tobytes() == again.targets.tobytes()
    # Where x is evenly spaced, only the noise is drawn.
    assert (first.inputs.tobytes(), first.targets.tobytes()) != (other.inputs.tobytes(), other.targets.tobytes())


@every
def test_global_random_state_is_not_touched(name: str) -> None:
    before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    make(name, 20, 0.1, seeded())
    after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert before["pos"] == after["pos"]
    assert np.array_equal(before["key"], after["key"])


@every
def test_every_set_can_be_split_from_one_sample_up(name: str) -> None:
    for samples in (1, 2, 5):
        parts = split(make(name, samples, 0.1, seeded()), 0.3, seeded())
        assert len(parts.x_train) + len(parts.x_validation) == samples
        assert np.isfinite(parts.x_train).all()


def test_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'spirals'"):
        make("spiral", None, 0.0, seeded())


@pytest.mark.parametrize("samples", [0, -3])
def test_less_than_one_sample_is_refused(samples: int) -> None:
    with pytest.raises(DataError, match="at least 1"):
        make("xor", samples, 0.0, seeded())


@pytest.mark.parametrize("noise", [-0.1, float("nan"), float("inf")])
def test_impossible_noise_is_refused(noise: float) -> None:
    with pytest.raises(DataError, match="noise"):
        make("xor", 10, noise, seeded())


# Toy sets


@toy
def test_toy_set_has_500_points_unless_told(name: str) -> None:
    assert len(make(name, None, 0.0, seeded()).inputs) == 500


@pytest.mark.parametrize("name", PLANAR)
@pytest.mark.parametrize("samples", [2, 10, 11, 100, 101])
def test_class_sizes_differ_by_at_most_one(name: str, samples: int) -> None:
    data = make(name, samples, 0.1, seeded())
    assert np.ptp(np.bincount(data.targets, minlength=len(data.classes))) <= 1


def moons_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    centre = np.where(y[:, None] == 0, [0, 0], [1, 0.5])
    beyond = np.where(y == 0, -x[:, 1], x[:, 1] - 0.5).clip(0)
    return np.hypot(*(x - centre).T) - 1 + beyond


def circles_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.hypot(*x.T) - np.where(y == 0, 1, 0.5)


def spirals_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    angle = np.pi * np.hypot(*x.T) + np.pi * y
    return x - np.hypot(*x.T)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])


def xor_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ((x[:, 0] * x[:, 1] < 0) != (y == 1)).astype(float) + (np.abs(x).max(axis=1) - 1).clip(0)


def blobs_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    angle = np.pi / 2 + y * 2 * np.pi / 3
    return x - np.column_stack([np.cos(angle), np.sin(angle)])


def sine_residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(y - np.sin(x)) + (np.abs(x) - 2 * np.pi).clip(0)


Residual = Callable[[np.ndarray, np.ndarray], np.ndarray]


@pytest.mark.parametrize(
    ("name", "residual"),
    [
        ("two-moons", moons_residual),
        ("circles", circles_residual),
        ("spirals", spirals_residual),
        ("xor", xor_residual),
        ("blobs", blobs_residual),
        ("sine", sine_residual),
    ],
)
def test_without_noise_points_lie_on_the_curve(name: str, residual: Residual) -> None:
    data = make(name, 400, 0.0, seeded(3))
    np.testing.assert_allclose(residual(data.inputs, data.targets), 0, atol=1e-12)


@toy
def test_noise_is_the_standard_deviation_in_the_data_s_units(name: str) -> None:
    clean, noisy = (make(name, 4000, noise, seeded(7)) for noise in (0.0, 0.3))
    part = "targets" if name in ("sine", "chebyshev") else "inputs"
    displacement = getattr(noisy, part) - getattr(clean, part)
    assert displacement.std() == pytest.approx(0.3, rel=0.05)
    assert displacement.mean() == pytest.approx(0, abs=0.02)


@toy
def test_more_noise_moves_points_along_a_line(name: str) -> None:
    """A slider that changes the noise must not deal new points."""
    none, some, twice = (make(name, 50, noise, seeded(5)) for noise in (0.0, 0.1, 0.2))
    np.testing.assert_allclose(twice.inputs - none.inputs, 2 * (some.inputs - none.inputs), atol=1e-12)
    np.testing.assert_allclose(twice.targets - none.targets, 2 * (some.targets - none.targets), atol=1e-12)


def test_spiral_arms_keep_their_distance() -> None:
    """Neighbouring turns are one unit apart along the radius, so noise 0 is separable everywhere."""
    data = make("spirals", 2000, 0.0, seeded())
    first, second = (data.inputs[data.targets == label] for label in (0, 1))
    nearest = np.sqrt(((first[:, None] - second[None]) ** 2).sum(axis=2)).min()
    assert 0.7 < nearest < 1.05


# Real sets


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("digits", (1797, 64), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
        ("iris", (150, 4), [50, 50, 50]),
        ("wine", (178, 13), [59, 71, 48]),
        ("breast-cancer", (569, 30), [212, 357]),
    ],
)
def test_classification_sets_have_the_published_sizes(name: str, shape: tuple[int, int], counts: list[int]) -> None:
    data = make(name, None, 0.0, seeded())
    assert data.inputs.shape == shape
    assert np.bincount(data.targets).tolist() == counts


def test_digits_are_pixels_from_0_to_16() -> None:
    pixels = make("digits", None, 0.0, seeded()).inputs
    assert pixels.min() == 0
    assert pixels.max() == 16
    assert (pixels == np.round(pixels)).all()


@pytest.mark.parametrize(
    ("name", "feature", "low", "high", "mean"),
    [
        ("iris", "sepal length (cm)", 4.3, 7.9, 5.84),
        ("iris", "petal width (cm)", 0.1, 2.5, 1.20),
        ("wine", "alcohol", 11.03, 14.83, 13.0),
        ("wine", "proline", 278, 1680, 746.9),
        ("breast-cancer", "mean radius", 6.981, 28.11, 14.13),
        ("breast-cancer", "worst area", 185.2, 4254, 880.6),
        ("diabetes", "age", 19, 79, 48.5),
        ("diabetes", "bmi", 18, 42.2, 26.4),
    ],
)
def test_features_stand_under_their_names(name: str, feature: str, low: float, high: float, mean: float) -> None:
    data = make(name, None, 0.0, seeded())
    column = data.inputs[:, data.features.index(feature)]
    assert (column.min(), column.max()) == (low, high)
    assert column.mean() == pytest.approx(mean, rel=5e-3)


def test_diabetes_is_raw_with_the_published_target() -> None:
    data = make("diabetes", None, 0.0, seeded())
    assert data.inputs.shape == (442, 10)
    assert set(data.inputs[:, data.features.index("sex")]) == {1, 2}
    assert data.targets.mean() == pytest.approx(152.13, abs=0.005)
    assert (data.targets.min(), data.targets.max()) == (25, 346)


def test_class_names_belong_to_their_labels() -> None:
    """Malignant is the smaller class; setosa has by far the shortest petals."""
    assert make("breast-cancer", None, 0.0, seeded()).classes == ("malignant", "benign")
    flowers = make("iris", None, 0.0, seeded())
    assert flowers.classes == ("setosa", "versicolor", "virginica")
    assert flowers.inputs[flowers.targets == 0, 2].max() < 2


@real
def test_noise_adds_nothing_to_real_data(name: str) -> None:
    np.testing.assert_array_equal(make(name, None, 5.0, seeded()).inputs, make(name, None, 0.0, seeded()).inputs)


@real
def test_whole_set_is_read_once(name: str) -> None:
    """Dragging a slider must not read the file again."""
    once, again = make(name, None, 0.0, seeded()), make(name, None, 0.0, seeded(1))
    assert once.inputs is again.inputs
    assert once.targets is again.targets


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("samples", [30, None])
def test_only_the_digits_are_images_and_a_subset_of_them_too(name: str, samples: int | None) -> None:
    data = make(name, samples, 0.0, seeded())
    assert data.image == ((8, 8, 1) if name == "digits" else None)


def test_an_image_is_laid_out_row_by_row() -> None:
    data = make("digits", 30, 0.0, seeded())
    places = [tuple(map(int, feature.split()[1:])) for feature in data.features]
    assert places == list(np.ndindex(8, 8))


@real
def test_subset_is_a_proportional_choice_of_rows(name: str) -> None:
    whole, part = make(name, None, 0.0, seeded()), make(name, 90, 0.0, seeded())
    rows = {row.tobytes() for row in np.column_stack([whole.inputs, whole.targets])}
    assert {row.tobytes() for row in np.column_stack([part.inputs, part.targets])} <= rows
    if part.classes:
        expected = np.bincount(whole.targets) * 90 / len(whole.targets)
        assert np.abs(np.bincount(part.targets) - expected).max() < 1


@real
def test_more_samples_than_there_are_is_refused_with_the_number(name: str) -> None:
    size = len(make(name, None, 0.0, seeded()).inputs)
    assert len(make(name, size, 0.0, seeded()).inputs) == size
    with pytest.raises(DataError, match=f"{name}.*{size} samples"):
        make(name, size + 1, 0.0, seeded())


@real
def test_file_is_reproducible_gzip(name: str) -> None:
    """A time stamp would change the file with every build: bytes 4..7 of a gzip header hold it."""
    assert bundled.resource("datasets", f"{name}.csv.gz").read_bytes()[4:8] == bytes(4)


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty file"),
        pytest.param(b"x,target\n1,2\n", id="not gzip"),
        pytest.param(packed("# t\n# classes:\nx,target\n" + "1,2\n" * 99)[:-12], id="cut short"),
        pytest.param(packed("# t\n# classes:\nx,target\n")[:10] + bytes(range(90, 140)), id="garbled"),
        pytest.param(gzip.compress(b"\xff\xfe\n\n\n"), id="not text"),
        pytest.param(packed("# t\n"), id="no header"),
        pytest.param(packed("# t\n# classes:\nx,target\n"), id="no samples"),
        pytest.param(packed("# t\nx,target\n1,2\n3,4\n"), id="no classes line"),
        pytest.param(packed("# t\n# classes:\nx,target\n1,two\n"), id="not a number"),
        pytest.param(packed("# t\n# classes:\nx,target\n1,2\n3\n"), id="ragged"),
        pytest.param(packed("# t\n# classes:\nx,y,target\n1,2\n"), id="column missing"),
        pytest.param(packed("# t\n# classes:\nx,target\n1,nan\n"), id="not finite"),
        pytest.param(packed("# t\n# classes: a, b\nx,target\n1,2\n"), id="label out of range"),
        pytest.param(packed("# t\n# classes: a, b\nx,target\n1,0.5\n"), id="label not whole"),
    ],
)
def test_damaged_file_is_named_and_not_a_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wine.csv.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"wine\.csv\.gz.*cannot be read.*reinstall"):
        bundled.read(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wine\.csv\.gz.*missing; reinstall"):
        bundled.read(tmp_path / "wine.csv.gz")


# Proportional shares


def test_largest_remainder_gives_the_left_over_seats_to_the_largest_fractions() -> None:
    counts = np.array([47, 16, 15, 12, 10])
    assert strata.apportion(counts * 1000, 10, counts * 1000).tolist() == [5, 2, 1, 1, 1]


@quick
@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.data())
def test_apportionment_is_complete_and_within_the_room(counts: list[int], data: st.DataObject) -> None:
    sizes = np.array(counts)
    room = np.maximum(sizes - 1, 0)
    total = data.draw(st.integers(0, int(sizes.sum())))
    seats = strata.apportion(sizes, total, room)
    assert seats.sum() == min(total, room.sum())
    assert ((seats >= 0) & (seats <= room)).all()


# Splits


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Small sets whose first feature is the sample's number, so that rows can be told apart after standardising."""
    n, d, classes = draw(st.integers(1, 60)), draw(st.integers(1, 3)), draw(st.sampled_from([0, 2, 3, 5]))
    rng = seeded(draw(st.integers(0, 2**16)))
    inputs = np.column_stack([np.arange(n), rng.normal(3, 50, (n, d))])
    targets = rng.integers(0, classes, n) if classes else rng.normal(-5, 9, (n, 2))
    return Dataset(inputs, targets, tuple(f"x{i}" for i in range(d + 1)), tuple(f"c{i}" for i in range(classes)))


fractions = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**32)


def numbers(parts: Split, x: np.ndarray) -> np.ndarray:
    """Return the sample numbers of standardised rows."""
    return np.round(x[:, 0] * parts.input_std[0] + parts.input_mean[0]).astype(int)


@quick
@given(datasets(), fractions, seeds)
def test_parts_are_disjoint_and_complete(data: Dataset, fraction: float, seed: int) -> None:
    parts = split(data, fraction, seeded(seed))
    both = np.concatenate([numbers(parts, parts.x_train), numbers(parts, parts.x_validation)])
    assert sorted(both) == list(range(len(data.inputs)))


@quick
@given(datasets(), fractions, seeds)
def test_rows_keep_their_targets(data: Dataset, fraction: float, seed: int) -> None:
    parts = split(data, fraction, seeded(seed))
    for x, y in ((parts.x_train, parts.y_train), (parts.x_validation, parts.y_validation)):
        back = y * parts.target_std + parts.target_mean if data.task == "regression" else y
        np.testing.assert_allclose(back, data.targets[numbers(parts, x)], rtol=1e-9, atol=1e-9)
        original = data.inputs[numbers(parts, x)]
        np.testing.assert_allclose(x * parts.input_std + parts.input_mean, original, rtol=1e-9, atol=1e-9)


@quick
@given(datasets(), fractions, seeds)
def test_classes_keep_their_proportions_and_one_training_sample(data: Dataset, fraction: float, seed: int) -> None:
    parts = split(data, fraction, seeded(seed))
    labels = data.targets if data.classes else np.zeros(len(data.inputs), int)
    taken = data.targets[numbers(parts, parts.x_validation)] if data.classes else np.zeros(len(parts.x_validation), int)
    counts, seats = np.bincount(labels), np.bincount(taken, minlength=labels.max() + 1)
    total = round(fraction * len(labels))
    assert seats.sum() == min(total, np.maximum(counts - 1, 0).sum())
    assert (seats[counts > 0] < counts[counts > 0]).all()
    if (np.ceil(counts * total / len(labels)) < counts)[counts > 0].all():
        assert (np.abs(seats - counts * total / len(labels)) < 1).all()


@quick
@given(datasets(), fractions, seeds)
def test_training_part_has_mean_0_and_deviation_1(data: Dataset, fraction: float, seed: int) -> None:
    parts = split(data, fraction, seeded(seed))
    arrays = [parts.x_train] + ([parts.y_train] if data.task == "regression" else [])
    for array in arrays:
        np.testing.assert_allclose(array.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(array.std(axis=0), 1 if len(array) > 1 else 0, atol=1e-9)


@quick
@given(datasets(), fractions, seeds)
def test_validation_values_do_not_leak_into_the_statistics(data: Dataset, fraction: float, seed: int) -> None:
    parts = split(data, fraction, seeded(seed))
    held_out = numbers(parts, parts.x_validation)
    inputs, targets = data.inputs.copy(), data.targets.copy()
    inputs[held_out] = 1e6
    if data.task == "regression":
        targets[held_out] = -1e6
    spoiled = split(Dataset(inputs, targets, data.features, data.classes), fraction, seeded(seed))
    for name in ("x_train", "y_train", "input_mean", "input_std", "target_mean", "target_std"):
        assert getattr(spoiled, name).tobytes() == getattr(parts, name).tobytes()


@quick
@given(datasets(), fractions, seeds)
def test_same_seed_splits_to_the_same_bits(data: Dataset, fraction: float, seed: int) -> None:
    first, again = split(data, fraction, seeded(seed)), split(data, fraction, seeded(seed))
    for name in ("x_train", "y_train", "x_validation", "y_validation"):
        assert getattr(first, name).tobytes() == getattr(again, name).tobytes()


@every
@pytest.mark.parametrize("fraction", [0.0, 0.25])
def test_parts_have_the_promised_shapes(name: str, fraction: float) -> None:
    data = make(name, 40, 0.1, seeded())
    parts = split(data, fraction, seeded())
    m, d = round(40 * fraction), data.inputs.shape[1]
    assert parts.x_train.shape == (40 - m, d)
    assert parts.x_validation.shape == (m, d)
    assert parts.y_train.shape == (40 - m, *data.targets.shape[1:])
    assert parts.y_validation.shape == (m, *data.targets.shape[1:])
    assert parts.y_train.dtype == parts.y_validation.dtype == data.targets.dtype
    assert parts.input_mean.shape == parts.input_std.shape == (d,)
    assert parts.target_mean.shape == parts.target_std.shape == ((0,) if data.classes else (1,))
    assert parts.dataset is data


@pytest.mark.parametrize("name", ["two-moons", "sine"])
def test_arrays_are_read_only_and_contiguous_whatever_the_storage_of_the_data(name: str) -> None:
    data = make(name, 40, 0.1, seeded())
    by_columns = Dataset(np.asfortranarray(data.inputs), np.asfortranarray(data.targets), data.features, data.classes)
    arrays = [value for value in vars(split(by_columns, 0.25, seeded())).values() if isinstance(value, np.ndarray)]
    assert len(arrays) == 8
    for array in arrays:
        assert array.flags.c_contiguous
        assert not array.flags.writeable


def test_constant_feature_becomes_0_and_keeps_its_unit() -> None:
    """The mean of equal numbers rounds; what is left of them must not be blown up to deviation 1."""
    data = Dataset(np.full((1000, 2), 0.1), np.arange(1000) % 2, ("x", "y"), ("a", "b"))
    parts = split(data, 0.2, seeded())
    assert parts.input_std.tolist() == [1, 1]
    assert not parts.x_train.any()
    assert not parts.x_validation.any()


def test_feature_too_small_to_square_stays_finite() -> None:
    data = Dataset(np.linspace(0, 1e-200, 10)[:, None], np.arange(10) % 2, ("x",), ("a", "b"))
    assert np.isfinite(split(data, 0.0, seeded()).x_train).all()


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 1.5, float("nan")])
def test_fraction_outside_0_to_1_is_refused(fraction: float) -> None:
    with pytest.raises(DataError, match="validation fraction"):
        split(make("xor", 10, 0.0, seeded()), fraction, seeded())


def test_empty_data_set_is_refused() -> None:
    with pytest.raises(DataError, match="training part would be empty"):
        split(Dataset(np.empty((0, 2)), np.empty(0, np.int64), ("x", "y"), ("a", "b")), 0.2, seeded())
