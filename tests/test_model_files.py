"""A loaded model is the saved one bit for bit, and a file that `save` never writes is refused unread."""

import hashlib
import io
import json
import os
import pickle
import random
import struct
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

import nn
from autograd import Op
from nn.files import storage
from nn.model.activations import ACTIVATIONS
from tests.classification import state

X, T = np.random.default_rng(0).normal(size=(6, 2)), nn.one_hot([0, 1, 1, 0, 1, 0], 2)


def network(seed=0, activation="tanh"):
    return nn.MLP(2, [3, 2], activation, seed=seed)


def own(name):
    return Op(name, lambda x: 2 * x, (lambda out, x: 2.0,))


def sealed(body):
    """The bytes of a file whose checksum fits, whatever it holds."""
    return body + hashlib.sha256(body).hexdigest().encode()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.npz"


# --- what is kept


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_loaded_model_is_the_saved_one_bit_for_bit(path, activation):
    model = nn.MLP(3, [4, 5, 2], [activation, "identity", "sigmoid"], seed=3)
    nn.save(model, path)
    loaded = nn.load(path)
    assert repr(loaded) == repr(model)
    assert state(loaded) == state(model)
    assert [y.data for y in loaded([0.1, 0.2, 0.3])] == [y.data for y in model([0.1, 0.2, 0.3])]


def test_extreme_numbers_and_signed_zeros_are_kept(path):
    model = nn.MLP(2, [2], seed=0)
    model.weights = [[[5e-324, -0.0], [1.7976931348623157e308, -2.2250738585072014e-308]]]
    nn.save(model, path)
    assert nn.load(path).weights[0].tobytes() == model.weights[0].tobytes()


def test_notes_are_kept_beside_the_model(path):
    notes = {"features": ["α", "b"], "score": 0.1, "deep": {"list": [1, None, True]}}
    nn.save(network(), path, notes=notes)
    assert nn.load_with_notes(path)[1] == notes


def test_the_same_model_gives_the_same_bytes(path, tmp_path):
    nn.save(network(), path)
    nn.save(nn.load(path), tmp_path / "again.npz")
    assert path.read_bytes() == (tmp_path / "again.npz").read_bytes()


def test_the_file_is_an_archive_that_numpy_and_zip_read(path):
    nn.save(network(), path)
    with np.load(path, allow_pickle=False) as arrays:
        assert arrays["W1"].tolist() == network().weights[0].tolist()
        assert arrays["b2"].shape == (2,)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["header.json", "W1.npy", "b1.npy", "W2.npy", "b2.npy"]
        header = json.loads(archive.read("header.json"))
        assert archive.comment == b"sha256:" + path.read_bytes()[-64:]
    assert (header["format"], header["version"], header["kind"]) == ("deltagrad", 1, "model")
    assert header["content"]["activations"] == ["tanh", "identity"]


def test_the_checksum_is_over_everything_before_it(path):
    nn.save(network(), path)
    data = path.read_bytes()
    assert data[-64:].decode() == hashlib.sha256(data[:-64]).hexdigest()


# --- what cannot be saved


@pytest.mark.parametrize(
    ("model", "options", "error", "message"),
    [
        (network().layers[0], {}, TypeError, "save takes an nn.MLP, got Layer"),
        (
            network(activation=Op("cube", lambda x: x**3, (lambda out, x: 3 * x**2,))),
            {},
            ValueError,
            "'cube' is one of",
        ),
        (
            network(activation=Op("tanh", lambda x: x, (lambda out, x: 1.0,))),
            {},
            ValueError,
            "'tanh' is one of your own",
        ),
        (network(), {"notes": {"x": {1, 2}}}, TypeError, "not JSON serializable"),
        (network(), {"notes": {"x": float("nan")}}, ValueError, "not JSON compliant"),
        (network(), {"notes": {"x": "y" * 2**21}}, ValueError, "the header of a file may take 1048576 bytes"),
    ],
)
def test_what_cannot_be_kept_is_an_error_and_no_file(path, model, options, error, message):
    with pytest.raises(error, match=message):
        nn.save(model, path, **options)
    assert not list(path.parent.iterdir())


def test_a_file_that_could_not_be_read_again_is_not_written(path, monkeypatch):
    monkeypatch.setattr(storage, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="a file may take 1000 bytes"):
        nn.save(network(), path)
    assert not path.exists()


# --- what is no model file


