"""A run that goes on from its checkpoint is the undisturbed run, and a file that no run has written is refused."""

import dataclasses
import itertools
import json
import os
import signal
import threading

import numpy as np
import pytest

import nn
from nn.files import storage
from tests.classification import examples, network, state
from tests.sampled import sampled

EPOCHS, BATCH = 4, 4


X, T = examples(18)
OPTIMIZERS = {
    "sgd": lambda model: nn.SGD(model.parameters(), learning_rate=0.1, momentum=0.9),
    "adam": lambda model: nn.Adam(model.parameters(), learning_rate=0.05),
    "rmsprop": lambda model: nn.RMSprop(model.parameters(), learning_rate=0.01, momentum=0.5, centered=True),
}


class KilledError(Exception):
    """Stands for the end of a process."""


def dying(optimizer, kill_after):
    """The optimiser, which raises instead of taking one step more than so many."""
    step, taken = optimizer.apply, []

    def apply(gradients):
        if len(taken) == kill_after:
            raise KilledError
        taken.append(None)
        step(gradients)

    optimizer.apply = apply
    return optimizer


def fit(model, optimizer="adam", kill_after=None, **options):
    """Train, and end without a word after so many steps of the optimiser."""
    optimizer = dying(OPTIMIZERS[optimizer](model), kill_after)
    settings = {
        "loss": "cross_entropy",
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "seed": 7,
        "l2": 0.01,
        "schedule": nn.CosineSchedule(EPOCHS),
        "metrics": ["mean_absolute_error"],
        "validation": examples(6, seed=1),
        "early_stopping": nn.EarlyStopping(None),
    }
    return nn.fit(model, X, T, optimizer=optimizer, **(settings | options))


def numbers(history):
    return {name: array.tolist() for name, array in history.series()} | {"best": history.best_epoch}


@pytest.mark.parametrize(
    ("optimizer", "engine"), sampled(list(itertools.product(OPTIMIZERS, ["compiled", "eager", "closed_form"])), 2)
)
def test_a_run_killed_anywhere_and_resumed_is_the_undisturbed_run_bit_for_bit(tmp_path, optimizer, engine):
    whole = network()
    history = fit(whole, optimizer, engine=engine)
    for kill_after in range(0, EPOCHS * 5, 3):
        path = tmp_path / f"{kill_after}.npz"
        with pytest.raises(KilledError):
            fit(network(), optimizer, kill_after, checkpoint=path, checkpoint_every=2, engine=engine)
        model = network(seed=5)  # the weights come from the checkpoint, if there is one
        model = model if path.exists() else network()
        resumed = fit(model, optimizer, checkpoint=path, checkpoint_every=2, resume=True, engine=engine)
        assert state(model) == state(whole)
        assert numbers(resumed) == numbers(history)


@pytest.mark.filterwarnings("ignore:training goes on with the eager engine:RuntimeWarning")
def test_a_model_that_branches_on_its_numbers_is_resumed_bit_for_bit_too(tmp_path):
    class Folded(nn.MLP):
        def __call__(self, x):
            return [y if x[0] > 0.0 else 0.1 * y for y in super().__call__(x)]

    def run(model, **options):
        # The first batches take one branch and the last ones the other: what is recorded depends on where a run begins.
        rows = np.argsort(-X[:, 0])
        return nn.fit(
            model,
            X[rows],
            T[rows],
            loss="cross_entropy",
            optimizer=OPTIMIZERS["adam"](model) if "optimizer" not in options else options.pop("optimizer"),
            epochs=EPOCHS,
            batch_size=BATCH,
            seed=0,
            shuffle=False,
            checkpoint_every=1,
            **options,
        )

    whole = Folded(2, [7, 3], seed=2)
    run(whole, checkpoint=tmp_path / "whole.npz")
    for kill_after in range(1, EPOCHS * 5, 4):
        path = tmp_path / f"{kill_after}.npz"
        model = Folded(2, [7, 3], seed=2)
        with pytest.raises(KilledError):
            run(model, checkpoint=path, optimizer=dying(OPTIMIZERS["adam"](model), kill_after))
        run(model, checkpoint=path, resume=True)
        assert state(model) == state(whole)


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.Philox, np.random.SFC64, np.random.PCG64DXSM])
def test_every_random_generator_of_numpy_is_kept(tmp_path, bits):
    def run(model, **options):
        return fit(model, seed=np.random.Generator(bits(3)), **options)

    whole = network()
    run(whole)
    with pytest.raises(KilledError):
        run(network(), kill_after=7, checkpoint=tmp_path / "c.npz")
    model = network(seed=5)
    run(model, checkpoint=tmp_path / "c.npz", resume=True)
    assert state(model) == state(whole)


def test_without_checkpoint_file_a_resumed_run_begins(tmp_path):
    fresh, resumed = network(), network()
    fit(fresh)
    fit(resumed, checkpoint=tmp_path / "c.npz", resume=True)
    assert state(fresh) == state(resumed)


