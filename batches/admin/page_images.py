"""A page of an essay that was loaded as images -> the image, for those who may see the essay."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from batches.models import Essay, EssayPage


def page_addresses(essay: Essay) -> list[str]:
    """Where the pages of an essay are shown, in order, without reading them."""
    numbers = essay.pages.order_by("number").values_list("number", flat=True) if essay.n_pages else ()
    return [reverse("admin:batches_essay_page", args=[essay.pk, number]) for number in numbers]


def page_view(screen: Any, request: HttpRequest, object_id: int, number: int) -> HttpResponse:
    """The bytes as they were loaded; browsers may keep them for themselves, since a page never changes."""
    essay = screen.get_object(request, str(object_id))
    if essay is None:
        raise Http404
    if not screen.has_view_permission(request, essay):
        raise PermissionDenied
    page = EssayPage.objects.filter(essay=essay, number=number).first()
    if page is None:
        raise Http404
    return HttpResponse(
        bytes(page.data),
        content_type=page.media_type,
        headers={
            "Cache-Control": "private, max-age=3600",
            "Content-Disposition": f'inline; filename="page-{number}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
        },
    )
