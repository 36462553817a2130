"""micrograd's moons demo, changed only where the interface differs, and then compiled.

The demo is Andrej Karpathy's (github.com/karpathy/micrograd, demo.ipynb): a 2-16-16-1 network of ReLUs, the hinge loss
over all 100 points with an L2 penalty, and gradient descent with a falling rate. Lines marked CHANGED are those that a
user of micrograd would write differently here; each says why.
"""

import sys
import time

import autograd  # CHANGED: the engine's package is `autograd`, not `micrograd.engine`
import nn

STEPS = int(sys.argv[1]) if len(sys.argv) > 1 else 100

moons = nn.data.moons(100, noise=0.1, seed=1)  # CHANGED: the data come with the package, scikit-learn is not needed
X, y = moons.X, moons.y * 2 - 1  # as there: classes are −1 and 1

model = nn.MLP(2, [16, 16, 1], activation="relu", seed=1337)  # CHANGED: activation and seed are arguments
print(f"{len(model.parameters())} parameters")


def loss():
    """Return the hinge loss over all points with its penalty, and the accuracy."""
    scores = [model(x)[0] for x in X]  # CHANGED: a model returns a list, also for one output; rows need no Values
    losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
    data_loss = sum(losses) * (1.0 / len(losses))
    penalty = 1e-4 * sum(p * p for p in model.parameters())
    accuracy = [(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)]
    return data_loss + penalty, sum(accuracy) / len(accuracy)


start = {name: array.copy() for name, array in model.state_dict().items()}
began = time.perf_counter()
for k in range(STEPS):
    total, accuracy = loss()
    model.zero_grad()
    total.backward()
    for p in model.parameters():
        p.data -= (1.0 - 0.9 * k / 100) * p.grad
    if k % 10 == 0 or k == STEPS - 1:
        print(f"step {k} loss {total.data:.6f}, accuracy {100 * accuracy:.0f}%")
eager = time.perf_counter() - began
eager_loss = total.data

# --- The same training, compiled: the loss of ONE example, as eager code; the program takes whole batches. -----------


def one_example(x, t):
    """Return the loss of one point; the penalty counts once in the mean over the batch."""
    penalty = 1e-4 * sum(p * p for p in model.parameters())
    return (1 + -t[0] * model(x)[0]).relu() + penalty


model.load_state_dict(start)
program = autograd.compile(one_example, parameters=model)
T = y[:, None].astype(float)
program.value(x=X, t=T)  # records and lifts the scalar graph; the loop below is matrix code
began = time.perf_counter()
for k in range(STEPS):
    compiled_loss = program.backward(x=X, t=T)
    program.flat[:] -= (1.0 - 0.9 * k / 100) * program.flat_gradient
compiled = time.perf_counter() - began
program.push()  # back into the model's Values

print(f"compiled: loss {compiled_loss:.6f}, apart from the eager one by {abs(compiled_loss - eager_loss):.1e}")
print(f"eager {eager:.2f} s, compiled {compiled:.4f} s", file=sys.stderr)
