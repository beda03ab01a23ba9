"""Few judgements by a judge who never errs: scores that run far apart on the way still end in numbers."""

import random

import numpy as np

from batches.scale import fit
from batches.scale.decisions import Decisions


def test_sixteen_judgements_of_ten_essays_without_an_error_have_a_fit():
    rng = random.Random(7)
    rows = [tuple(sorted(rng.sample(range(10), 2))) for _ in range(16)]
    assert np.isfinite(fit(Decisions.from_rows(rows), uncertain=False).logit).all()
