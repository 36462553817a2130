"""Handwritten digits: train a network of scalars, look at its mistakes, and check its gradients."""

import sys

import nn

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 3

train, test = nn.data.train_test_split(nn.data.load_digits(), test_fraction=0.25, seed=0)
model = nn.MLP(64, [30, 10], activation="tanh", seed=0)
history = nn.fit(
    model,
    train.X,
    nn.one_hot(train.y, 10),
    loss="cross_entropy",
    optimizer=nn.SGD(model.parameters(), learning_rate=0.1, momentum=0.9),
    epochs=EPOCHS,
    batch_size=32,
    seed=0,
)
for epoch, loss in enumerate(history.loss, start=1):
    print(f"epoch {epoch}: loss {loss:.3f}")

result = nn.evaluate(model, test.X, nn.one_hot(test.y, 10), loss="cross_entropy")
print(f"validation digits read correctly: {result.accuracy:.1%}")

print("the gradient of eight of them, engine against matrix equations:")
for row in nn.gradient_agreement(model, test.X[:8], nn.one_hot(test.y[:8], 10), loss="cross_entropy"):
    print(f"  {row.name} {row.shape}: largest distance {row.closed_form_error:.0e} of a gradient")
