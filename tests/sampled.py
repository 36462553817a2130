"""A part of many cases for the default tests; the slow ones run the rest."""

import pytest


def sampled(cases, every, always=()):
    """The cases as parameters: the default tests run each so-many-th one and those named, the slow ones the others."""
    kept = set(always)
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if k % every == 0 or case in kept else pytest.mark.slow,
        )
        for k, case in enumerate(cases)
    ]