def test_a_missing_file_and_a_folder_are_errors_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "nothing.npz")
    with pytest.raises(IsADirectoryError):
        nn.load(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"model\.npz cannot be written: there is no folder .*nowhere"):
        nn.save(network(), tmp_path / "nowhere" / "model.npz")
    with pytest.raises(IsADirectoryError, match="it is a folder, and a file is needed"):
        nn.save(network(), tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with a name")
def test_a_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(nn.ModelFileError, match="not a regular file"):
        nn.load(tmp_path / "pipe")


def test_a_huge_file_is_refused_before_it_is_read(path):
    nn.save(network(), path)
    os.truncate(path, 10 * 2**30)  # sparse: it takes no room
    tracemalloc.start()
    try:
        with pytest.raises(nn.ModelFileError, match="larger than 1000 bytes"):
            nn.load(path, max_bytes=1000)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_code_in_a_file_is_never_run(path, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for pickled in (np.array([Bomb()], dtype=object), {"W1": Bomb()}):
        if isinstance(pickled, dict):
            path.write_bytes(pickle.dumps(pickled))
        else:
            np.savez(path, W1=pickled)
        with pytest.raises(nn.ModelFileError):
            nn.load(path)
        path.write_bytes(sealed(path.read_bytes()))
        with pytest.raises(nn.ModelFileError):
            nn.load(path)
    assert not (tmp_path / "ran").exists()


def with_header(change):
    """The bytes of a file whose header was changed by somebody who recomputed every checksum."""
    body = io.BytesIO()
    nn.save(network(), "header.npz")
    try:
        with zipfile.ZipFile("header.npz") as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    finally:
        os.remove("header.npz")
    header = json.loads(entries["header.json"])
    text = change(header)
    text = text if isinstance(text, bytes) else (json.dumps(header, indent=1, sort_keys=True) + "\n").encode()
    arrays = {name: entries.get(f"{name}.npy", b"")[128:] for name in ("W1", "b1", "W2", "b2")}
    shapes = {"W1": (3, 2), "b1": (3,), "W2": (2, 3), "b2": (2,)}
    for piece in storage._pieces(text, {n: np.zeros(s) for n, s in shapes.items()}, list(arrays.values())):
        body.write(piece)
    return sealed(body.getvalue())


DEEP = b"[" * 200_000
CHANGES = {
    "nothing": (lambda header: None, None),
    "deep JSON": (lambda header: DEEP + b"]" * 200_000, "not the JSON that this program writes"),
    "open deep JSON": (lambda header: DEEP, "not the JSON"),
    "no JSON": (lambda header: b"\xff{}", "not the JSON"),
    "a huge header": (lambda header: b'"' + b"x" * 2**20 + b'"', "the header takes"),
    "an empty header": (lambda header: b"", "not the JSON"),
    "a number": (lambda header: b"3\n", "does not name the format"),
    "a huge number": (lambda header: header.update(version=10**400), "version 1000.* is not known"),
    "another version": (lambda header: header.update(version=2), "version 2 of the format is not known"),
    "version true": (lambda header: header.update(version=True), "version True"),
    "another format": (lambda header: header.update(format="x"), "does not name the format"),
    "a checkpoint": (lambda header: header.update(kind="checkpoint"), "a model was expected, the file holds a 'check"),
    "one more key": (lambda header: header.update(more=1), "not the one that this program writes"),
    "no content": (lambda header: header.update(content=None), "has no content"),
    "spaces": (lambda header: json.dumps(header).encode(), "not the one that this program writes"),
    "a key twice": (lambda header: b'{"a":1,"a":2}\n', "does not name the format"),
    "NaN": (lambda header: header["content"].update(notes={"x": float("nan")}), "not the JSON"),
    "no arrays": (lambda header: header.update(arrays=3), "lists its arrays wrongly"),
    "no list": (lambda header: header["arrays"].append("W"), "lists its arrays wrongly"),
    "a huge shape": (lambda header: header["arrays"][0].__setitem__(1, [2**40, 2**40]), "does not fit into the file"),
    "a negative shape": (lambda header: header["arrays"][0].__setitem__(1, [-3, -2]), "does not fit into the file"),
    "a shape of floats": (lambda header: header["arrays"][0].__setitem__(1, [3.0, 2]), "gives no shape"),
    "a shape of bools": (lambda header: header["arrays"][1].__setitem__(1, [True]), "gives no shape"),
    "many dimensions": (lambda header: header["arrays"][0].__setitem__(1, [1] * 40), "gives no shape"),
    "no numbers": (lambda header: header["arrays"][0].__setitem__(1, [0]), "not as this program writes it"),
    "a name twice": (lambda header: header["arrays"][1].__setitem__(0, "W1"), "comes twice"),
    "names swapped": (lambda header: header["arrays"].reverse(), "not as this program writes it|does not fit"),
    "one array less": (lambda header: header["arrays"].pop(), "not as this program writes it"),
    "a path as name": (lambda header: header["arrays"][0].__setitem__(0, "../W1"), "not as this program"),
    "another class": (lambda header: header["content"].update(architecture="os.system"), "describes no network"),
    "an activation": (lambda header: header["content"].update(activations=["x", "identity"]), "the activation 'x'"),
    "no name": (lambda header: header["content"].update(activations=[None, "identity"]), "the activation None"),
    "activations": (lambda header: header["content"].update(activations=["tanh"]), "as activations of 2 layers"),
    "text": (lambda header: header["content"].update(activations="tanh"), "as activations of 2 layers"),
    "sizes": (lambda header: header["content"].update(n_outs=[3, 3]), "promises the arrays"),
    "huge sizes": (lambda header: header["content"].update(n_outs=[10**9, 2]), "promises the arrays"),
    "no layers": (lambda header: header["content"].update(n_outs=[]), "the header gives 2 inputs"),
    "no inputs": (lambda header: header["content"].update(n_in=0), "the header gives 0 inputs"),
    "half an input": (lambda header: header["content"].update(n_in=2.0), "the header gives 2.0 inputs"),
    "no notes": (lambda header: header["content"].update(notes=[]), "has no notes"),
    "a key less": (lambda header: header["content"].pop("notes"), "describes no network"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_header_that_save_never_writes_is_refused(path, name, monkeypatch):
    monkeypatch.chdir(path.parent)
    change, message = CHANGES[name]
    path.write_bytes(with_header(change))
    if message is None:
        assert state(nn.load(path)) == state(network())
        return
    tracemalloc.start()
    try:
        with pytest.raises(nn.ModelFileError, match=message) as caught:
            nn.load(path)
        assert str(caught.value).startswith(f"{path}: ")
        # A header of a megabyte takes some dozens as Python objects; a shape of 2⁸⁰ must take nothing.
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()


def rezipped(data, *, compression=zipfile.ZIP_STORED, change=lambda entries: entries):
    """A file with the same entries, written by the zipfile module and sealed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = change([(name, archive.read(name)) for name in archive.namelist()])
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
        archive.comment = b"sha256:" + b"0" * 64
    return sealed(body.getvalue()[:-64])


def npy(array):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def replaced(name, content):
    return lambda entries: [(entry, content if entry == name else data) for entry, data in entries]


TRICKS = {
    "written by another program": lambda data: rezipped(data),
    "compressed": lambda data: rezipped(data, compression=zipfile.ZIP_DEFLATED),
    "a bomb": lambda data: rezipped(
        data, compression=zipfile.ZIP_DEFLATED, change=replaced("W1.npy", npy(np.zeros((3, 2_000_000))))
    ),
    "an entry more": lambda data: rezipped(data, change=lambda entries: [*entries, ("../../evil", b"x")]),
    "an entry less": lambda data: rezipped(data, change=lambda entries: entries[:-1]),
    "another order": lambda data: rezipped(data, change=lambda entries: entries[::-1]),
    "floats of 32 bits": lambda data: rezipped(data, change=replaced("b1.npy", npy(np.zeros(3, dtype="<f4")))),
    "big-endian floats": lambda data: rezipped(data, change=replaced("b1.npy", npy(np.zeros(3, dtype=">f8")))),
    "whole numbers": lambda data: rezipped(data, change=replaced("b1.npy", npy(np.zeros(3, dtype="<i8")))),
    "complex numbers": lambda data: rezipped(data, change=replaced("b1.npy", npy(np.zeros(3, dtype="<c16")))),
    "objects": lambda data: rezipped(data, change=replaced("b1.npy", npy(np.array([1, None, {}], dtype=object)))),
    "something before": lambda data: sealed(b"MZ" + data[:-64]),
    "something after": lambda data: sealed(data + data[-71:-64]),
    "twice": lambda data: sealed(data + data[:-64]),
    "an archive inside": lambda data: sealed(data[:-64].replace(b"PK\x05\x06", b"PK\x05\x06" + data[:-64], 1)),
    "another comment": lambda data: sealed(data[:-71] + b"sha256;"),
    "NaN": lambda data: with_number(data, float("nan")),
    "infinity": lambda data: with_number(data, float("-inf")),
    "only a checksum": lambda data: sealed(b"PK\x03\x04sha256:"),
    "nothing": lambda data: b"",
    "four bytes": lambda data: b"PK\x03\x04",
}


def with_number(data, number):
    """A file in which one weight has that number, and all checksums fit."""
    entries = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    header = entries[0][1]
    shapes = {"W1": (3, 2), "b1": (3,), "W2": (2, 3), "b2": (2,)}
    numbers = [content[128:] for _, content in entries[1:]]
    numbers[2] = numbers[2][:16] + struct.pack("<d", number) + numbers[2][24:]
    return sealed(b"".join(storage._pieces(header, {n: np.zeros(s) for n, s in shapes.items()}, numbers)))


@pytest.mark.parametrize("name", TRICKS)
def test_an_archive_that_save_never_writes_is_refused(path, name):
    nn.save(network(), path)
    path.write_bytes(TRICKS[name](path.read_bytes()))
    tracemalloc.start()
    try:
        with pytest.raises(nn.ModelFileError):
            nn.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_an_infinite_weight_is_named_with_its_place(path):
    nn.save(network(), path)
    path.write_bytes(with_number(path.read_bytes(), float("inf")))
    with pytest.raises(nn.ModelFileError, match=r"the array W2 holds inf at index \(0, 2\)"):
        nn.load(path)


# --- mutations


def mutated(data, chance):
    """A file with damage of one of several kinds, and whether its checksum was recomputed."""
    kind = chance.randrange(9)
    changed = bytearray(data)
    if kind <= 2:  # bits
        for _ in range(chance.choice([1, 1, 2, 8])):
            place = chance.randrange(len(changed))
            changed[place] ^= 1 << chance.randrange(8)
    elif kind == 3:
        del changed[chance.randrange(len(changed)) :]
    elif kind == 4:
        begin = chance.randrange(len(changed))
        del changed[begin : begin + chance.randint(1, 200)]
    elif kind == 5:  # two sections swapped
        a, b, c, d = sorted(chance.sample(range(len(data) + 1), 4))
        changed = bytearray(data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:])
    elif kind == 6:
        begin, end = sorted(chance.sample(range(len(data) + 1), 2))
        changed[begin:begin] = data[begin:end]
    elif kind == 7:
        begin = chance.randrange(len(changed))
        changed[begin : begin + 8] = chance.choice([b"\x00" * 8, b"\xff" * 8, chance.randbytes(8)])
    else:  # lengths
        for _ in range(2):
            place = chance.randrange(max(1, len(changed) - 4))
            changed[place : place + 4] = struct.pack("<I", chance.choice([0, 2**31, 2**32 - 1]))
    return sealed(bytes(changed[:-64])) if chance.random() < 0.5 else bytes(changed)


def resume(path):
    """Train, or go on from the checkpoint that is there; one that is finished has nothing left to do."""
    model = network()
    before = state(model)
    try:
        nn.fit(
            model,
            X,
            T,
            loss="cross_entropy",
            optimizer=nn.Adam(model.parameters()),
            epochs=2,
            batch_size=3,
            seed=0,
            early_stopping=nn.EarlyStopping(None, "loss"),
            checkpoint=path,
            resume=True,
        )
    except nn.ModelFileError:
        assert state(model) == before
        raise
    return model


def most_memory():
    """The most bytes that this process ever had in memory."""
    resource = pytest.importorskip("resource", reason="this system does not say how much memory a process takes")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 2**10


def require_error_or_equal_model(tmp_path, count, seed):
    chance = random.Random(seed)
    path = tmp_path / "mutated.npz"
    nn.save(network(), path)
    model_file, trained = path.read_bytes(), tmp_path / "checkpoint.npz"
    goal = state(resume(trained))
    checkpoint = trained.read_bytes()
    errors = 0
    before = most_memory()
    for number in range(count):
        original, load, expected = (model_file, nn.load, state(network())) if number % 2 else (checkpoint, resume, goal)
        data = mutated(original, chance)
        path.write_bytes(data)
        try:
            assert state(load(path)) == expected
            assert data == original
        except nn.ModelFileError:
            assert data != original
            errors += 1
        path.unlink()
    assert most_memory() - before < 32 * 2**20  # the files have some thousand bytes
    assert errors > 0.99 * count  # now and then the damage restores what was there


def test_a_damaged_file_is_an_error_or_an_equal_model(tmp_path):
    require_error_or_equal_model(tmp_path, 400, seed=0)


@pytest.mark.slow
def test_10000_damaged_files_are_errors_or_equal_models(tmp_path):
    require_error_or_equal_model(tmp_path, 10_000, seed=1)


def test_every_single_bit_of_a_file_counts(path):
    nn.save(nn.MLP(1, [1], seed=0), path)
    data = path.read_bytes()
    for place in range(len(data)):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        with pytest.raises(nn.ModelFileError):
            nn.load(path)
