"""XOR by hand: a network of two hidden neurons, one scalar at a time, and gradient descent in plain Python."""

from autograd import Value

# z = w · x + b and a = tanh(z), with every weight a Value of its own. Labels are for pictures and error messages.
W1 = [[Value(1.0, "W1[0,0]"), Value(1.0, "W1[0,1]")], [Value(0.5, "W1[1,0]"), Value(-0.5, "W1[1,1]")]]
b1 = [Value(0.0, "b1[0]"), Value(-0.5, "b1[1]")]
w2 = [Value(1.0, "W2[0,0]"), Value(-1.0, "W2[0,1]")]
b2 = Value(0.0, "b2[0]")
parameters = [*W1[0], *W1[1], *b1, *w2, b2]

examples = [((-1, -1), -1), ((-1, 1), 1), ((1, -1), 1), ((1, 1), -1)]


def network(x):
    """Return the output of the network, a number between −1 and 1."""
    hidden = [(w[0] * x[0] + w[1] * x[1] + b).tanh() for w, b in zip(W1, b1, strict=True)]
    return (w2[0] * hidden[0] + w2[1] * hidden[1] + b2).tanh()


for step in range(201):
    loss = sum((network(x) - t) ** 2 for x, t in examples) / len(examples)
    for p in parameters:
        p.grad = 0.0  # leaves accumulate: start from zero
    loss.backward()
    for p in parameters:
        p.data -= 0.5 * p.grad
    if step % 50 == 0:
        print(f"step {step:3}  loss {loss:.4f}")

for x, t in examples:
    print(f"{x[0]:2} xor {x[1]:2}  →  {network(x):+.3f}, wanted {t:+d}")
