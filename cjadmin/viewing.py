"""A request for a page -> in the viewer's language and time zone; one from a machine -> English, and UTC as ever."""

import zoneinfo
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import timezone, translation

ZONE_COOKIE = "cj_zone"  # written by static/cj/zone.js: only the browser knows it
FOR_MACHINES = ("/api/", "/webhooks/", "/metrics", "/healthz", "/readyz")


@cache
def known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo:
    """The zone that the browser named, if there is one of that name; else the installation's."""
    name = request.COOKIES.get(ZONE_COOKIE, "")
    return zoneinfo.ZoneInfo(name if name in known_zones() else settings.TIME_ZONE)


def is_for_a_machine(request: HttpRequest) -> bool:
    return request.path_info.startswith(FOR_MACHINES)


class Viewing(LocaleMiddleware):
    """Django's choice of a language (cookie, then what the browser asks for), and the zone with it."""

    def process_request(self, request: HttpRequest) -> None:
        if is_for_a_machine(request):
            translation.activate(settings.LANGUAGE_CODE)
            timezone.deactivate()
            return
        super().process_request(request)
        timezone.activate(zone_of(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> Any:
        return response if is_for_a_machine(request) else super().process_response(request, response)
