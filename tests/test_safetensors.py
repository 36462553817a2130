"""Files in the format safetensors: those of this program are read by its own library, and the other way round."""

import json
import random
import struct

import numpy as np
import pytest

import nn

MODEL = nn.MLP(3, [12, 2], activation=["tanh", "sigmoid"], seed=0)


def file_of(header, numbers=b"", *, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def entry(kind, shape, begin, end):
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_arrays_are_read_as_they_were_written(tmp_path):
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array(2.5),
        "": np.zeros((0, 4)),
        "ünï": np.array([1e308, -0.0]),
    }
    nn.save_safetensors(arrays, tmp_path / "m.safetensors")
    found = nn.load_safetensors(tmp_path / "m.safetensors")
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_a_model_survives_under_the_suffix_with_its_activations_and_notes(tmp_path):
    path = tmp_path / "model.safetensors"
    nn.save(MODEL, path, notes={"classes": ["yes", "no"]})
    again, notes = nn.load_with_notes(path)
    assert notes == {"classes": ["yes", "no"]}
    assert again.activations == MODEL.activations
    for name, array in MODEL.state_dict().items():
        assert again.state_dict()[name].tobytes() == array.tobytes()
    nn.save_safetensors(MODEL.state_dict(), path)
    with pytest.raises(nn.ModelFileError, match=r"nn\.load_safetensors reads arrays"):
        nn.load(path)


@pytest.mark.parametrize(
    ("kind", "dtype", "numbers"),
    [
        ("F32", "<f4", [1.5, -2.25]),
        ("F16", "<f2", [0.5, 65504.0]),
        ("I64", "<i8", [-3, 2**40]),
        ("U8", "|u1", [0, 255]),
        ("BOOL", "|b1", [True, False]),
    ],
)
def test_other_types_become_floats(tmp_path, kind, dtype, numbers):
    data = np.array(numbers, dtype=dtype).tobytes()
    (tmp_path / "f").write_bytes(file_of({"x": entry(kind, [2], 0, len(data))}, data))
    assert nn.load_safetensors(tmp_path / "f")["x"].tolist() == [float(n) for n in numbers]


def test_a_bfloat_is_the_upper_half_of_a_float(tmp_path):
    data = np.array([1.5, -0.15625], dtype="<f4").view("<u4").astype("<u8") >> 16
    (tmp_path / "f").write_bytes(file_of({"x": entry("BF16", [2], 0, 4)}, data.astype("<u2").tobytes()))
    assert nn.load_safetensors(tmp_path / "f")["x"].tolist() == [1.5, -0.15625]


EIGHT = struct.pack("<d", 1.0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "too short"),
        (file_of({}, length=10**9), "a header of 1000000000 bytes is announced"),
        (file_of(b"[1]"), "no table"),
        (file_of(b"{nonsense"), "no JSON"),
        (file_of(b'{"x": 1, "x": 2}'), "a name comes twice"),
        (file_of({"x": entry("F64", [1], 0, 8)}), "does not fit"),
        (file_of({"x": entry("F64", [2], 0, 8)}, EIGHT), "does not fit"),
        (file_of({"x": entry("F64", [-1], 0, 8)}, EIGHT), "gives"),
        (file_of({"x": entry("F64", [True], 0, 8)}, EIGHT), "gives"),
        (file_of({"x": entry("F64", [2**62, 4], 0, 8)}, EIGHT), "does not fit"),
        (file_of({"x": entry("X1", [1], 0, 8)}, EIGHT), "type 'X1'"),
        (file_of({"x": entry("F64", [1], 8, 16)}, EIGHT * 2), "begins at byte 8"),
        (file_of({"x": entry("F64", [1], 0, 8), "y": entry("F64", [1], 0, 8)}, EIGHT), "begins at byte 0"),
        (file_of({"x": entry("F64", [1], 0, 8)}, EIGHT * 2), "take 8 of 16"),
        (file_of({"x": {"dtype": "F64"}}), "does not say what 'x' is"),
        (file_of({"__metadata__": {"a": 1}}), "no texts"),
        (file_of({"x": entry("F64", [1], 0, 8)}, struct.pack("<d", float("nan"))), "holds nan"),
    ],
)
def test_a_file_that_lies_is_refused(tmp_path, data, message):
    (tmp_path / "f.safetensors").write_bytes(data)
    with pytest.raises(nn.ModelFileError, match=message):
        nn.load_safetensors(tmp_path / "f.safetensors")


def test_a_mutated_file_is_refused_or_holds_finite_floats(tmp_path):
    rng, path = random.Random(0), tmp_path / "m.safetensors"
    nn.save(MODEL, path)
    good = path.read_bytes()
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            bad[rng.randrange(len(bad) if rng.random() < 0.3 else 300)] = rng.randrange(256)
        path.write_bytes(bytes(bad[: rng.choice([len(bad), rng.randrange(len(bad))])]))
        try:
            found = nn.load_safetensors(path)
        except nn.ModelFileError:
            continue
        assert all(np.isfinite(array).all() for array in found.values())


def test_what_cannot_be_stored_is_an_error_and_the_old_file_stays(tmp_path):
    path = tmp_path / "m.safetensors"
    nn.save_safetensors({"x": [1.0]}, path)
    for arrays, metadata, error in (
        ({"x": [np.nan]}, None, ValueError),
        ({"x": ["a"]}, None, TypeError),
        ({"__metadata__": [1.0]}, None, ValueError),
        ({"x": [1.0]}, {"a": 1}, TypeError),
    ):
        with pytest.raises(error):
            nn.save_safetensors(arrays, path, metadata=metadata)
    assert nn.load_safetensors(path)["x"].tolist() == [1.0]
    with pytest.raises(nn.ModelFileError, match="pass max_bytes"):
        nn.load_safetensors(path, max_bytes=8)


@pytest.mark.extra
def test_the_library_of_the_format_reads_what_is_written_here_and_writes_what_is_read_here(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy", reason="safetensors, of the extra recipes, is not installed")
    ours, path = MODEL.state_dict(), tmp_path / "m.safetensors"
    nn.save(MODEL, path)
    for name, array in theirs.load_file(path).items():
        assert array.tobytes() == ours[name].tobytes()
    theirs.save_file({name: array.astype(np.float32) for name, array in ours.items()}, path, metadata={"by": "them"})
    for name, array in nn.load_safetensors(path).items():
        np.testing.assert_array_equal(array, ours[name].astype(np.float32))
