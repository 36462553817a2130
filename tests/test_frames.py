"""A data frame, whoever made it, gives the same examples as the columns it was made from."""

import numpy as np
import pytest

import nn

pytestmark = pytest.mark.extra
pytest.importorskip("narwhals", reason="data frames are read through narwhals")

COLUMNS = {
    "size": [1.5, 0.5, 2.0, -3.0],
    "count": [3, 1, 2, 0],
    "wild": [True, False, True, True],
    "colour": ["red", "blue", "red", "green"],
    "kind": ["rose", "daisy", "rose", "clover"],
}


def pandas_frame(columns):
    return pytest.importorskip("pandas", reason="its frames are tried").DataFrame(columns)


def polars_frame(columns):
    return pytest.importorskip("polars", reason="its frames are tried").DataFrame(columns)


def arrow_table(columns):
    return pytest.importorskip("pyarrow", reason="its tables are tried").table(columns)


FRAMES = [pandas_frame, polars_frame, arrow_table]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_gives_its_columns(frame):
    data = nn.data.from_frame(frame(COLUMNS), target="kind", categorical=["colour"], name="flowers")
    assert data.feature_names == ("size", "count", "wild", "colour=blue", "colour=green", "colour=red")
    assert data.class_names == ("clover", "daisy", "rose")
    assert data.y.tolist() == [2, 1, 2, 0]
    np.testing.assert_array_equal(
        data.X, [[1.5, 3, 1, 0, 0, 1], [0.5, 1, 0, 1, 0, 0], [2.0, 2, 1, 0, 0, 1], [-3.0, 0, 1, 0, 1, 0]]
    )
    assert repr(data) == "Dataset(flowers: 4 examples, 6 inputs, 3 classes)"


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("kind", "names", "y"),
    [
        ([10, 2, 10, 3], ("2", "3", "10"), [2, 0, 2, 1]),
        ([1.0, 0.0, 1.0, 1.0], ("0", "1"), [1, 0, 1, 1]),
        ([True, False, True, True], ("False", "True"), [1, 0, 1, 1]),
    ],
)
def test_classes_are_numbered_in_the_order_of_their_values(frame, kind, names, y):
    data = nn.data.from_frame(frame({"size": COLUMNS["size"], "kind": kind}), target="kind")
    assert (data.class_names, data.y.tolist()) == (names, y)


@pytest.mark.parametrize("frame", FRAMES)
def test_missing_values_are_named_or_left_out(frame):
    columns = {**COLUMNS, "size": [1.5, None, 2.0, -3.0], "kind": ["rose", "daisy", None, "clover"]}
    with pytest.raises(ValueError, match=r"row 1 lacks 'size' \(2 values are missing\)"):
        nn.data.from_frame(frame(columns), target="kind", ignore=["colour"])
    data = nn.data.from_frame(frame(columns), target="kind", ignore=["colour"], drop_missing=True)
    assert data.X.tolist() == [[1.5, 3.0, 1.0], [-3.0, 0.0, 1.0]]
    assert data.class_names == ("clover", "rose")


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"target": "knd"}, ValueError, "did you mean 'kind'"),
        ({"target": "kind"}, TypeError, "'colour' must hold numbers, .* name it in categorical"),
        ({"target": "kind", "ignore": ["size", "count", "wild", "colour"]}, ValueError, "a column for the inputs"),
        ({"target": "kind", "categorical": ["kind"]}, ValueError, "one part only"),
    ],
)
def test_what_a_frame_cannot_give_is_said(frame, options, error, message):
    with pytest.raises(error, match=message):
        nn.data.from_frame(frame(COLUMNS), **options)


@pytest.mark.parametrize("frame", FRAMES)
def test_an_infinite_input_is_refused(frame):
    with pytest.raises(ValueError, match="'size' must be finite, got inf in row 2"):
        nn.data.from_frame(frame({"size": [1.0, 2.0, float("inf")], "kind": [0, 1, 0]}), target="kind")


@pytest.mark.parametrize("thing", [[1, 2], {"size": [1]}, np.zeros((2, 2)), None])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(TypeError, match="needs a data frame in memory, got"):
        nn.data.from_frame(thing, target="kind")


def test_an_empty_frame_is_refused():
    with pytest.raises(ValueError, match="at least one complete example"):
        nn.data.from_frame(pandas_frame({"size": [], "kind": []}), target="kind")
