"""Whether what the installation needs answers, for whoever may see batch jobs."""

from typing import Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from batches import tasks
from batches.api.address import needs
from batches.api.probes import database, migrations, provider, valkey

router = Router(tags=["health"])
State = Literal["ok", "trouble"]


class Part(Schema):
    state: State = Field(examples=["ok"])
    detail: str = Field(examples=["local"])


class Health(Schema):
    state: State = Field(description="ok where every part is.", examples=["ok"])
    database: Part
    migrations: Part
    valkey: Part
    provider: Part
    workers: Part


@router.get("", response=Health, operation_id="get_health", **needs("view_batchjob"))
def get_health(request: HttpRequest) -> Health:
    """What works and what does not. Always 200: /readyz answers 503."""
    workers = ("", "listening") if tasks.workers_alive() else ("No worker listens: start one with `manage.py up`.", "")
    checks = {
        "database": database(),
        "migrations": migrations(),
        "valkey": valkey(),
        "provider": provider(),
        "workers": workers,
    }
    parts = {
        name: Part(state="trouble" if trouble else "ok", detail=trouble or words)
        for name, (trouble, words) in checks.items()
    }
    troubled = any(part.state == "trouble" for part in parts.values())
    return Health(state="trouble" if troubled else "ok", **parts)
