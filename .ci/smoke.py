"""Use the installed package from outside the checkout: python smoke.py PREFIX."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import autograd
import nn
import viz

prefix = Path(sys.argv[1]).resolve()
for package in (autograd, nn, viz):
    location = Path(str(package.__file__)).resolve()
    if prefix not in location.parents or not (location.parent / "py.typed").is_file():
        sys.exit(f"{package.__name__} comes from {location}, not from the wheel under {prefix}")

model = nn.MLP(3, [4, 2], activation="sigmoid", output_activation="sigmoid", seed=0)
x, t = np.array([0.2, -0.4, 0.9]), np.array([1.0, 0.0])
nn.half_squared_error(model(x), t).backward()
formula = nn.closed_form.backprop(model.weights, model.biases, x, t, activations="sigmoid", loss="half_squared_error")
engine = np.array([p.grad for p in model.parameters()])
closed = np.concatenate([np.concatenate([W.ravel(), b]) for W, b in zip(formula.dW, formula.db, strict=True)])
if not np.allclose(np.sort(engine), np.sort(closed), rtol=1e-12, atol=0.0):
    sys.exit("the installed engine and the installed closed form disagree")
if nn.data.load_digits().X.shape != (1797, 64):
    sys.exit("the digits are not in the wheel")
if "digraph" not in viz.draw(autograd.Value(2.0) * 3.0).source:
    sys.exit("the installed viz draws nothing")
with tempfile.TemporaryDirectory() as folder:
    subprocess.run([sys.executable, "-m", "nn", "digits", "--epochs", "1", "--out", folder], cwd=folder, check=True)
    if not list(Path(folder).iterdir()):
        sys.exit("the main job wrote nothing")
