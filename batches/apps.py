"""The app: comparative judgement in batches."""

from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    verbose_name = "Comparative judgement"

    def ready(self) -> None:
        from batches import checks  # noqa: F401  registers the system checks
