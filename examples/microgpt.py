"""A small GPT written one scalar at a time: trained on names, compiled by one line, and asked for new names.

The network is that of GPT-2 (Radford et al. 2019), made small as Andrej Karpathy's microgpt makes it: an embedding of
the token plus one of its position, RMS normalisation without a factor of its own (Zhang and Sennrich 2019), causal
attention with several heads (Vaswani et al. 2017), a ReLU network, and a residual connection around each of the two.
A document is a name; token 0 stands before its first letter and behind its last.

`python examples/microgpt.py [EPOCHS]`
"""

import random
import sys
import time
from itertools import groupby
from pathlib import Path

import numpy as np

import autograd
import nn
from autograd import Value, log_softmax, lookup, relu, softmax

EPOCHS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
WIDTH, HEADS, POSITIONS = 16, 4, 12
HEAD = WIDTH // HEADS

rng = random.Random(42)
names = (Path(__file__).parent / "names.txt").read_text(encoding="utf-8").split()
letters = sorted(set("".join(names)))
VOCABULARY = len(letters) + 1

# --- the parameters ---------------------------------------------------------------------------------------------------


def matrix(name, rows, columns):
    """Return a matrix of Values, labelled so that the derived equations can name it."""
    return [[Value(rng.gauss(0.0, 0.2), f"{name}[{i},{j}]") for j in range(columns)] for i in range(rows)]


parameters = {
    "wte": matrix("wte", VOCABULARY, WIDTH),  # a row for each token
    "wpe": matrix("wpe", POSITIONS, WIDTH),  # a row for each position
    "Wq": matrix("Wq", WIDTH, WIDTH),
    "Wk": matrix("Wk", WIDTH, WIDTH),
    "Wv": matrix("Wv", WIDTH, WIDTH),
    "Wo": matrix("Wo", WIDTH, WIDTH),
    "fc1": matrix("fc1", 4 * WIDTH, WIDTH),
    "fc2": matrix("fc2", WIDTH, 4 * WIDTH),
    "head": matrix("head", VOCABULARY, WIDTH),
}
wte, wpe, Wq, Wk, Wv, Wo, fc1, fc2, head = parameters.values()

# --- the network ------------------------------------------------------------------------------------------------------


def linear(x, W):
    """Return W x."""
    return [sum(w * a for w, a in zip(row, x, strict=True)) for row in W]


def rmsnorm(x):
    """Return x divided by the root of its mean square."""
    scale = (sum(a * a for a in x) / len(x) + 1e-5) ** -0.5
    return [a * scale for a in x]


def attend(q, keys, values):
    """Return, head by head, the mean of the values seen so far, weighted by how well their keys match the query."""
    mixed = []
    for start in range(0, WIDTH, HEAD):
        part = range(start, start + HEAD)
        scores = [sum(q[c] * key[c] for c in part) / HEAD**0.5 for key in keys]
        weights = softmax(scores)
        mixed += [sum(a * value[c] for a, value in zip(weights, values, strict=True)) for c in part]
    return mixed


def gpt(token, position, keys, values):
    """Return the logits of what follows a token; its key and value join those of the tokens before it."""
    embedding = [a + b for a, b in zip(lookup(wte, token), wpe[position], strict=True)]
    n1 = rmsnorm(embedding)
    keys.append(linear(n1, Wk))
    values.append(linear(n1, Wv))
    mixed = linear(attend(linear(n1, Wq), keys, values), Wo)
    attended = [a + b for a, b in zip(embedding, mixed, strict=True)]
    hidden = [relu(z) for z in linear(rmsnorm(attended), fc1)]
    return linear([a + b for a, b in zip(attended, linear(hidden, fc2), strict=True)], head)


def loss(x, t):
    """Return the mean cross-entropy of one document: tokens x, and t, the token that follows each."""
    keys, values, losses = [], [], []
    for position, (token, target) in enumerate(zip(x, t, strict=True)):
        losses.append(-lookup(log_softmax(gpt(token, position, keys, values)), target))
    return sum(losses) / len(losses)


# --- the documents ----------------------------------------------------------------------------------------------------


def tokens(name):
    """Return what the network reads of a name, and what follows each token."""
    word = [letters.index(letter) + 1 for letter in name]
    return [0, *word], [*word, 0]


names.sort(key=len)
batches = [  # names of one length, at most 32 together
    [np.array(part) for part in zip(*map(tokens, group[k : k + 32]), strict=True)]
    for group in [list(of_length) for _, of_length in groupby(names, key=len)]
    for k in range(0, len(group), 32)
]

# --- one document in scalars, and the same program compiled -----------------------------------------------------------

began = time.perf_counter()
eager = loss(*tokens("mira"))
eager.backward()
eager_time = time.perf_counter() - began
print(f"{len(names)} names, {sum(len(group[0]) for group in batches)} of them in {len(batches)} batches")
print(f'at first: loss of "mira" {eager.data:.6f}')

program = autograd.compile(loss, parameters=parameters)
x, t = tokens("mira")
value, gradients = program.value_and_grad(x=[x], t=[t])
distance = max(
    abs(gradients[name][k] - leaf.grad)
    for name, array in parameters.items()
    for k, leaf in np.ndenumerate(np.array(array, dtype=object))
)
print(f"compiled: loss apart from the eager one by {abs(value - eager.data):.0e}, gradients by {distance:.0e}")

# --- training ---------------------------------------------------------------------------------------------------------

rule = nn.AdamRule(learning_rate=0.01)
state = rule.init(program.flat)
began = time.perf_counter()
for epoch in range(EPOCHS):
    rng.shuffle(batches)
    total = 0.0
    for x, t in batches:
        total += len(x) * program.backward(x=x, t=t)
        step, state = rule.update(program.flat_gradient, state, program.flat)
        program.flat += step
    print(f"epoch {epoch + 1}: loss {total / len(names):.4f}")
compiled_time = (time.perf_counter() - began) / (EPOCHS * len(names))
program.push()  # back into the Values
print(f"a document takes {eager_time:.4f} s in scalars, {compiled_time:.6f} s compiled", file=sys.stderr)

# --- new names --------------------------------------------------------------------------------------------------------

for _ in range(8):
    token, name, keys, values = 0, "", [], []
    with autograd.no_grad():
        for position in range(POSITIONS):
            probabilities = [p.data for p in softmax(gpt(token, position, keys, values))]
            token = rng.choices(range(VOCABULARY), probabilities)[0]
            if token == 0:
                break
            name += letters[token - 1]
    print("a new name:", name)
