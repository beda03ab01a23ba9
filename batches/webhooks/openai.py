"""A webhook from OpenAI -> one of its batches is looked at now. Nothing else that it says is believed."""

import logging

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from batches import tasks
from batches.pipeline import poll
from batches.providers import openai

log = logging.getLogger(__name__)
MOST_BYTES = 65_536


@csrf_exempt
@require_POST
def receive(request: HttpRequest) -> HttpResponse:
    """200 for whatever OpenAI has signed, known to us or not: it would send anything else again for three days.

    404 without OPENAI_WEBHOOK_SECRET, 413 for a large body, 400 for a signature that is wrong or older than 5 minutes.
    One that was believed before changes nothing.
    """
    if not settings.OPENAI_WEBHOOK_SECRET:
        raise Http404
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return HttpResponse("Too large.", status=413, content_type="text/plain")
    try:
        batch = openai.ended_batch(body, request.headers, secrets=settings.OPENAI_WEBHOOK_SECRET)
    except openai.Unbelievable:
        log.warning("webhook refused provider=openai")
        return HttpResponse("Not signed by OpenAI, or too long ago.", status=400, content_type="text/plain")
    if poll.hinted("openai", batch, webhook_id=request.headers["webhook-id"]):
        tasks.ring()
    return HttpResponse(status=200)
