"""Every row of the app -> something to compare."""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, User

# an attempt may be put on record, and what one has begun oneself is kept
LEFT_OUT = {"auditentry", "sketch", "sketchessay", "sketchpage"}


def snapshot() -> dict[str, Any]:
    models = [model for model in apps.get_app_config("batches").get_models() if model._meta.model_name not in LEFT_OUT]
    rows = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}
    people = User.objects.order_by("pk").values("pk", "username", "password", "is_superuser", "is_active", "groups")
    return rows | {"people": list(people), "roles": list(Group.objects.values("pk", "name", "permissions"))}
