"""Networks of scalars as estimators of scikit-learn: `DeltaClassifier` and `DeltaRegressor`.

Names, defaults and meaning of the parameters are those of scikit-learn's `MLPClassifier` and `MLPRegressor`, so that
one can stand in the other's place: in a pipeline, a grid search, or under a calibration. With the same `random_state`
they begin with the same weights and take the same steps in the same order. What is computed is the program that
`autograd.compile` derives from an `nn.MLP`; the trained network is `model_`.

The gradient of a batch is (Σᵢ wᵢ ∂Cᵢ/∂θ + α W) / Σᵢ wᵢ with the sample weights w: scikit-learn divides the penalty by
the batch's sum of weights, too, where the l2 of this package is a coefficient once and for all.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import pickle
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import autograd

from .arguments import FloatArray
from .loss.losses import binary_cross_entropy_with_logits, cross_entropy, half_squared_error
from .model.mlp import MLP
from .train.penalty import Penalty
from .train.rules import Rule, State

try:
    from scipy.optimize import minimize
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning, NotFittedError
    from sklearn.metrics import r2_score
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import LabelBinarizer
    from sklearn.utils import check_random_state, gen_batches, shuffle
    from sklearn.utils.metaestimators import available_if
    from sklearn.utils.multiclass import type_of_target, unique_labels
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(
        'nn.sklearn needs scikit-learn 1.7 or newer: pip install scikit-learn, or the extra "sklearn"'
    ) from error

__all__ = ["DeltaClassifier", "DeltaRegressor"]

SOLVERS = ("sgd", "adam", "lbfgs")
RATES = ("constant", "invscaling", "adaptive")
LOSSES = {
    "sigmoid": binary_cross_entropy_with_logits,
    "softmax": cross_entropy,
    "identity": half_squared_error,
}
"""The loss of the weighted inputs of the last layer, by what makes outputs of them."""


@dataclasses.dataclass(frozen=True)
class ScikitSGDRule:
    """SGD as scikit-learn has it: the velocity holds the learning rate, so that a new one acts on new gradients only.

    v ← μ v − η g,   θ ← θ + v,   with Nesterov's look-ahead θ ← θ + μ v − η g.
    """

    learning_rate: float
    momentum: float
    nesterov: bool

    def init(self, parameters: FloatArray) -> State:
        """Return a velocity of zeros."""
        return {"velocity": np.zeros_like(parameters)}

    def update(
        self,
        gradients: FloatArray,
        state: State,
        parameters: FloatArray,  # noqa: ARG002  # every rule is given them
    ) -> tuple[FloatArray, State]:
        """Return what to add to the parameters, and the next state."""
        velocity = self.momentum * state["velocity"] - self.learning_rate * gradients
        step = self.momentum * velocity - self.learning_rate * gradients if self.nesterov else velocity
        return step, {"velocity": velocity}


@dataclasses.dataclass(frozen=True)
class ScikitAdamRule:
    """Adam as scikit-learn has it: ε is added to √v before the correction of its bias, not after as in `nn.AdamRule`.

    θ ← θ − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).
    """

    learning_rate: float
    betas: tuple[float, float]
    epsilon: float

    def init(self, parameters: FloatArray) -> State:
        """Return means of zeros and no step."""
        return {"m": np.zeros_like(parameters), "v": np.zeros_like(parameters), "t": np.zeros(())}

    def update(
        self,
        gradients: FloatArray,
        state: State,
        parameters: FloatArray,  # noqa: ARG002  # every rule is given them
    ) -> tuple[FloatArray, State]:
        """Return what to add to the parameters, and the next state."""
        b1, b2 = self.betas
        t = float(state["t"]) + 1.0
        m = b1 * state["m"] + (1.0 - b1) * gradients
        v = b2 * state["v"] + (1.0 - b2) * gradients * gradients
        rate = self.learning_rate * math.sqrt(1.0 - b2**t) / (1.0 - b1**t)
        return -rate * m / (np.sqrt(v) + self.epsilon), {"m": m, "v": v, "t": np.asarray(t)}


@functools.lru_cache(maxsize=32)
def _pickled_program(sizes: tuple[int, ...], activations: tuple[Any, ...], output: str) -> bytes:
    """Return the program of a network of this architecture: Σᵢ wᵢ Cᵢ, and the weighted inputs of its last layer."""
    model = MLP(sizes[0], list(sizes[1:]), [*activations, "identity"], seed=0)
    loss = LOSSES[output]

    def weighted(x: Any, t: Any, w: Any) -> Any:
        z = model(x)
        return w[0] * loss(z, t), {"z": z}

    program = autograd.compile(weighted, parameters=model, reduce="sum")
    target = np.full((1, sizes[-1]), 1.0 / sizes[-1])
    program.value(x=np.zeros((1, sizes[0])), t=target, w=[[1.0]])
    return pickle.dumps(program)


class _DeltaNetwork(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What the two estimators share: their parameters, the solvers, and the network as arrays."""

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: int = 10,
        max_fun: int = 15000,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun

    n_outputs_: int
    out_activation_: str

    # --- what scikit-learn's estimators show -----------------------------------------------------

    @property
    def coefs_(self) -> list[FloatArray]:
        """The weights of each layer, (n_in, n_out): the transpose of W."""
        return [W.T for W in self._arrays()[::2]]

    @property
    def intercepts_(self) -> list[FloatArray]:
        """The biases of each layer, (n_out,)."""
        return self._arrays()[1::2]

    @property
    def model_(self) -> MLP:
        """The trained network, a new `nn.MLP` of Values each time; its outputs are the last weighted inputs."""
        _, sizes, activations = self._architecture()
        model = MLP(sizes[0], sizes[1:], [*activations, "identity"], seed=0)
        arrays = self._arrays()
        model.weights, model.biases = arrays[::2], arrays[1::2]
        return model

    @property
    def n_layers_(self) -> int:
        """The number of layers, the inputs counted."""
        return len(self._architecture()[1])

    def _arrays(self) -> list[FloatArray]:
        """Return W¹, b¹, W², b² and so on."""
        named = self._fitted_program().parameters
        return [np.array(named[f"{kind}{l}"]) for l in range(1, len(named) // 2 + 1) for kind in "Wb"]

    def _fitted_program(self) -> autograd.Program:
        if not hasattr(self, "_program"):
            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call fit first")
        program: autograd.Program = self._program
        return program

    def _architecture(self) -> tuple[str, list[int], list[Any]]:
        """Return what makes outputs of the last weighted inputs, the sizes of all layers, the hidden activations."""
        check_is_fitted(self, "n_outputs_")
        hidden = self.hidden_layer_sizes
        sizes = list(hidden) if hasattr(hidden, "__iter__") else [hidden]
        if any(size <= 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
        given = self.activation
        activations = [given] * len(sizes) if isinstance(given, (str, autograd.Op)) else list(given)
        if len(activations) != len(sizes):
            raise ValueError(f"activation needs one name, or one for each of {len(sizes)} layers, got {given!r}")
        named = ["sigmoid" if each == "logistic" else each for each in activations]
        return self.out_activation_, [self.n_features_in_, *map(int, sizes), self.n_outputs_], named

    # --- training --------------------------------------------------------------------------------

    def _require_parameters(self) -> None:
        for name, known in (("solver", SOLVERS), ("learning_rate", RATES)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        for name, least in (("alpha", 0.0), ("learning_rate_init", 0.0), ("tol", 0.0), ("epsilon", 0.0)):
            number = getattr(self, name)
            if not (isinstance(number, (int, float, np.number)) and math.isfinite(number) and number >= least):
                raise ValueError(f"{name} must be a finite number, at least {least:g}, got {number!r}")
        for name in ("max_iter", "n_iter_no_change", "max_fun"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        if not 0.0 < self.validation_fraction < 1.0:
            raise ValueError(f"validation_fraction must lie between 0 and 1, got {self.validation_fraction!r}")

    def _train(self, X: FloatArray, T: FloatArray, weight: FloatArray | None, *, incremental: bool) -> None:
        """Fit the parameters to inputs and targets, both (N, ·), from the start or from where they are."""
        first = not hasattr(self, "_program") or not (self.warm_start or incremental)
        if first:
            self._begin()
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.solver == "lbfgs":
            self._minimize(X, T, np.ones(len(X)) if weight is None else weight)
        else:
            self._descend(X, T, weight, incremental=incremental)
        if not np.isfinite(self._program.flat).all():
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may contain large values and need to be"
                " preprocessed."
            )

    def _begin(self) -> None:
        """Draw the first weights as scikit-learn does: Glorot's uniform, biases too."""
        output, sizes, activations = self._architecture()
        self._program = pickle.loads(_pickled_program(tuple(sizes), tuple(activations), output))
        self._random = check_random_state(self.random_state)
        for l, (n_in, n_out) in enumerate(itertools.pairwise(sizes), start=1):
            logistic = activations[min(l, len(activations)) - 1] == "sigmoid" if activations else False
            bound = math.sqrt((2.0 if logistic else 6.0) / (n_in + n_out))
            self._program.parameters[f"W{l}"] = self._random.uniform(-bound, bound, (n_in, n_out)).T
            self._program.parameters[f"b{l}"] = self._random.uniform(-bound, bound, n_out)
        self._is_weight = np.zeros(self._program.flat.size)
        for name, view in self._program.named(self._is_weight).items():
            view[...] = name.startswith("W")
        self.loss_curve_: list[float] = []
        self.t_, self.n_iter_ = 0, 0
        self._state: State | None = None
        self._no_improvement = 0
        self._rate = float(self.learning_rate_init)
        self.best_loss_: Any = math.inf  # or None, where a score decides
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: Any = None

    def _loss_and_gradient(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> tuple[float, FloatArray]:
        """Return the loss of a batch with its penalty, and the gradient in the order of the flat parameters."""
        program = self._program
        total = float(weight.sum())
        if total <= 0.0:
            raise ValueError(f"a batch of {len(X)} examples needs sample weights with a positive sum, got {total:g}")
        penalty, gradient = Penalty(self.alpha, self._is_weight, ()).at(program.flat)
        loss = program.backward(x=X, t=T, w=weight[:, None]) + penalty
        return loss / total, (program.flat_gradient + gradient) / total

    def _minimize(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> None:
        """Run L-BFGS-B over all examples at once."""

        def objective(flat: FloatArray) -> tuple[float, FloatArray]:
            self._program.flat = flat
            return self._loss_and_gradient(X, T, weight)

        found = minimize(
            objective,
            np.array(self._program.flat),
            method="L-BFGS-B",
            jac=True,
            options={"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol},
        )
        self._program.flat = found.x
        self.loss_ = self.best_loss_ = float(found.fun)
        self.n_iter_ = min(int(found.nit), self.max_iter)
        if found.status != 0:
            warnings.warn(
                f"lbfgs failed to converge after {self.n_iter_} iteration(s): {found.message}. Increase max_iter, or "
                "scale the data.",
                ConvergenceWarning,
                stacklevel=4,
            )

    def _rule(self) -> Rule:
        if self.solver == "sgd":
            return ScikitSGDRule(self._rate, self.momentum, bool(self.nesterovs_momentum))
        return ScikitAdamRule(self._rate, (self.beta_1, self.beta_2), self.epsilon)

    def _descend(self, X: FloatArray, T: FloatArray, weight: FloatArray | None, *, incremental: bool) -> None:
        """Run SGD or Adam over the batches of so many epochs."""
        weight = np.ones(len(X)) if weight is None else weight
        held_out = None
        if self.early_stopping:
            X, T, weight, held_out = self._split(X, T, weight)
        if not incremental:
            self._state, self._rate, self._no_improvement = None, float(self.learning_rate_init), 0
            self.n_iter_ = 0
        best = None
        size = self._size_of_batches(len(X))
        rows = np.arange(len(X))
        for epoch in range(1 if incremental else self.max_iter):
            if self.shuffle:
                rows = shuffle(rows, random_state=self._random)
            self.n_iter_ += 1
            self.loss_ = self._epoch(X, T, weight, [rows[cut] for cut in gen_batches(len(X), size)])
            self.t_ += len(X)
            self.loss_curve_.append(self.loss_)
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")  # noqa: T201  # as scikit-learn does
            if self._has_improved(held_out):
                best = np.array(self._program.flat)
            if self.solver == "sgd" and self.learning_rate == "invscaling":
                self._rate = float(self.learning_rate_init) / (self.t_ + 1) ** self.power_t
            if self._no_improvement > self.n_iter_no_change and not self._slower():
                break
            if epoch + 1 == self.max_iter and not incremental:
                warnings.warn(
                    f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't "
                    "converged yet.",
                    ConvergenceWarning,
                    stacklevel=5,
                )
        if held_out is not None and best is not None:
            self._program.flat = best

    def _epoch(self, X: FloatArray, T: FloatArray, weight: FloatArray, batches: Sequence[Any]) -> float:
        """Take a step for each batch, and return the mean of their losses by examples."""
        rule = self._rule()
        sum_of_losses = 0.0
        for rows in batches:
            loss, gradient = self._loss_and_gradient(X[rows], T[rows], weight[rows])
            if self._state is None:
                self._state = rule.init(gradient)
            step, self._state = rule.update(gradient, self._state, self._program.flat)
            self._program.flat += step
            sum_of_losses += loss * len(rows)
        return sum_of_losses / len(X)

    def _slower(self) -> bool:
        """Divide the rate by 5 where it is adaptive and large enough to go on; say whether training does."""
        if self.solver != "sgd" or self.learning_rate != "adaptive" or self._rate <= 1e-6:
            return False
        self._rate /= 5.0
        self._no_improvement = 0
        return True

    def _has_improved(self, held_out: Any) -> bool:
        """Take account of an epoch, and say whether it was the best so far."""
        if held_out is None:
            worse = self.loss_ > self.best_loss_ - self.tol
            better = self.loss_ < self.best_loss_
            self.best_loss_ = min(self.loss_, self.best_loss_)
        else:
            score = float(self._score_of(*held_out))
            if self.validation_scores_ is None:
                self.validation_scores_, self.best_validation_score_, self.best_loss_ = [], -math.inf, None
            self.validation_scores_.append(score)
            worse = score < self.best_validation_score_ + self.tol
            better = score > self.best_validation_score_
            self.best_validation_score_ = max(score, self.best_validation_score_)
        self._no_improvement = self._no_improvement + 1 if worse else 0
        return bool(better)

    def _split(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> tuple[Any, Any, Any, tuple[Any, Any, Any]]:
        stratify = T[:, 0] if self.out_activation_ == "sigmoid" and self.n_outputs_ == 1 else None
        X, held_X, T, held_T, weight, held_weight = train_test_split(
            X, T, weight, random_state=self._random, test_size=self.validation_fraction, stratify=stratify
        )
        if len(held_X) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return X, T, weight, (held_X, held_T, held_weight)

    def _size_of_batches(self, examples: int) -> int:
        if self.batch_size == "auto":
            return min(200, examples)
        size = int(self.batch_size)
        if size < 1 or size > examples:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=6
            )
        return min(max(size, 1), examples)

    def _has_batches(self) -> bool:
        """Whether the solver takes batches; scikit-learn offers partial_fit only then."""
        if self.solver not in ("sgd", "adam"):
            raise AttributeError(f"partial_fit is only available for the solvers sgd and adam, got {self.solver!r}")
        return True

    # --- what is common to predictions -----------------------------------------------------------

    def _weighted_inputs(self, X: Any) -> FloatArray:
        """Return the last layer's weighted inputs, (N, n_outputs)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        z: FloatArray = self._fitted_program().outputs(x=X)["z"]
        return z

    def _score_of(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> float:
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_program")


class DeltaClassifier(ClassifierMixin, _DeltaNetwork):  # type: ignore[misc]  # scikit-learn has no types
    """A network of scalars that tells classes apart, by the cross-entropy, as an estimator of scikit-learn.

    Several classes are the outputs of a softmax; two are one sigmoid; of several labels at once each is a sigmoid.

    Args:
        hidden_layer_sizes: The numbers of neurons of the hidden layers.
        activation: Their activation: "relu", "logistic", "tanh", "identity" or any name of `nn.MLP`, or an operation;
            or a list of one for each hidden layer.
        solver: "sgd", "adam" or "lbfgs".
        alpha: The coefficient of the penalty (α/2) Σ W² / Σᵢ wᵢ; biases have none.
        batch_size: The number of examples of a step; "auto" is min(200, N). Not for lbfgs.
        learning_rate: "constant", "invscaling" or "adaptive", for sgd.
        learning_rate_init: The learning rate at first.
        power_t: The exponent of "invscaling".
        max_iter: The largest number of epochs, or of iterations of lbfgs.
        shuffle: Whether to take the examples in a new order in each epoch.
        random_state: What weights, order and held-out examples are drawn from.
        tol: What counts as an improvement of the loss or the score; for lbfgs the largest gradient to stop at.
        verbose: Whether to print the loss of each epoch.
        warm_start: Whether `fit` goes on from the weights there are.
        momentum: That of sgd, at least 0 and less than 1.
        nesterovs_momentum: Whether it looks ahead.
        early_stopping: Whether to hold examples out and stop when their score no longer grows.
        validation_fraction: The share of the examples held out.
        beta_1: Adam's β₁.
        beta_2: Adam's β₂.
        epsilon: Adam's ε.
        n_iter_no_change: For how many epochs the loss or the score may stay as it is.
        max_fun: The largest number of evaluations of lbfgs.

    Attributes:
        classes_: The classes, in the order of the columns of `predict_proba`.
        model_: The trained network as an `nn.MLP`.
        coefs_, intercepts_, loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, best_loss_,
            validation_scores_, best_validation_score_: As in scikit-learn; `out_activation_` is "sigmoid" or "softmax".

    Example:
        >>> import pytest
        >>> _ = pytest.importorskip("sklearn")
        >>> X, y = [[0.0], [0.2], [0.8], [1.0]], ["low", "low", "high", "high"]
        >>> DeltaClassifier([4], "tanh", solver="lbfgs", random_state=0).fit(X, y).predict([[0.1], [0.9]])
        array(['low', 'high'], dtype='<U4')
    """

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> DeltaClassifier:
        """Fit the network and return it.

        Args:
            X: Inputs, (N, n_features).
            y: Classes of any kind, (N,), or labels as zeros and ones, (N, n_labels).
            sample_weight: The weight of each example, (N,).

        Raises:
            ValueError: If a parameter, a shape or a number is not one that can be used.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    @available_if(_DeltaNetwork._has_batches)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def partial_fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> DeltaClassifier:
        """Go once through some examples and return the network; `classes` names all classes at the first call.

        Raises:
            ValueError: As `fit`; also if the first call names no classes, or a class is not among them.
        """
        if not hasattr(self, "classes_"):
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            multilabel = type_of_target(y).startswith("multilabel")
            self._labels = LabelBinarizer().fit(y if multilabel else classes)
            self.classes_ = self._labels.classes_
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(f"`classes={classes!r}` is not the same as on last call to partial_fit: {self.classes_!r}")
        return self._fit(X, y, sample_weight, incremental=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> DeltaClassifier:
        self._require_parameters()
        going_on = hasattr(self, "_program") and (self.warm_start or incremental)
        X, y = validate_data(self, X, y, multi_output=True, dtype=np.float64, reset=not going_on)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not going_on and not incremental:
            self._labels = LabelBinarizer().fit(y)
            self.classes_ = self._labels.classes_
        unknown = np.setdiff1d(unique_labels(y), self.classes_)
        if len(unknown):
            raise ValueError(f"`y` has classes not in `self.classes_`: {unknown!r}, known are {self.classes_!r}")
        if going_on and not incremental and len(unique_labels(y)) != len(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. Previously "
                f"got {self.classes_}, `y` has {unique_labels(y)}"
            )
        if len(self.classes_) < 2:
            raise ValueError(f"a classifier needs examples of at least two classes, got one class: {self.classes_!r}")
        T = self._labels.transform(y).astype(float)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        several = self._labels.y_type_.startswith("multilabel") or T.shape[1] == 1
        self.n_outputs_, self.out_activation_ = T.shape[1], "sigmoid" if several else "softmax"
        self._train(X, T, weight, incremental=incremental)
        return self

    def predict(self, X: Any) -> Any:
        """Return the class of each example, (N,), or its labels, (N, n_labels)."""
        return self._decided(self._probabilities(X))

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of each class, (N, n_classes)."""
        p = self._probabilities(X)
        return np.hstack([1.0 - p, p]) if self.n_outputs_ == 1 else p

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Return the logarithms of the probabilities, (N, n_classes); −∞ where a probability is 0."""
        with np.errstate(divide="ignore"):
            logarithms: FloatArray = np.log(self.predict_proba(X))
        return logarithms

    def _probabilities(self, X: Any) -> FloatArray:
        return _outputs(self._weighted_inputs(X), self.out_activation_)

    def _decided(self, probabilities: FloatArray) -> Any:
        return self._labels.inverse_transform(probabilities[:, 0] if self.n_outputs_ == 1 else probabilities)

    def _score_of(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> float:
        p = _outputs(self._program.outputs(x=X)["z"], self.out_activation_)
        hits = p.argmax(1) == T.argmax(1) if self.out_activation_ == "softmax" else ((p > 0.5) == T).all(axis=1)
        return float(np.average(hits, weights=weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class DeltaRegressor(RegressorMixin, _DeltaNetwork):  # type: ignore[misc]  # scikit-learn has no types
    """A network of scalars that predicts numbers, by half the squared error, as an estimator of scikit-learn.

    Takes the arguments of `DeltaClassifier`. The loss of an example is ½‖z − y‖², the sum over its outputs, whose
    gradient scikit-learn takes, too; its `loss_` is that divided by the number of outputs.

    Attributes:
        model_: The trained network as an `nn.MLP`.
        coefs_, intercepts_, loss_, loss_curve_, n_iter_, t_, n_layers_, n_outputs_, out_activation_, best_loss_,
            validation_scores_, best_validation_score_: As in scikit-learn.

    Example:
        >>> import pytest
        >>> _ = pytest.importorskip("sklearn")
        >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
        >>> regressor = DeltaRegressor([], solver="lbfgs", alpha=0.0, tol=1e-9, random_state=0).fit(X, y)
        >>> regressor.predict([[4.0]]).round(6)
        array([9.])
    """

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> DeltaRegressor:
        """Fit the network and return it.

        Args:
            X: Inputs, (N, n_features).
            y: Targets, (N,) or (N, n_outputs).
            sample_weight: The weight of each example, (N,).

        Raises:
            ValueError: If a parameter, a shape or a number is not one that can be used.
        """
        return self._fit(X, y, sample_weight, incremental=False)

    @available_if(_DeltaNetwork._has_batches)  # type: ignore[untyped-decorator]  # scikit-learn has no types
    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> DeltaRegressor:
        """Go once through some examples and return the network. Raises as `fit` does."""
        return self._fit(X, y, sample_weight, incremental=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, *, incremental: bool) -> DeltaRegressor:
        self._require_parameters()
        going_on = hasattr(self, "_program") and (self.warm_start or incremental)
        X, y = validate_data(self, X, y, multi_output=True, y_numeric=True, dtype=np.float64, reset=not going_on)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        T = np.asarray(y, dtype=float).reshape(len(X), -1)
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        if going_on and T.shape[1] != self.n_outputs_:
            raise ValueError(f"y needs {self.n_outputs_} output(s) as before, got {T.shape[1]}")
        self.n_outputs_, self.out_activation_ = int(T.shape[1]), "identity"
        self._train(X, T, weight, incremental=incremental)
        return self

    def predict(self, X: Any) -> FloatArray:
        """Return the prediction for each example, (N,) or (N, n_outputs)."""
        z = self._weighted_inputs(X)
        return z[:, 0] if self.n_outputs_ == 1 else z

    def _score_of(self, X: FloatArray, T: FloatArray, weight: FloatArray) -> float:
        return float(r2_score(T, self._program.outputs(x=X)["z"], sample_weight=weight))


def _outputs(z: FloatArray, activation: str) -> FloatArray:
    """Return what an activation makes of the last weighted inputs, row by row."""
    if activation == "softmax":
        return np.stack(autograd.softmax(z.T), axis=1)
    outputs: FloatArray = autograd.sigmoid(z) if activation == "sigmoid" else z
    return outputs
