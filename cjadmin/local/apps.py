"""Makes the commands of the local services known to Django."""

from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "cjadmin.local"
    label = "cjadmin_local"
    verbose_name = "Local services"
