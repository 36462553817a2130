"""Writes torch_sequential.json: states and outputs of PyTorch networks, for test_torch_interchange.py."""

import json
import pathlib

X = [[0.5, -1.0, 2.0], [0.0, 0.3, -0.7], [3.0, 1.0, -2.0]]
CASES = [[("tanh", 4), ("identity", 2)], [("relu", 5), ("sigmoid", 3), ("identity", 1)], [("identity", 2)],
         [("identity", 3), ("gelu", 4), ("softplus", 2)], [("elu", 4), ("silu", 3), ("leaky_relu", 2)]]  # fmt: skip


def main() -> None:
    import torch  # not above: the tests import every module, also without PyTorch

    modules = {"tanh": "Tanh", "relu": "ReLU", "sigmoid": "Sigmoid", "gelu": "GELU", "softplus": "Softplus",
               "elu": "ELU", "silu": "SiLU", "leaky_relu": "LeakyReLU"}  # fmt: skip
    torch.manual_seed(0)
    cases = []
    for layers in CASES:
        parts, n_in = [], len(X[0])
        for activation, n_out in layers:
            parts.append(torch.nn.Linear(n_in, n_out))
            if activation != "identity":
                parts.append(getattr(torch.nn, modules[activation])())
            n_in = n_out
        net = torch.nn.Sequential(*parts).double()
        cases.append(
            {
                "activations": [activation for activation, _ in layers],
                "state": {name: tensor.tolist() for name, tensor in net.state_dict().items()},
                "outputs": net(torch.tensor(X, dtype=torch.float64)).tolist(),
            }
        )
    record = {"torch": torch.__version__, "X": X, "cases": cases}
    path = pathlib.Path(__file__).with_name("torch_sequential.json")
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
