"""An operation of your own in one block: it differentiates, twice too, compiles and is drawn like the others."""

import math

import numpy as np

import autograd
from autograd import Op, Value

arcsinh = Op(
    "arcsinh",
    forward=math.asinh,
    array=np.arcsinh,  # for compiled programs; without it `forward` is called element by element
    partials=(lambda out, x: 1.0 / autograd.sqrt(1.0 + x * x),),  # written with operations, so it differentiates again
)

x = Value(0.75, "x")
y = arcsinh(x)
y.backward()
print(f"arcsinh(0.75) = {y:.6f}, derivative {x.grad:.6f}")
print(f"second derivative {autograd.grad(autograd.grad(arcsinh))(0.75):.6f}")
print(autograd.check_gradients(arcsinh, 0.75))

w = Value(1.5, "w")
program = autograd.compile(lambda x: arcsinh(w * x[0]))
loss, gradient = program.value_and_grad(x=[[0.5], [1.0], [2.0]])
print(f"compiled, mean over three rows: {loss:.6f}, by w {float(gradient['w']):.6f}")
