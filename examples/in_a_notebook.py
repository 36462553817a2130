"""What results show of themselves: a data set, a network, its training, its equations and the check of a gradient."""

import autograd
import nn
from autograd import Value

moons = nn.data.moons(60, noise=0.1, seed=0)
moons  # noqa: B018  # in a notebook what stands last in a cell shows itself

model = nn.MLP(2, [3, 1], activation="tanh", seed=0)
model  # noqa: B018

X, T = moons.X, moons.y[:, None].astype(float)
sgd = nn.SGD(model.parameters(), learning_rate=0.5)
history = nn.fit(model, X, T, loss="binary_cross_entropy_with_logits", optimizer=sgd, epochs=30, batch_size=10, seed=0)
history  # noqa: B018

program = autograd.compile(lambda x, t: nn.binary_cross_entropy_with_logits(model(x), t), parameters=model)
print(f"the loss of all examples: {program.value(x=X, t=T):.6f}")
program  # noqa: B018

w, x = Value(0.5, "w"), Value(2.0, "x")
loss = (w * x - 3.0) ** 2
loss.label = "C"
loss  # noqa: B018

explanation = autograd.explain(loss, w)
print(explanation)
explanation  # noqa: B018

report = autograd.check_gradients(lambda v: (v[0] * v[1] - 3.0) ** 2, [0.5, 2.0])
print(report)
report  # noqa: B018
