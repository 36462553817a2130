"""What to write here for what other libraries call otherwise; see `autograd.habits`."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["KEYWORDS", "MODEL", "OUTPUTS", "PACKAGE"]

_LAYERS = "a network of fully connected layers is nn.MLP(n_in, [n_1, …, n_out], activation=…)"
_BY_NAME = "activations are named: nn.MLP(…, activation='{}'), and autograd.{} is the function"
_OWN = "write it in Values in the __call__ of a subclass of nn.Module"
_SGD = "nn.SGD(model.parameters(), learning_rate=…)"
_FIT = f"nn.fit(model, X, T, loss=…, optimizer={_SGD}, epochs=…, batch_size=…, seed=…)"
_LIST = "a model returns the list of its outputs"

PACKAGE: Mapping[str, str] = {
    "Linear": "nn.Layer(n_in, n_out, 'identity') is one layer; " + _LAYERS,
    "Dense": "nn.Layer(n_in, n_out, 'identity') is one layer; " + _LAYERS,
    "Sequential": _LAYERS,
    "ModuleList": "a subclass of nn.Module may keep its modules in a plain list",
    "Parameter": "a parameter is a leaf autograd.Value, kept in an attribute of a subclass of nn.Module",
    "MSELoss": "a loss is a function, nn.mse_loss, or its name, loss='mse_loss'; nn.half_squared_error is ½‖a − t‖²",
    "CrossEntropyLoss": "it is nn.cross_entropy, of logits and a probability vector; nn.one_hot makes one from a class",
    "NLLLoss": "nn.cross_entropy takes logits, and does the logarithm and the softmax itself",
    "BCELoss": "it is nn.binary_cross_entropy",
    "BCEWithLogitsLoss": "it is nn.binary_cross_entropy_with_logits",
    "HingeEmbeddingLoss": "it is nn.hinge_loss, of scores and targets −1 or +1",
    "Softmax": "nn.cross_entropy takes logits; autograd.softmax and model.predict_proba give probabilities",
    "functional": "activations are functions of autograd, and losses of nn",
    "optim": "optimisers stand in nn itself: nn.SGD, nn.Adam, nn.AdamW, nn.RMSprop",
    "init": "nn.MLP(…, init='he'); nn.INITIALIZERS lists the names",
    "utils": "nn.fit(…, max_norm=…) clips gradients, and so does nn.clipped",
    "Model": "the base class is nn.Module, the network nn.MLP",
    **{name: _BY_NAME.format(op, op) for name, op in {
        "ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid", "GELU": "gelu", "ELU": "elu", "SiLU": "silu",
        "Softplus": "softplus", "LeakyReLU": "leaky_relu"}.items()},
    **dict.fromkeys(("Dropout", "BatchNorm1d", "LayerNorm", "Embedding", "Conv1d", "Conv2d", "LSTM", "GRU", "RNN",
                     "MultiheadAttention", "Transformer"), _OWN),
}  # fmt: skip
"""Of the package `nn`."""

MODEL: Mapping[str, str] = {
    "fit": "write " + _FIT,
    "forward": "call the model itself: model(x) for one example, model.predict(X) for many",
    "train": "a model has no modes; to train it, " + _FIT,
    "eval": "a model has no modes, so leave it out; autograd.no_grad() records nothing",
    "evaluate": "write nn.evaluate(model, X, T, loss=…)",
    "compile": "autograd.compile(lambda x, t: loss(model(x), t), parameters=model) makes the matrix program",
    "backward": "the loss has it: loss.backward(), where loss is a Value",
    "step": "the optimiser has it: " + _SGD + ".step()",
    "to": "a model is on the CPU, in Python floats, so leave it out",
    "cuda": "a model is on the CPU, in Python floats, so leave it out",
    "double": "all numbers are IEEE double precision, so leave it out",
    "float": "all numbers are IEEE double precision, so leave it out",
    "summary": "print(model) says what it is, and viz.draw_network draws it",
    "save": "write nn.save(model, 'model.npz')",
    "load": "write model = nn.load('model.npz')",
    "children": "the layers of an MLP are in model.layers",
    "modules": "the layers of an MLP are in model.layers",
    "get_weights": "model.weights and model.biases are lists of arrays",
    "coef_": "model.weights and model.biases are lists of arrays",
    "coefs_": "model.weights is it",
    "intercepts_": "model.biases is it",
    "transform": "model.predict(X) gives the outputs",
    "register_buffer": "keep arrays in plain attributes",
}
"""Of a model."""

OUTPUTS: Mapping[str, str] = {
    "backward": f"{_LIST}, and the loss of them has a backward pass: nn.half_squared_error(model(x), t).backward(), or "
    "model(x)[0].backward() for one output",
    "grad": f"{_LIST}, and each has a `grad`",
    **dict.fromkeys(
        ("item", "data", "numpy", "value"), f"{_LIST}: [y.data for y in model(x)], or model.predict(X) for arrays"
    ),
    **dict.fromkeys(
        ("shape", "mean", "sum", "argmax", "detach", "T", "dtype"),
        f"{_LIST}; np.array(model(x)) is an array of Values, model.predict(X) one of numbers",
    ),
    **{name: f"{_LIST}: autograd.{name}(model(x))" for name in ("softmax", "log_softmax")},
    **{name: f"{_LIST}: [y.{name}() for y in model(x)]" for name in ("exp", "log", "relu", "sigmoid", "tanh")},
}
"""Of what a model returns for one example."""

KEYWORDS: Mapping[str, str] = {
    "lr": "learning_rate",
    "eps": "epsilon",
    "params": "parameters",
    "rho": "alpha",
    "beta_1": "betas",
    "beta1": "betas",
    "decay": "weight_decay",
}
"""What optimisers call their hyperparameters elsewhere, and here."""
