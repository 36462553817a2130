"""micrograd's moons demo, changed only where the interface differs, and then compiled.

The demo is Andrej Karpathy's (github.com/karpathy/micrograd, demo.ipynb). Its steps follow here in its order: 100
points on two moons, a 2-16-16-1 network of ReLUs, the max-margin loss with a penalty of 1e-4 on all parameters, 100
steps of gradient descent with a rate that falls from 1 to 0.1, and the boundary between the classes. A line marked
CHANGED is one that a user of micrograd would write differently, and says why.
"""

import importlib.util
import sys
import time

import numpy as np

import autograd  # CHANGED: the engine's package is `autograd`, not `micrograd.engine`; Value itself is not needed here
import nn
import viz.plots  # CHANGED: the picture is one call

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100

rng = np.random.default_rng(1337)  # CHANGED: generators and seeds are arguments; nothing draws from a global state

# --- the data ---------------------------------------------------------------------------------------------------------

moons = nn.data.moons(100, noise=0.1, seed=rng)  # CHANGED: the data come with the package, without scikit-learn
X, y = moons.X, moons.y * 2 - 1  # the classes are −1 and 1

# --- the network ------------------------------------------------------------------------------------------------------

model = nn.MLP(2, [16, 16, 1], "relu", init="uniform", seed=rng)  # CHANGED: micrograd has relu and uniform built in
print(model)
print(f"number of parameters {len(model.parameters())}")

# --- the loss ---------------------------------------------------------------------------------------------------------


def loss(batch_size=None):
    """Return the max-margin loss with its penalty, and the accuracy, over all points or a random batch."""
    rows = slice(None) if batch_size is None else rng.permutation(len(X))[:batch_size]
    Xb, yb = X[rows], y[rows]  # CHANGED: inputs are plain numbers and need not be made Values
    scores = [model(x)[0] for x in Xb]  # CHANGED: a model returns a list, also for one output
    losses = [(1 + -yi * score).relu() for yi, score in zip(yb, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    penalty = 1e-4 * sum(p * p for p in model.parameters())
    right = [(yi > 0) == (score.data > 0) for yi, score in zip(yb, scores, strict=True)]
    return data_loss + penalty, sum(right) / len(right)


total, accuracy = loss()
print(f"at first: loss {total.data:.6f}, accuracy {accuracy:.0%}")

# --- gradient descent -------------------------------------------------------------------------------------------------

start = model.state_dict()  # for the compiled run below
began = time.perf_counter()
for k in range(STEPS):
    total, accuracy = loss()
    model.zero_grad()
    total.backward()
    learning_rate = 1.0 - 0.9 * k / 100
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    print(f"step {k} loss {total.data:.6f}, accuracy {accuracy:.0%}")
eager = time.perf_counter() - began

# --- the boundary -----------------------------------------------------------------------------------------------------

if importlib.util.find_spec("matplotlib"):  # CHANGED: one picture shows the boundary and the points; a file holds it
    print("wrote", viz.save(viz.plots.decision_boundary(model, X, y), "moons.svg"))

# --- not in micrograd: the same training compiled. The loss of ONE point as eager code; the program takes all. --------


def one_example(x, t):
    """Return the loss of one point; the penalty counts once in the mean over the points."""
    penalty = 1e-4 * sum(p * p for p in model.parameters())
    return (1 + -t[0] * model(x)[0]).relu() + penalty


eager_loss = total.data
model.load_state_dict(start)
program = autograd.compile(one_example, parameters=model)
T = y[:, None].astype(float)
program.value(x=X, t=T)  # records and lifts the scalar graph; the loop below is matrix code
began = time.perf_counter()
for k in range(STEPS):
    compiled_loss = program.backward(x=X, t=T)
    program.flat -= (1.0 - 0.9 * k / 100) * program.flat_gradient
compiled = time.perf_counter() - began
program.push()  # back into the model's Values

print(f"compiled: loss {compiled_loss:.6f}, apart from the eager one by {abs(compiled_loss - eager_loss):.1e}")
print(f"{STEPS} steps: eager {eager:.2f} s, compiled {compiled:.4f} s", file=sys.stderr)
