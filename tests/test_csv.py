"""A CSV file becomes numbers and classes, or an error that names the line; standardising looks at the training part."""

import sys

import numpy as np
import pytest

import nn
from nn.data import Standardization, read_csv, read_csv_inputs, train_validation_test_split

FLOWERS = """\
length,width,colour,species
1.5,0.25,red,rose
2.5,0.5,blue,iris
-3e1,.75,red,rose
"""


@pytest.fixture
def written(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def test_numbers_words_and_classes_become_a_data_set(written):
    dataset = read_csv(written(FLOWERS), target="species", categorical=["colour"])
    assert dataset.feature_names == ("length", "width", "colour=blue", "colour=red")
    assert dataset.X.tolist() == [[1.5, 0.25, 0, 1], [2.5, 0.5, 1, 0], [-30.0, 0.75, 0, 1]]
    assert (dataset.class_names, dataset.y.tolist()) == (("iris", "rose"), [1, 0, 1])
    assert dataset.T.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert dataset.name == "data"


def test_the_last_column_is_the_class_and_columns_can_be_ignored(written):
    dataset = read_csv(written(FLOWERS), ignore=["colour", "width"])
    assert dataset.feature_names == ("length",)
    assert dataset.class_names == ("iris", "rose")


@pytest.mark.parametrize("target", [0, -3, "class"])
def test_classes_that_are_whole_numbers_are_in_their_order(written, target):
    dataset = read_csv(written("class,x,y\n10,1,1\n9,2,2\n-1,3,3\n10,4,4\n"), target=target)
    assert (dataset.class_names, dataset.y.tolist()) == (("-1", "9", "10"), [2, 1, 0, 2])


def test_quotes_other_delimiters_blank_lines_and_a_byte_order_mark_are_understood(written):
    text = '\ufeff"a;b";label\r\n"1";"one\r\nline"\r\n\r\n 2 ;"two ""2"""\r\n'
    dataset = read_csv(written(text), delimiter=";")
    assert dataset.feature_names == ("a;b",)
    assert dataset.X.tolist() == [[1.0], [2.0]]
    assert set(dataset.class_names) == {"one\r\nline", 'two "2"'}


def test_examples_with_missing_values_can_be_dropped(written):
    text = "a,b,label\n1,2,x\n,3,y\n4,NA,x\n5,6,?\n7,8,y\n"
    dataset = read_csv(written(text), drop_missing=True)
    assert dataset.X.tolist() == [[1, 2], [7, 8]]
    assert dataset.y.tolist() == [0, 1]


def test_inputs_are_found_by_name_and_in_order(written):
    path = written("colour,more,width,length\nred,x,1,2\nblue,y,3,4\n")
    names = ("length", "width", "colour=blue", "colour=red")
    assert read_csv_inputs(path, names).tolist() == [[2, 1, 0, 1], [4, 3, 1, 0]]


def test_reading_iris_back_gives_iris(written):
    iris = nn.data.load_iris()
    lines = [",".join([*iris.feature_names, "species"])]
    lines += [",".join([*map(repr, map(float, x)), iris.class_names[y]]) for x, y in zip(iris.X, iris.y, strict=True)]
    dataset = read_csv(written("\n".join(lines)))
    np.testing.assert_array_equal(dataset.X, iris.X)
    np.testing.assert_array_equal(dataset.y, iris.y)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "empty; a header line and examples are needed"),
        ("a,b\n", {}, "no example follows the header"),
        ("1,2\n3,4\n", {}, "the first line holds numbers only; a header line"),
        ("a,,c\n1,2,3\n", {}, "the header has no name for column 2"),
        ("a,b,a\n1,2,3\n", {}, "the header has the name 'a' twice"),
        ("a,b\n1,x\n2\n3,y\n", {}, "line 3 has 1 fields instead of 2$"),
        ("a,b\n1,x\n\n2,y,z\n3,y\n4\n5\n6\n", {}, "line 4 has 3 .*; line 6 has 1 .*; line 7 has 1 .*; and 1 more"),
        ("a,b\n1,x\n,y\n", {}, "line 3 lacks 'a'"),
        ("a,b\n1,x\n2,NaN\n", {}, "line 3 lacks 'b'"),
        ("a,b\n1,x\none,y\n", {}, "line 3 has 'one' as 'a', which is no finite number"),
        ("a,b\n1,x\ninf,y\n", {}, "line 3 has 'inf' as 'a'"),
        ("a,b\n1,x\n1e999,y\n", {}, "line 3 has '1e999' as 'a'"),
        ("a,b\n1,x\n1_0,y\n", {}, "line 3 has '1_0' as 'a'"),
        ('a,b\n1,x\n2,"y\n', {}, "line 3: unexpected end of data"),
        ('a,b\n1,x\n2,"y"z\n', {}, "line 3: ',' expected after '\"'"),
        ("a,b\n1,x\n", {"target": "species"}, "unknown column 'species'"),
        ("a,b\n1,x\n", {"target": 2}, "there is no column 2, there are 2"),
        ("a,b\n1,x\n", {"categorical": ["c"]}, "unknown column 'c'"),
        ("a,b\n1,x\n", {"ignore": ["b"]}, "a column has one part only"),
        ("a,b\n1,x\n", {"ignore": ["a"]}, "no column is left for the inputs"),
        ("a,b\n,x\n", {"drop_missing": True}, "no example is complete"),
        ("a,b\n1,x\n", {"delimiter": ",,"}, "delimiter must be one character, got ',,'"),
        (b"a,b\n1,\xff\n", {}, "not text in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_the_line(written, text, options, message):
    path = written(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(path, **options)
    if "delimiter" not in options:
        assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("delimiter", "said"), [(",", ""), (";", "';'"), ("\t", r"'\t'"), ("|", "'|'")])
def test_what_separates_the_fields_is_found_in_the_header_and_said(written, delimiter, said):
    dataset = read_csv(written(FLOWERS.replace(",", delimiter)), categorical=["colour"])
    assert dataset.X.tolist() == [[1.5, 0.25, 0, 1], [2.5, 0.5, 1, 0], [-30.0, 0.75, 0, 1]]
    assert (f"separated by {said}" in dataset.description) == bool(said)
    inputs = read_csv_inputs(written(FLOWERS.replace(",", delimiter)), ["width", "length"])
    assert inputs.tolist() == [[0.25, 1.5], [0.5, 2.5], [0.75, -30.0]]


def test_what_was_said_to_separate_the_fields_is_believed_and_advice_given(written):
    path = written('"a;b",c;d\n1,x\n2,y\n')
    assert read_csv(path, delimiter=",").feature_names == ("a;b",)
    with pytest.raises(ValueError, match="no column is left for the inputs: its fields seem to be separated by ';'"):
        read_csv(written("a;b\n1;x\n"), delimiter=",")


def test_decimal_commas_are_read_where_they_are_said_to_stand(written):
    path = written("a;b;kind\n1,5;-2,5e1;x\n3;4;y\n")
    assert read_csv(path, decimal=",").X.tolist() == [[1.5, -25.0], [3.0, 4.0]]
    assert read_csv_inputs(path, ["b"], decimal=",").tolist() == [[-25.0], [4.0]]
    with pytest.raises(ValueError, match="line 2 has '1,5' as 'a': for a decimal comma pass decimal=','"):
        read_csv(path)
    with pytest.raises(ValueError, match=r"line 2 has '1\.5' as 'a'"):
        read_csv(written("a;kind\n1.5;x\n"), decimal=",")


@pytest.mark.parametrize("names", [("1", "1.0"), ("01", "1"), ("1e0", "1"), ("-0", "0"), ("1", "+1")])
def test_two_ways_to_write_a_number_are_not_two_classes(written, names):
    with pytest.raises(ValueError, match=r"\(line 2\) and '.*' \(line 4\) in 'kind' are one number and would be two"):
        read_csv(written(f"a,kind\n1,{names[0]}\n2,7\n3,{names[1]}\n"))
    with pytest.raises(ValueError, match="in 'kind' are one number"):
        read_csv(written(f"kind,a\n{names[0]},x\n7,y\n{names[1]},x\n"), categorical=["kind"])


@pytest.mark.parametrize("word", ["none", "NA", "null", "?", "n/a"])
def test_a_class_may_be_called_what_else_counts_as_missing(written, word):
    path = written(f"a,kind\n1,{word}\n2,x\n")
    with pytest.raises(ValueError, match="counts as missing; `missing`, or --missing, says what does"):
        read_csv(path)
    assert set(read_csv(path, missing=()).class_names) == {word, "x"}
    assert set(read_csv(path, missing=["unknown"]).class_names) == {word, "x"}
    with pytest.raises(ValueError, match="line 3 lacks 'kind'"):
        read_csv(written("a,kind\n1,x\n2,\n"), missing=())
    with pytest.raises(TypeError, match="missing must be a collection of words"):
        read_csv(path, missing="none")


def test_a_file_is_read_in_time_in_proportion_to_its_columns_and_rows(written):
    """Counted are the calls of Python functions, whatever the machine does beside."""

    def calls(columns, rows):
        header = ",".join([*(f"c{k}" for k in range(columns)), "kind"])
        path = written(header + "\n" + "".join("1," * columns + f"{k % 2}\n" for k in range(rows)))
        steps = 0

        def count(_frame, _event, _arg):
            nonlocal steps
            steps += 1

        sys.setprofile(count)
        try:
            read_csv(path)
        finally:
            sys.setprofile(None)
        return steps

    assert calls(400, 5) <= 2.2 * calls(200, 5)
    assert calls(3, 400) <= 2.2 * calls(3, 200)


def test_ten_thousand_columns_are_looked_up_and_not_searched(written):
    class Counted(str):
        compared = 0

        def __eq__(self, other):
            Counted.compared += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    path = written(",".join(f"c{k}" for k in range(1000)) + ",kind\n" + "1," * 1000 + "x\n" + "2," * 1000 + "y\n")
    names = [Counted(f"c{k}") for k in range(1000)]
    assert read_csv_inputs(path, names).shape == (2, 1000)
    assert Counted.compared <= 3000


def test_a_target_that_is_no_column_is_a_type_error(written):
    with pytest.raises(TypeError, match="target must be the name or the position"):
        read_csv(written(FLOWERS), target=1.5)


def test_a_missing_file_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "nothing.csv")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["length", "height"], "unknown column 'height'"),
        (["colour=green", "colour=red"], "line 3 has 'blue' as 'colour', known are green, red"),
        (["species"], "line 2 has 'rose' as 'species', which is no finite number"),
    ],
)
def test_inputs_that_are_not_there_are_errors(written, names, message):
    with pytest.raises(ValueError, match=message):
        read_csv_inputs(written(FLOWERS), names)


