"""The data sets are the published ones; made data lie where their formula says; a split is a partition."""

import dataclasses
import gzip
import hashlib
import importlib.resources

import numpy as np
import pytest

from nn import data

# Counts per digit in the test part, from the documentation of the UCI data set.
DIGIT_COUNTS = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]

# Means and standard deviations of the four columns, from the documentation of the UCI data set (two decimals).
IRIS_MEANS = [5.84, 3.06, 3.76, 1.20]
IRIS_DEVIATIONS = [0.83, 0.44, 1.77, 0.76]


def test_digits_are_the_published_test_part():
    digits = data.load_digits()
    assert digits.X.shape == (1797, 64)
    assert digits.y.dtype == np.int64
    assert np.bincount(digits.y).tolist() == DIGIT_COUNTS


def test_pixels_are_whole_sixteenths_between_zero_and_one():
    pixels = data.load_digits().X * 16
    assert (pixels == np.round(pixels)).all()
    assert pixels.min() == 0
    assert pixels.max() == 16


def test_the_first_picture_looks_like_a_zero():
    digits = data.load_digits()
    picture = digits.X[0].reshape(8, 8) > 0.4
    assert digits.y[0] == 0
    assert not picture[3:5, 3:5].any()  # the hole
    assert picture[0].any()
    assert picture[7].any()


def test_iris_has_the_published_moments_and_fishers_two_rows():
    iris = data.load_iris()
    assert np.bincount(iris.y).tolist() == [50, 50, 50]
    np.testing.assert_allclose(iris.X.mean(axis=0), IRIS_MEANS, atol=0.006)
    np.testing.assert_allclose(iris.X.std(axis=0, ddof=1), IRIS_DEVIATIONS, atol=0.006)
    # The rows in which the copy of the UCI repository differs from Fisher's paper.
    assert iris.X[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert iris.X[37].tolist() == [4.9, 3.6, 1.4, 0.1]


FOLDER = importlib.resources.files("nn.data")


def stated(text):
    """Whether the licence file states the digest of a text."""
    return hashlib.sha256(text).hexdigest() in (FOLDER / "DATA.md").read_text(encoding="utf-8")


def test_the_digits_are_the_original_text_byte_for_byte():
    digits = data.load_digits()
    rows = np.column_stack([(digits.X * 16).astype(int), digits.y]).tolist()
    assert stated("".join(",".join(map(str, row)) + "\n" for row in rows).encode())
    rows[1796][63] ^= 1  # one bit of the last picture
    assert not stated("".join(",".join(map(str, row)) + "\n" for row in rows).encode())


def test_the_licence_file_states_the_digest_of_iris_and_the_licence():
    assert stated(gzip.decompress((FOLDER / "iris.csv.gz").read_bytes()))
    assert "CC BY 4.0" in (FOLDER / "DATA.md").read_text(encoding="utf-8")


def test_loading_twice_gives_independent_arrays():
    first = data.load_iris()
    first.X[0, 0] = -1.0
    assert data.load_iris().X[0, 0] == 5.1


@pytest.mark.parametrize("generator", [data.moons, data.circles, data.spirals])
def test_a_seed_fixes_the_points(generator):
    first, again, other = generator(40, seed=3), generator(40, seed=3), generator(40, seed=4)
    assert (first.X == again.X).all()
    assert (first.X != other.X).any()
    assert np.bincount(first.y).tolist() == [20, 20]


def test_moons_without_noise_lie_on_two_half_circles():
    moons = data.moons(51, noise=0.0, seed=0)
    centre = np.where(moons.y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    np.testing.assert_allclose(np.hypot(*(moons.X - centre).T), 1.0, rtol=1e-15)
    assert (moons.X[moons.y == 0, 1] >= 0).all()
    assert (moons.X[moons.y == 1, 1] <= 0.5).all()
    assert (moons.y == 0).sum() == 26


def test_circles_without_noise_have_their_radii_and_no_point_twice():
    circles = data.circles(60, noise=0.0, factor=0.3, seed=0)
    np.testing.assert_allclose(np.hypot(*circles.X.T), np.where(circles.y == 0, 1.0, 0.3), rtol=1e-15)
    assert len(np.unique(np.round(circles.X, 9), axis=0)) == 60


def test_spirals_without_noise_are_one_arm_turned():
    spirals = data.spirals(30, classes=3, turns=1.5, noise=0.0, seed=0)
    arms = [spirals.X[spirals.y == label] @ [1, 1j] for label in range(3)]
    for label, arm in enumerate(arms):
        np.testing.assert_allclose(arm, arms[0] * np.exp(2j * np.pi * label / 3), atol=1e-15)
    np.testing.assert_allclose(np.abs(arms[0][[0, -1]]), [0.1, 1.0])


def test_xor_without_noise_is_the_truth_table():
    xor = data.xor()
    assert xor.X.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert xor.y.tolist() == [0, 1, 1, 0]


def test_noisy_xor_repeats_the_corners():
    xor = data.xor(400, noise=0.1, seed=1)
    corners = np.round(xor.X).astype(int)
    assert (corners[:, 0] ^ corners[:, 1] == xor.y).all()
    assert xor.X.std(axis=0).min() > 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: data.moons(1, seed=0), "at least 2 points"),
        (lambda: data.moons(10, seed=-1), "seed must be a whole number from 0 up"),
        (lambda: data.moons(10, noise=-1.0, seed=0), "noise .* not negative, got -1.0"),
        (lambda: data.moons(10, noise=float("nan"), seed=0), "noise .* got nan"),
        (lambda: data.circles(10, factor=1.0, seed=0), "factor between 0 and 1, got 1.0"),
        (lambda: data.circles(10, factor=float("nan"), seed=0), "factor between 0 and 1, got nan"),
        (lambda: data.spirals(10, classes=1, seed=0), "at least 2 classes, got 1"),
        (lambda: data.spirals(10, turns=0.0, seed=0), "number of turns, got 0.0"),
        (lambda: data.xor(3), "at least 4 points"),
    ],
)
def test_generators_refuse_what_makes_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_split_is_a_partition_that_keeps_the_proportions():
    digits = data.load_digits()
    parts = data.stratified_split(digits.y, [0.5, 0.25, 0.25], seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(1797))
    for part, fraction in zip(parts, [0.5, 0.25, 0.25], strict=True):
        counts = np.bincount(digits.y[part], minlength=10)
        # Two cuts, each rounded to the nearest whole example.
        assert np.abs(counts - fraction * np.bincount(digits.y)).max() <= 1.0


