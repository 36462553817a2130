"""Not here: `autograd.numpy` is of the library `autograd` by HIPS, whose import name this package shares."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...  # whoever checks code for that library has it in another environment

else:
    raise ImportError(
        "this is deltagrad's autograd, which has no module `numpy` (the library `autograd` by HIPS has): NumPy's own "
        "functions work on object arrays of Values, so `import numpy as np`; the two libraries need environments of "
        "their own"
    )
