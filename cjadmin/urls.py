"""URL -> page."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("admin/", admin.site.urls),
    path("webhooks/", include("batches.webhooks.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