def test_each_class_is_cut_at_the_nearest_whole_example():
    digits = data.load_digits()
    train, _ = data.stratified_split(digits.y, [0.75, 0.25], seed=0)
    assert np.abs(np.bincount(digits.y[train]) - 0.75 * np.bincount(digits.y)).max() <= 0.5


def test_a_part_is_not_ordered_by_class():
    (rows, _) = data.stratified_split(np.repeat([0, 1], 50), [0.5, 0.5], seed=0)
    classes = np.repeat([0, 1], 50)[rows]
    assert (np.diff(classes) != 0).sum() > 5


def test_train_test_split_is_reproducible_and_disjoint():
    iris = data.load_iris()
    train, test = data.train_test_split(iris, test_fraction=0.2, seed=5)
    again, _ = data.train_test_split(iris, test_fraction=0.2, seed=5)
    other, _ = data.train_test_split(iris, test_fraction=0.2, seed=6)
    assert (train.X == again.X).all()
    assert (train.X != other.X).any()
    assert np.bincount(test.y).tolist() == [10, 10, 10]
    together = np.concatenate([train.X, test.X])
    assert sorted(map(tuple, together)) == sorted(map(tuple, iris.X))


@pytest.mark.parametrize(
    ("y", "fractions", "message"),
    [
        ([], [0.5, 0.5], "N > 0"),
        ([[0, 1]], [0.5, 0.5], r"got shape \(1, 2\)"),
        ([0, 1, 0, 1], [0.5, 0.4], "sum to 1"),
        ([0, 1, 0, 1], [1.5, -0.5], "must be positive"),
        ([0, 1, 0, 1], [float("nan"), 0.5], "must be positive"),
        ([0, 1], [0.9, 0.1], "would be empty"),
    ],
)
def test_a_split_that_cannot_be_made_is_an_error(y, fractions, message):
    with pytest.raises(ValueError, match=message):
        data.stratified_split(y, fractions, seed=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_test_fraction_lies_between_zero_and_one(fraction):
    with pytest.raises(ValueError, match="test_fraction must lie between 0 and 1"):
        data.train_test_split(data.xor(), test_fraction=fraction, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([0, 1, 2, 0])}, "classes must lie between 0 and 1, got 0 to 2"),
        ({"y": np.array([0, 1])}, r"y of shape \(N,\)"),
        ({"X": np.array([[np.nan, 0.0]] * 4)}, "finite"),
        ({"feature_names": ("x1",)}, "2 columns, but 1 feature names"),
    ],
)
def test_a_dataset_whose_parts_do_not_fit_is_an_error(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(data.xor(), **change)
