"""One act that is asked for twice -> one effect, and the same sentence for both."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from batches.models import StoredAnswer
from batches.models.project import Person

KEPT = timedelta(days=7)
DONE = 200


def once(key: str, act: Callable[[], str], *, actor: Person) -> str:
    """Do `act` and keep its sentence, in one transaction; for a key that this person has used, the kept sentence.

    Acts with one key wait for each other on the key's row. What was Refused changed nothing, and keeps nothing.
    """
    mine = {"caller": f"person:{actor.pk}", "key": f"page:{hashlib.sha256(key.encode()).hexdigest()}"}
    with transaction.atomic():
        try:
            with transaction.atomic():
                StoredAnswer.objects.create(**mine, request_sha256="", status=DONE)
        except IntegrityError:
            return StoredAnswer.objects.get(**mine).body
        sentence = act()
        StoredAnswer.objects.filter(**mine).update(body=sentence)
    StoredAnswer.objects.filter(caller=mine["caller"], created_at__lt=timezone.now() - KEPT).delete()
    return sentence