def test_a_finished_run_can_be_resumed_for_more_epochs(tmp_path):
    whole, longer = network(), network()
    options = {"schedule": None, "early_stopping": None}
    fit(whole, epochs=6, **options)
    fit(longer, epochs=4, checkpoint=tmp_path / "c.npz", **options)
    again = fit(network(), epochs=4, checkpoint=tmp_path / "c.npz", resume=True, **options)
    assert len(again) == 4
    history = fit(longer, epochs=6, checkpoint=tmp_path / "c.npz", resume=True, **options)
    assert state(longer) == state(whole)
    assert len(history) == 6


def test_a_run_that_was_stopped_stays_stopped(tmp_path):
    def stop(end):
        if end.epoch == 2:
            end.stop("enough")

    options = {"callbacks": [stop], "checkpoint": tmp_path / "c.npz"}
    model, again = network(), network(seed=3)
    first = fit(model, **options)
    second = fit(again, **options, resume=True)
    assert (len(first), first.ended, second.ended) == (2, "enough", "enough")
    assert state(model) == state(again)


def test_a_learning_rate_that_a_callback_changed_is_kept(tmp_path):
    def halve(end):
        end.optimizer.learning_rate /= 2

    options = {"callbacks": [halve], "schedule": None}
    whole, model = network(), network()
    fit(whole, **options)
    with pytest.raises(KilledError):
        fit(model, kill_after=13, checkpoint=tmp_path / "c.npz", **options)
    fit(model, checkpoint=tmp_path / "c.npz", resume=True, **options)
    assert state(model) == state(whole)


def test_a_checkpoint_is_not_overwritten_by_another_run(tmp_path):
    path = tmp_path / "c.npz"
    fit(network(), checkpoint=path)
    before = path.read_bytes()
    model = network()
    with pytest.raises(FileExistsError, match="pass resume=True to go on from it"):
        fit(model, checkpoint=path)
    assert path.read_bytes() == before
    assert state(model) == state(network())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 5}, "batch_size was 4 and is 5"),
        ({"seed": 8}, "seed was 7 and is 8"),
        ({"l2": 0.0}, r"l2 was 0.01 and is 0.0"),
        ({"loss": "half_squared_error"}, 'loss was "cross_entropy" and is "half_squared_error"'),
        ({"optimizer": "sgd"}, "optimizer was .*AdamRule.* and is .*SGDRule"),
        ({"shuffle": False}, "shuffle was true and is false"),
        ({"engine": "eager"}, 'engine was "compiled" and is "eager"'),
        ({"max_norm": 1.0}, "max_norm was null and is 1.0"),
        ({"schedule": None}, "schedule was .*Cosine.* and is null"),
        ({"metrics": []}, "metrics was"),
        ({"early_stopping": 3}, "early_stopping was"),
        ({"validation": examples(6, seed=2)}, "the validation is different"),
        ({"validation": None, "early_stopping": None}, "the validation is different"),
        ({"epochs": 2}, "is from epoch 5, but epochs is 2"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(tmp_path, changes, message):
    fit(network(), checkpoint=tmp_path / "c.npz")
    model = network()
    with pytest.raises(ValueError, match=message):
        fit(model, checkpoint=tmp_path / "c.npz", resume=True, **changes)
    assert state(model) == state(network())


def test_other_data_and_another_network_are_refused(tmp_path):
    fit(network(), checkpoint=tmp_path / "c.npz")
    for model, inputs in ((network(), X + 1e-9), (nn.MLP(2, [5, 3], seed=0), X), (nn.MLP(2, [4, 3], "relu"), X)):
        before = state(model)
        with pytest.raises(ValueError, match="is the checkpoint of another run"):
            nn.fit(
                model,
                inputs,
                T,
                loss="cross_entropy",
                optimizer=OPTIMIZERS["adam"](model),
                epochs=EPOCHS,
                batch_size=BATCH,
                seed=7,
                checkpoint=tmp_path / "c.npz",
                resume=True,
            )
        assert state(model) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content, arrays: content.update(epoch=-1), "epoch is -1"),
        (lambda content, arrays: content.update(batch=1.0), "batch is 1.0"),
        (lambda content, arrays: content.update(batch=3), "array (losses|outputs)"),
        (lambda content, arrays: content.update(epoch=3), "history.loss of shape"),
        (lambda content, arrays: content.update(stopped=None), "described wrongly"),
        (lambda content, arrays: content.update(learning_rate="1"), "learning rate is no number"),
        (lambda content, arrays: content.update(best=[1, None, 2]), "best epoch is described"),
        (lambda content, arrays: content.update(best=[0, 0.0, 0]), "best_parameters of shape"),
        (lambda content, arrays: content.update(generator={}), "does not hold a state of PCG64"),
        (lambda content, arrays: content["generator"].update(state=3), "does not hold a state of PCG64"),
        (lambda content, arrays: content["generator"]["state"].update(state=-3), "does not hold a state of PCG64"),
        (lambda content, arrays: content["generator"]["state"].update(state=2**128), "does not hold a state of PCG64"),
        (lambda content, arrays: content["generator"].update(bit_generator="MT19937"), "does not hold a state"),
        (lambda content, arrays: content.pop("epoch"), "no checkpoint that this program knows"),
        (lambda content, arrays: arrays.pop("parameters"), "the arrays parameters are missing"),
        (lambda content, arrays: arrays.pop("optimizer.mean"), "the arrays optimizer.mean are missing"),
        (lambda content, arrays: arrays.update({"optimizer.x": np.ones(2)}), "does not belong to this run"),
        (lambda content, arrays: arrays.update(parameters=np.ones(3)), r"parameters of shape \(3,\)"),
        (lambda content, arrays: arrays.update(outputs=np.ones((3, 2))), "array outputs has shape"),
    ],
)
def test_a_checkpoint_that_no_run_has_written_is_refused_and_nothing_changes(tmp_path, change, message):
    path = tmp_path / "c.npz"
    fit(network(), checkpoint=path)
    stored = storage.read(path, "checkpoint")
    change(stored.content, stored.arrays)
    storage.write(path, "checkpoint", stored)  # with a checksum that fits
    model = network()
    with pytest.raises(nn.ModelFileError, match=message):
        fit(model, checkpoint=path, resume=True)
    assert state(model) == state(network())


