"""A graph of a million operations: what it takes in memory, and that it goes when it is dropped."""

import itertools
import math
import subprocess
import sys

import pytest

MILLION_SCRIPT = """
import resource
from pathlib import Path
from autograd import Value

def peak():  # in KiB; Linux counts in ru_maxrss what the process was before exec, a copy of the one that runs the tests
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))

x, y = Value(1.0), Value(0.999999)
z = x
for _ in range(500_000):
    z = z * y
    z = z + x
z.backward()
repr(z)
print(x.grad, peak() // 1024)
del z
print("freed")
"""


@pytest.mark.slow
def test_a_million_operations_fit_in_600_megabytes():
    run = subprocess.run([sys.executable, "-c", MILLION_SCRIPT], capture_output=True, text=True, check=True)
    gradient, peak, freed = run.stdout.split()
    powers = itertools.accumulate(itertools.repeat(0.999999, 500_000), lambda a, b: a * b, initial=1.0)
    assert float(gradient) == pytest.approx(math.fsum(powers), rel=1e-9)
    assert int(peak) <= 600
    assert freed == "freed"
