"""JAX on the CPU, in float64, everything that is repeated compiled by `jit`."""

from __future__ import annotations

from typing import Any

import arrays
import jax
import jax.numpy as jnp

PACKAGES = ("jax", "jaxlib")
SIGMA = {"tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}
jax.config.update("jax_enable_x64", True)


def step(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one step of gradient descent, compiled as a whole, its parameters donated."""
    X, T = jnp.array(problem["X"]), jnp.array(problem["T"])
    loss = arrays.mean_loss(problem, SIGMA)

    def new_parameters(parameters: Any, X: Any, T: Any) -> Any:
        value, gradients = jax.value_and_grad(lambda parameters: loss(*parameters, X, T))(parameters)
        return value, jax.tree.map(lambda p, g: p - problem["rate"] * g, parameters, gradients)

    compiled = jax.jit(new_parameters, donate_argnums=0)
    state: dict[str, Any] = {"parameters": tuple([jnp.array(p) for p in problem[name]] for name in "Wb")}

    def one_step() -> None:
        state["loss"], state["parameters"] = jax.block_until_ready(compiled(state["parameters"], X, T))

    return arrays.repeated(
        one_step, lambda: arrays.flat(state["loss"], [*state["parameters"][0], *state["parameters"][1]])
    )


step_tanh = step_relu = step_digits = step


def compile_time(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of tracing, differentiating and compiling a step, and taking the first one."""
    last: list[arrays.Run] = []

    def first() -> None:
        last[:] = [step(problem)]
        last[0]()

    return arrays.repeated(first, lambda: last[0]()[1]())


def function(x: Any) -> Any:
    """Return the function whose Hessian is wanted."""
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2 + jnp.sin(x[:-1] * x[1:])).sum()


def hessian_of_ten(problem: dict[str, Any]) -> arrays.Run:
    """Return the workload of one Hessian; the time to compile it is not counted."""
    found: dict[str, Any] = {}
    of, point = jax.jit(jax.hessian(function)), jnp.array(problem["x"])
    return arrays.repeated(lambda: found.update(H=jax.block_until_ready(of(point))), lambda: found["H"].ravel())
