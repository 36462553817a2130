"""A process that is killed leaves whole files, and its run goes on bit for bit."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import nn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

# 20 lives of at most 40 steps, and what a life does before the signal reaches it, are less than half of this run.
LIVES, STEPS_IN_A_LIFE, EPOCHS = 20, 40, 300
BATCHES = 6

RUN = f"""
import sys
import numpy as np
import nn

class Telling(nn.Adam):
    def apply(self, gradients):
        super().apply(gradients)
        print(".", end="", flush=True)

rng = np.random.default_rng(0)
X, T = rng.normal(size=(18, 2)), nn.one_hot(rng.integers(0, 3, 18), 3)
model = nn.MLP(2, [5, 3], seed=0)
history = nn.fit(
    model, X, T, loss="cross_entropy", optimizer=Telling(model.parameters(), learning_rate=0.01), epochs={EPOCHS},
    batch_size=3, seed=1, l2=0.001, validation=(X[:5], T[:5]), early_stopping=nn.EarlyStopping(None),
    checkpoint=sys.argv[1] if len(sys.argv) > 1 else None, checkpoint_every=1 if len(sys.argv) > 1 else None,
    resume=len(sys.argv) > 1,
)
print()
print([parameter.data.hex() for parameter in model.parameters()])
print([[name, [number.hex() for number in values.tolist()]] for name, values in history.series()], history.best_epoch)
"""


def start(*arguments):
    root = os.path.dirname(os.path.dirname(nn.__file__))
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def finish(process):
    out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    dots, weights, history = out.decode().splitlines()
    return len(dots), weights, history


@pytest.mark.slow
def test_a_run_killed_20_times_at_random_points_ends_as_the_undisturbed_one_bit_for_bit(tmp_path):
    path = tmp_path / "run.npz"
    steps, weights, history = finish(start())
    assert steps == EPOCHS * BATCHES
    chance = random.Random(6)
    digests = set()
    for _ in range(LIVES):
        process = start(str(path))
        for _ in range(chance.randint(1, STEPS_IN_A_LIFE)):
            assert process.stdout.read(1) == b"."  # it is training: no life ends before it began
        time.sleep(chance.uniform(0.0, 0.02))  # somewhere in the middle of a step or of a checkpoint
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL  # it was alive
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) > LIVES / 2  # the lives went further; one may end before its first checkpoint
    rest, resumed_weights, resumed_history = finish(start(str(path)))
    assert 0 < rest < steps
    assert resumed_weights == weights
    assert resumed_history == history
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.slow
@pytest.mark.parametrize("call", ["write", "flush", "fsync", "replace"])
def test_a_process_that_dies_while_it_writes_leaves_the_old_file(tmp_path, call):
    path = tmp_path / "model.npz"
    nn.save(nn.MLP(2, [3], seed=0), path)
    before = path.read_bytes()
    program = f"""
import os, sys, nn, builtins
class Dying:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): self.file.close()
    def __getattr__(self, name):
        if name == {call!r}: os.kill(os.getpid(), 9)
        return getattr(self.file, name)
model = nn.MLP(2, [3], seed=1)
if {call!r} in ("fsync", "replace"):
    setattr(os, {call!r}, lambda *_: os.kill(os.getpid(), 9))
else:
    opened = open
    builtins.open = lambda *arguments, **options: Dying(opened(*arguments, **options))
nn.save(model, {str(path)!r})
"""
    root = os.path.dirname(os.path.dirname(nn.__file__))
    result = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": root}, check=False)
    assert result.returncode == -signal.SIGKILL
    assert path.read_bytes() == before
    assert nn.load(path).n_in == 2
