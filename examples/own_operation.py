"""An operation of your own in one block: it differentiates, twice too, compiles and is drawn like the others."""

import math

import numpy as np

import autograd
from autograd import Op, Value

gudermannian = Op(
    "gudermannian",
    forward=lambda x: math.atan(math.sinh(x)),
    array=lambda x: np.arctan(np.sinh(x)),  # for compiled programs; without it `forward` is called entry by entry
    partials=(lambda out, x: 1.0 / autograd.cosh(x),),  # written with operations, so it differentiates again
)

x = Value(math.log(2.0), "x")
y = gudermannian(x)
y.backward()
print(f"gudermannian(log 2) = {y:.6f}, derivative {x.grad:.6f}")
print(f"second derivative {autograd.grad(autograd.grad(gudermannian))(x.data):.6f}")
print(autograd.check_gradients(gudermannian, x.data))

w = Value(1.5, "w")
program = autograd.compile(lambda x: gudermannian(w * x[0]))
loss, gradient = program.value_and_grad(x=[[0.5], [1.0], [2.0]])
print(f"compiled, mean over three rows: {loss:.6f}, by w {float(gradient['w']):.6f}")
