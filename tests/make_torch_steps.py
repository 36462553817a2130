"""Writes torch_steps.json: 100 steps of PyTorch's optimisers, for test_optimizers.py. Run with PyTorch installed."""

import json
import pathlib
from types import ModuleType

STEPS = 100
SCHEDULE_EPOCHS = 40
MAX_NORM = 0.5
RENAMED = {"learning_rate": "lr", "epsilon": "eps"}
CASES = [
    ("SGD", {"learning_rate": 0.05, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "betas": [0.8, 0.9], "epsilon": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"learning_rate": 0.05}),
    ("AdamW", {"learning_rate": 0.05, "betas": [0.5, 0.95], "weight_decay": 0.3}),
    ("RMSprop", {"learning_rate": 0.02}),
    ("RMSprop", {"learning_rate": 0.02, "alpha": 0.9, "epsilon": 1e-3, "weight_decay": 0.1}),
    ("RMSprop", {"learning_rate": 0.02, "momentum": 0.9}),
    ("RMSprop", {"learning_rate": 0.02, "momentum": 0.5, "centered": True}),
]


def steps(torch: ModuleType, name: str, options: dict[str, object]) -> dict[str, object]:
    """The numbers after each step, with gradients that depend on the parameters; every third step is clipped."""
    theta = torch.tensor([1.0, -0.7, 0.3, 2.1], dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, name)([theta], **{RENAMED.get(key, key): v for key, v in options.items()})
    gradients, clipped, parameters = [], [], [theta.tolist()]
    for step in range(STEPS):
        optimizer.zero_grad()
        (torch.sin(theta * (1 + step % 3)).sum() + torch.tanh(theta.prod())).backward()
        gradients.append(theta.grad.tolist())
        if step % 3 == 0:
            torch.nn.utils.clip_grad_norm_([theta], MAX_NORM)
            clipped.append(theta.grad.tolist())
        optimizer.step()
        parameters.append(theta.tolist())
    return {"name": name, "options": options, "gradients": gradients, "clipped": clipped, "parameters": parameters}


def rates(torch: ModuleType, name: str, **options: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    result = []
    for _ in range(SCHEDULE_EPOCHS + 1):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return result


def main() -> None:
    import torch  # not above: the tests import every module, also without PyTorch

    record = {
        "torch": torch.__version__,
        "max_norm": MAX_NORM,
        "cases": [steps(torch, name, options) for name, options in CASES],
        "step": rates(torch, "StepLR", step_size=7, gamma=0.3),
        "cosine": rates(torch, "CosineAnnealingLR", T_max=SCHEDULE_EPOCHS, eta_min=0.05),
    }
    path = pathlib.Path(__file__).with_name("torch_steps.json")
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
