"""An empty database -> comparisons that are about to leave, as the admin would have let them go."""

import random
from decimal import Decimal
from typing import Any

from bench.gauge import run

VOCABULARY = (
    "school uniform pupils because argue “quote” teacher should never always people town river café naïve learn play "
    "write however although therefore city noise holiday phone screen friend garden machine morning evening £5"
)
ESSAY_WORDS, RUBRIC_WORDS = 430, 250  # about 8 KB for a request of two essays


def text(seed: int, words: int) -> str:
    """Something as long and as full of marks as an essay, the same each time."""
    drawn = random.Random(seed).choices(VOCABULARY.split(), k=words)
    return " ".join(word + ("\n\n" if i % 90 == 89 else "." if i % 12 == 11 else "") for i, word in enumerate(drawn))


def settle(**settings: Any) -> None:
    """The local provider's account is in force, and these cj_settings; both SDKs are imported, as in a worker."""
    from django.conf import settings as django_settings

    from batches.conf import cj_settings
    from batches.providers import anthropic, openai  # noqa: F401, seconds that belong to no measurement

    django_settings.LOCAL_PROVIDER = True
    django_settings.LOCAL_PROVIDER_URL = settings.pop("url", "http://127.0.0.1:9")
    django_settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:9"  # so that callbacks are written; nothing relays them
    django_settings.CJ_SETTINGS = settings
    cj_settings.forget()


def waiting(n: int, *, essays: int, provider: str = "openai", strategy: str = "provider_batch") -> Any:
    """So many comparisons of one new assessment, submitted; their judge, whom nobody else has."""
    from django.utils import timezone

    from batches.models import Essay
    from tests.making import make_assessment, make_judge, make_round, numbers

    judge = make_judge(provider, max_tokens=600 + next(numbers))
    assessment = make_assessment(judge=judge, budget_usd=Decimal(10**6), rubric=text(0, RUBRIC_WORDS))
    rows = (
        Essay(assessment=assessment, candidate=f"C{i}", text=text(i, ESSAY_WORDS), text_sha256=f"{i:064x}")
        for i in range(1, essays + 1)
    )
    Essay.objects.bulk_create(rows, batch_size=1000)
    run("ANALYZE batches_essay")
    cj_round = make_round(assessment, strategy=strategy, n_comparisons=n, submitted_at=timezone.now())
    run(PAIRS, [assessment.pk, cj_round.pk, judge.pk, n])
    run("ANALYZE")
    return judge


# The i-th comparison reads essay i first, and second one that is further away with every time around.
# Places are worked out before the joins, so that PostgreSQL can hash them.
PAIRS = """
WITH essay AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM batches_essay WHERE assessment_id = %s
), pair AS MATERIALIZED (
    SELECT i, i %% n AS first, (i + 1 + i / n) %% n AS second, cj_round, judge
    FROM (SELECT count(*) AS n FROM essay) size, (SELECT %s AS cj_round, %s AS judge) given,
         generate_series(0, %s - 1) AS i
)
INSERT INTO batches_comparison (round_id, essay_a_id, essay_b_id, judge_id, replicate, is_random, status, fail_reason,
                                fail_detail, attempts, revision, held, strategy)
SELECT cj_round, a.id, b.id, judge, 0, false, 'PENDING', '', '', 0, 0, false, ''
FROM pair
JOIN essay a ON a.place = pair.first
JOIN essay b ON b.place = pair.second
ORDER BY i
"""


def model(provider: str) -> str:
    from tests.making import MODELS

    return MODELS[provider]
