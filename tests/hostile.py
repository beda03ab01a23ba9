"""Strings that want to be more than text, and the world in which every text that somebody writes is one of them."""

import itertools
from typing import Any

from django.contrib.auth.models import User

from batches.models import (
    Assessment,
    AuditEntry,
    BatchItem,
    BatchJob,
    Callback,
    Comparison,
    Essay,
    Flag,
    Project,
    ProviderAccount,
    RosterName,
    Scale,
    Score,
    StrayLine,
)
from tests.admin import factories
from tests.making import count_parts

# Every one carries the word zqx, by which whatever it made on a page is known.
SCRIPTS = [
    "<script>zqx()</script>",
    "<ScRiPt src=//zqx.example></sCrIpT>",
    '"><img src=x onerror=zqx()>',
    "'><svg onload=zqx()>",
    "<svg><script>zqx()</script></svg>",
    "<math><mtext><zqx onmouseover=zqx()>",
    "</textarea><zqx autofocus onfocus=zqx()>",
    "</title><script>zqx()</script>",
    "</script><script>zqx()</script>",
    "</style><style>*{background:url(//zqx.example)}</style>",
    "</pre></div></td></tr></table><zqx>",
    "<iframe srcdoc='<script>parent.zqx()</script>'></iframe>",
    "<object data=data:text/html,zqx></object>",
    "<base href=//zqx.example/>",
    "<meta http-equiv=refresh content='0;url=//zqx.example'>",
    "<form action=//zqx.example><button>zqx</button></form>",
    "<a href=javascript:zqx()>x</a>",
    "javascript:zqx()//",
    "data:text/html,<script>zqx()</script>",
    "vbscript:zqx",
    "' onmouseover='zqx()",
    '" autofocus onfocus="zqx()',
    "` onclick=`zqx()`",
    "<!--zqx--!><zqx>",
    "<![CDATA[<zqx>]]>",
    "<zqx x-data x-init='zqx()' @click='zqx()'>",
    '" x-init="zqx()" zqx="',
    "<zqx hx-get=//zqx.example hx-trigger=load>",
    "{{ 7|add:7 }}zqx{% debug %}",
    "{{ request.user.password }}zqx",
    "${7*7}zqx#{7*7}<%= 7*7 %>",
    "%(zqx)s %s {0} {zqx.__class__}",
    "&lt;zqx&gt; &#60;zqx&#62; &amp;lt;",
    "&#x3C;script&#x3E;zqx()",
    "\\u003cscript\\u003ezqx()\\u003c/script\\u003e",
    "＜script＞zqx()＜/script＞",
    '<?xml version="1.0"?><!DOCTYPE z [<!ENTITY zqx SYSTEM "file:///etc/passwd">]>&zqx;',
]
FORMULAS = [
    '=HYPERLINK("//zqx.example","zqx")',
    "=cmd|' /C calc'!zqx",
    "+zqx+1",
    "-zqx-1",
    "@SUM(zqx)",
    "\t=zqx()",
    "\r=zqx()",
    "\n=zqx()",
    "＝zqx()",
    "＋zqx",
    "－zqx",
    "＠zqx",
    "  =zqx()",
    "'=zqx()",
    '";=zqx()',
    "=1+1;zqx",
]
SPOOFS = [
    "\u202exqz gnp.exe",
    "\u2067\u202ezqx\u2069",
    "zqx\u200b\u200d\ufeff\u2060hidden",
    "zqx\U000e0041\U000e0042",
    "zqx" + "\u0301" * 200,
    "zqx" * 300,
    "../../../etc/zqx",
    "..\\..\\zqx.exe",
    "C:zqx|nul",
    "zqx\r\nContent-Disposition: attachment; filename=zqx.exe",
    "zqx\n2026-11-26 INFO root user=admin logged in",
    "zqx\x1b[2J\x1b]0;zqx\x07",
    "'; DROP TABLE batches_essay; --zqx",
    "zqx' OR '1'='1",
    "zqx%00.docx",
    "zqx\u0085\u2028\u2029line",
    "zqx\x7f\x9b31m",
    "true null NaN 1e999 zqx",
]
HOSTILE = [*SCRIPTS, *FORMULAS, *SPOOFS]
UNSTORABLE = ["zqx\x00", "zqx\ud800", "\udfffzqx"]  # PostgreSQL cannot keep them: refused at every door