# --- standardisation and splits


def test_standardised_inputs_have_mean_0_and_deviation_1():
    X = np.random.default_rng(0).normal(5.0, 3.0, size=(50, 4))
    standardised = Standardization.learned(X)(X)
    np.testing.assert_allclose(standardised.mean(axis=0), 0.0, atol=1e-14)
    np.testing.assert_allclose(standardised.std(axis=0), 1.0, rtol=1e-14)


def test_only_the_training_part_is_looked_at():
    iris = nn.data.load_iris()
    train, _, test = train_validation_test_split(iris, seed=0)
    standardization = Standardization.learned(train)
    np.testing.assert_allclose(standardization.mean, train.X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(standardization.deviation, train.X.std(axis=0), rtol=1e-14)
    expected = (test.X - train.X.mean(axis=0)) / train.X.std(axis=0)
    np.testing.assert_allclose(standardization.applied(test).X, expected, rtol=1e-12, atol=1e-14)


def test_constant_and_extreme_columns_are_standardised():
    X = np.array([[1.0, 0.1, 3e200], [2.0, 0.1, -3e200], [4.0, 0.1, 3e200]])
    standardization = Standardization.learned(X)
    standardised = standardization(X)
    assert standardised[:, 1].tolist() == [0.0] * 3
    np.testing.assert_allclose(standardised.std(axis=0), [1, 0, 1], rtol=1e-14)
    with pytest.raises(ValueError, match="too far from the mean"):
        Standardization.learned([[0.0], [1e-300]])([[1e300]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Standardization.learned([[1.0, 2.0]])([[1.0]]), "X must have 2 columns, as the training part, got 1"),
        (lambda: Standardization.learned([]), "X must hold at least one example"),
        (lambda: Standardization.learned([[np.nan]]), "X must be finite"),
    ],
)
def test_what_cannot_be_standardised_is_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_three_parts_share_nothing_keep_the_proportions_and_follow_the_seed():
    digits = nn.data.load_digits()
    parts = train_validation_test_split(digits, fractions=(0.5, 0.25, 0.25), seed=1)
    rows = [tuple(row) for part in parts for row in part.X]
    assert sorted(rows) == sorted(tuple(row) for row in digits.X)
    for part, fraction in zip(parts, (0.5, 0.25, 0.25), strict=True):
        counts = np.bincount(part.y)
        assert (abs(counts - fraction * np.bincount(digits.y)) <= 1).all()
    again, other = train_validation_test_split(digits, seed=1), train_validation_test_split(digits, seed=2)
    assert (again[0].y == train_validation_test_split(digits, seed=1)[0].y).all()
    assert (again[0].y != other[0].y).any()
    with pytest.raises(ValueError, match=r"three fractions are needed, got \[0.5, 0.5\]"):
        train_validation_test_split(digits, fractions=(0.5, 0.5))
