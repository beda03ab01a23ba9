"""URL -> page."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.decorators.cache import cache_control
from django.views.generic import RedirectView

from batches.admin import judging
from batches.api import api
from batches.api.metrics import metrics
from batches.api.probes import healthz, readyz
from batches.api.site import nothing_here


@cache_control(public=True, max_age=86_400)
def icon(request: HttpRequest) -> HttpResponse:
    """Where the icon is that browsers ask for by this name, on every page that links none."""
    return HttpResponseRedirect(static("cj/favicon.ico"))


urlpatterns = [
    path("favicon.ico", icon),
    path("api/v1/", api.urls),
    re_path("^api(/|$)", nothing_here),
    path("metrics", metrics),
    path("healthz", healthz),
    path("readyz", readyz),
    re_path("^admin/$", admin.site.admin_view(judging.front)),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("judging/", include("batches.admin.judging")),
    path("webhooks/", include("batches.webhooks.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
