"""Writes torch_sgd.json: steps of torch.optim.SGD, for test_optimizers.py. Run with PyTorch installed."""

import json
import pathlib
from types import ModuleType

STEPS = 20
CASES = [
    {"learning_rate": 0.05},
    {"learning_rate": 0.05, "momentum": 0.9},
    {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    {"learning_rate": 0.05, "weight_decay": 0.1},
    {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.1},
    {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True},
]


def steps(torch: ModuleType, options: dict[str, float]) -> dict[str, object]:
    theta = torch.tensor([1.0, -0.7, 0.3, 2.1], dtype=torch.float64, requires_grad=True)
    renamed = {"lr" if name == "learning_rate" else name: value for name, value in options.items()}
    optimizer = torch.optim.SGD([theta], **renamed)
    gradients, parameters = [], [theta.tolist()]
    for step in range(STEPS):
        optimizer.zero_grad()
        (torch.sin(theta * (1 + step % 3)).sum() + torch.tanh(theta.prod())).backward()
        gradients.append(theta.grad.tolist())
        optimizer.step()
        parameters.append(theta.tolist())
    return {"options": options, "gradients": gradients, "parameters": parameters}


def main() -> None:
    import torch  # not above: the tests import every module, also without PyTorch

    record = {"torch": torch.__version__, "cases": [steps(torch, options) for options in CASES]}
    path = pathlib.Path(__file__).with_name("torch_sgd.json")
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