def every_text_hostile(strings: list[str] = HOSTILE) -> dict[str, Any]:
    """A row of every kind whose texts are hostile; essays, comparisons and items carry one of the strings each."""
    rows = factories.whole_project("Hostile")
    turn = itertools.cycle(strings)

    def some(most: int) -> str:
        """As many of the strings as fit."""
        text = next(turn)
        while len(text) + len(longer := " " + next(turn)) <= most:
            text += longer
        return text[:most]

    work = _assessment(rows["project"], some, strings)
    _flow(work, strings, some)
    _renamed(rows, some)
    return rows | {"hostile": work}


def _assessment(project: Project, some: Any, strings: list[str]) -> Assessment:
    work = factories.assessment(project, "x", essays=0, instructions=some(9999), rubric=some(9999))
    Assessment.objects.filter(pk=work.pk).update(title=some(200))
    for number, text in enumerate(strings):
        essay = Essay.objects.create(assessment=work, candidate=f"{text[:90]}{number}", text=f"{text}\n{some(500)}")
        places = [[0, min(len(text), 9), text], [len(text), len(text) + 5, some(60)]]
        Flag.objects.create(essay=essay, kind=Flag.Kind.INSTRUCTION, evidence={"places": places})
        RosterName.objects.get_or_create(project=project, name=text[:200])
    return work


def _flow(work: Assessment, strings: list[str], some: Any) -> None:
    made = factories.cj_round(work, pairs=len(strings), submitted=True)
    job = factories.job(list(made.comparisons.order_by("pk")))
    for number, (item, text) in enumerate(zip(job.items.order_by("pk"), strings, strict=True)):
        if number % 3:
            factories.judged(item, why=text, count=False)
            BatchItem.objects.filter(pk=item.pk).update(answer=text, request_id=text[:100])
        else:
            factories.failed(item, reason="refused", detail=text[:500], count=False)
            BatchItem.objects.filter(pk=item.pk).update(error=text[:1000], answer=text)
        Callback.objects.create(
            assessment=work,
            comparison=item.comparison,
            key=str(item.comparison_id),
            revision=1,
            payload={"error_detail": {"message": text}},
            last_error=text[:500],
        )
        StrayLine.objects.create(job=job, kind="STRANGER", custom_id=text[:100], line_sha256=f"{number:064}", line=text)
    count_parts(job.pk)
    scale = factories.scale(work)
    for score, text in zip(scale.scores.order_by("pk"), itertools.cycle(strings), strict=False):
        Score.objects.filter(pk=score.pk).update(grade=text[:20])
    Scale.objects.filter(pk=scale.pk).update(report={})
    BatchJob.objects.filter(pk=job.pk).update(error=some(1000), provider_status=some(40), error_code=some(60))
    AuditEntry.record("withdraw", work, actor=None, project=work.project, why=some(300))


def _renamed(rows: dict[str, Any], some: Any) -> None:
    """The texts that stand in every page's frame, lists and choices."""
    Project.objects.filter(pk=rows["project"].pk).update(name=some(200))
    ProviderAccount.objects.update(alias=some(50), endpoint=some(200), paused_reason=some(500), last_error=some(500))
    type(rows["apitoken"]).objects.update(name=some(100))
    Assessment.objects.filter(pk=rows["assessment"].pk).update(title=some(200), rubric=some(900))
    Comparison.objects.filter(status="FAILED").update(fail_detail=some(500))
    User.objects.update(first_name=some(100), last_name=some(100), email=some(200))
