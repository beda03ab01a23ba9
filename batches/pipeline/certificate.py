"""An erasure -> the document that certifies it: what, how much, when, by whom; hashes, never texts."""

from datetime import datetime
from typing import Any

from batches.models import Erasure


def document(erasure: Erasure) -> dict[str, Any]:
    """The certificate as JSON takes it."""
    return {
        "certificate": str(erasure.certificate),
        "kind": erasure.kind,
        "project": erasure.project_name,
        "assessment": erasure.assessment_slug,
        "candidate": erasure.candidate or None,
        "why": erasure.why,
        "asked_by": erasure.actor_name,
        "asked_at": _iso(erasure.asked_at),
        "completed_at": _iso(erasure.completed_at),
        "waits_for": erasure.waits_for,
        "removed": erasure.removed,
        "hashes": [{"candidate": candidate, "text_sha256": digest} for candidate, digest in erasure.hashes],
        "left": erasure.left,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