def test_a_model_file_is_no_checkpoint(tmp_path):
    nn.save(network(), tmp_path / "c.npz")
    with pytest.raises(nn.ModelFileError, match="a checkpoint was expected, the file holds a 'model'"):
        fit(network(), checkpoint=tmp_path / "c.npz", resume=True)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resume": True}, ValueError, "need a checkpoint: pass its path"),
        ({"checkpoint_every": 3}, ValueError, "need a checkpoint: pass its path"),
        ({"checkpoint": "nowhere/c.npz"}, FileNotFoundError, "the folder nowhere of the checkpoint does not exist"),
        ({"checkpoint": "c.npz", "checkpoint_every": 0}, ValueError, "checkpoint_every must be at least 1, got 0"),
    ],
)
def test_wrong_wishes_about_checkpoints_are_errors(options, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        fit(network(), **options)
    assert not list(tmp_path.iterdir())


# --- Ctrl-C


@pytest.fixture
def ctrl_c():
    """The handler of a program in the foreground; in the background the signal is ignored from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_at(epoch):
    return lambda end: signal.raise_signal(signal.SIGINT) if end.epoch == epoch else None


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_after_the_batch_and_keeps_what_was_learned(tmp_path):
    model, undisturbed = network(), network()
    options = {"early_stopping": None, "checkpoint": tmp_path / "c.npz"}
    history = fit(model, callbacks=[interrupt_at(2)], **options)
    assert history.ended == "interrupted after epoch 2 of 4"
    assert len(history) == 2
    assert "interrupted after epoch 2 of 4" in repr(history)
    assert state(model) != state(network())
    whole = fit(undisturbed, early_stopping=None)
    resumed = fit(model, resume=True, **options)
    assert state(model) == state(undisturbed)
    assert numbers(resumed) == numbers(whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_within_an_epoch_says_the_batch():
    steps = []

    def loss(y, t):
        steps.append(None)
        if len(steps) == 7:
            signal.raise_signal(signal.SIGINT)
        return nn.cross_entropy(y, t)

    model = network()
    history = fit(model, loss=loss, validation=None, early_stopping=None, engine="eager")
    assert len(steps) == 8  # the batch at hand was finished
    assert history.ended == "interrupted in epoch 1 of 4, after batch 2 of 5"
    assert len(history) == 0
    assert repr(history) == "History(0 epochs: interrupted in epoch 1 of 4, after batch 2 of 5)"
    assert state(model) != state(network())


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_ctrl_c_is_obeyed_at_once():
    def twice(_end):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(network(), callbacks=[twice])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_your_own_is_left_in_place():
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(None))
    try:
        history = fit(network(), callbacks=[interrupt_at(1)])
    finally:
        signal.signal(signal.SIGINT, before)
    assert (len(seen), history.ended) == (1, "finished")


def test_training_works_outside_the_main_thread():
    ended = []
    thread = threading.Thread(target=lambda: ended.append(fit(network()).ended))
    thread.start()
    thread.join()
    assert ended == ["finished"]


# --- writing


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    path = tmp_path / "m.npz"
    nn.save(network(), path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="the disk is full"):
        nn.save(network(seed=1), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["m.npz"]


def test_the_data_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (calls.append("fsync"), fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths))[1])
    nn.save(network(), tmp_path / "m.npz")
    assert calls == ["fsync", "replace", "fsync"]


def test_a_new_file_has_the_permissions_of_every_new_file_and_links_are_followed(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    link = tmp_path / "link.npz"
    link.symlink_to(tmp_path / "m.npz")
    nn.save(network(), link)
    assert link.is_symlink()
    assert (tmp_path / "m.npz").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_the_description_of_a_run_is_plain_data():
    from nn.files.checkpoints import description

    @dataclasses.dataclass
    class Mine:
        rates: tuple[float, ...]
        function: object

    plain = description(Mine((0.1, np.float64(2.0)), examples))
    assert json.loads(json.dumps(plain))["rates"] == [0.1, 2.0]
    assert plain["function"] == "examples"
