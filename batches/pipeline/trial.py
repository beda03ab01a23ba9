"""An assessment that is only sketched -> what one round of it would cost by each strategy. Nothing of it stays."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from batches.models import Assessment, Essay, EssayPage, Sketch, SketchEssay
from batches.models.project import Person
from batches.pipeline import forecast, plan, sketches, tally
from batches.pipeline.forecast import Forecast
from batches.pipeline.strategies import STRATEGIES, Packing

MOST = 60  # essays that are looked at; of more, an even sample, and the figures are scaled up
IMAGE = b"\0"  # pages are priced by their number


def price_of_a_round(sketch: Sketch, *, actor: Person) -> list[Forecast]:
    """Each strategy for the first round there would be, estimated; [] of fewer than two essays.

    Refused where the judges could not be asked. A round is planned as it will be, forecast and rolled back.
    """
    essays = list(sketch.essays.defer("suspicions").order_by("pk"))
    if len(essays) < 2:
        return []
    some = tally.spread(essays, MOST)
    with transaction.atomic():
        assessment = sketches.stand_in(sketch, slug=f"trial-{secrets.token_hex(8)}", actor=actor)
        _put_in(assessment, some)
        [cj_round] = plan.plan_rounds(assessment, actor=None, seed=1)
        found = forecast.forecasts(forecast.asked(cj_round.comparisons.all()), ask=False)
        transaction.set_rollback(True)
    return [_for_all(one, len(essays) // 2 / (len(some) // 2)) for one in found]


def _put_in(assessment: Assessment, some: Sequence[SketchEssay]) -> None:
    made = Essay.objects.bulk_create(
        Essay(
            assessment=assessment,
            candidate=one.candidate,
            text=one.text,
            text_sha256=hashlib.sha256(one.text.encode()).hexdigest(),
            n_words=one.n_words,
            n_pages=one.n_pages,
            scanned_at=timezone.now(),
        )
        for one in some
    )
    EssayPage.objects.bulk_create(
        EssayPage(essay=essay, number=number, media_type=EssayPage.MediaType.PNG, data=IMAGE)
        for essay in made
        for number in range(1, essay.n_pages + 1)
    )


def _for_all(one: Forecast, times: float) -> Forecast:
    """The forecast of a sample, for so many times as many pairs."""
    if one.problem or times == 1:
        return one
    calls = STRATEGIES[one.strategy].packing != Packing.PROVIDER_BATCH
    scaled = forecast.scaled(one, round(one.comparisons * times))
    return replace(scaled, seconds=one.seconds * (times if calls else 1))
