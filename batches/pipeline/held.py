"""A candidate's code -> everything that is held on that pupil, as one JSON document."""

import base64
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from batches.models import Callback, Comparison, Erasure, Essay, Project
from batches.pipeline import roster
from batches.pipeline.refused import Refused


def held(project: Project, candidate: str) -> dict[str, Any]:
    """All that this project holds under one code; Refused where it holds nothing. Names are held apart from codes."""
    essays = Essay.objects.filter(assessment__project=project, candidate=candidate).select_related("assessment")
    if not essays:
        raise Refused(
            _("%(project)s holds nothing on a candidate called %(candidate)s.")
            % {"project": project, "candidate": f"{candidate!r}"}
        )
    return {
        "project": project.name,
        "candidate": candidate,
        "essays": [_essay(essay) for essay in essays.order_by("pk")],
        "erasures": list(
            Erasure.objects.filter(Q(candidate=candidate) | Q(assessment_id__in=essays.values("assessment")))
            .filter(project=project.pk)
            .values_list("certificate", flat=True)
        ),
    }


def _essay(essay: Essay) -> dict[str, Any]:
    found = Comparison.objects.filter(Q(essay_a=essay) | Q(essay_b=essay)).order_by("pk")
    rows = found.select_related("round", "essay_a", "essay_b", "judge__account", "judge__user", "judgement")
    return {
        "assessment": essay.assessment.slug,
        "text": essay.text,
        "text_as_sent": roster.as_it_leaves(essay).text,
        "text_sha256": essay.text_sha256,
        "words": essay.n_words,
        "anchor_score": essay.anchor_score,
        "loaded_at": essay.created_at,
        "withdrawn_at": essay.withdrawn_at,
        "erased_at": essay.erased_at,
        "pages": [
            {"number": page.number, "media_type": page.media_type, "base64": base64.b64encode(page.data).decode()}
            for page in essay.pages.all()
        ],
        "scores": list(
            essay.scores.order_by("pk").values("scale__number", "rank", "logit", "standard_error", "n", "wins")
        ),
        "comparisons": [_comparison(row, essay) for row in rows.prefetch_related("items")],
        "flags": list(essay.flags.order_by("pk").values("kind", "evidence", "verdict", "created_at")),
        "callbacks": list(
            Callback.objects.filter(comparison__in=found).order_by("pk").values("event_id", "payload", "delivered_at")
        ),
    }


def _comparison(row: Comparison, essay: Essay) -> dict[str, Any]:
    """One comparison as seen from this essay; the other pupil is a code."""
    judgement = getattr(row, "judgement", None)
    first = row.essay_a_id == essay.pk
    return {
        "comparison": row.pk,
        "round": row.round.number,
        "other_candidate": (row.essay_b if first else row.essay_a).candidate,
        "read": "first" if first else "second",
        "judge": str(row.judge),
        "status": row.status,
        "won": (judgement.winner == "A") == first if judgement else None,
        "justification": judgement.justification if judgement else "",
        "confidence": judgement.confidence if judgement else None,
        "resolved_at": row.resolved_at,
        "answers": [
            {"custom_id": item.custom_id, "outcome": item.outcome, "answer": item.answer, "error": item.error}
            for item in row.items.all()
        ],
    }
