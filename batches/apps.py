"""The app: comparative judgement in batches."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BatchesConfig(AppConfig):
    name = "batches"
    verbose_name = _("Comparative judgement")

    def ready(self) -> None:
        from batches import checks  # noqa: F401  registers the system checks
        from batches.models import names

        names.hang_on(list(self.get_models()))
        names.hang_on_people()
