"""An assessment and a scale -> an XLSX workbook: scores, judgements and what they are, row by row on disk."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from batches.models import Assessment, Scale
from batches.pipeline import export, report, standing

MOST_ROWS = 1_048_575  # below the header: what a sheet holds
LONGEST = 32_767  # characters that a cell holds
WIDE = {"justification": 80, "custom_id": 22, "judge": 34, "assessment": 18, "candidate": 16}
LOCAL = gettext_noop(
    "Local judge: these figures come from the local provider's feature judge and say nothing about pupils' work."
)
# Text stays text, whatever it looks like: a cell that begins with = is never a formula, and an address never a link.
PLAIN = {"constant_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}


def write(assessment: Assessment, path: Path, *, scale: Scale | None = None) -> None:
    """Write the workbook of a scale (without one, of the newest there is) to a file."""
    scale = scale or export.newest(assessment)
    with Workbook(str(path), {**PLAIN, "tmpdir": str(path.parent)}) as workbook:
        bold = workbook.add_format({"bold": True, "text_wrap": False})
        wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
        scores = export.scores(assessment, scale) if scale else ()
        _sheet(workbook.add_worksheet(_("Scores")), scores, bold)
        _sheet(workbook.add_worksheet(_("Judgements")), export.judgements(assessment), bold)
        about = workbook.add_worksheet(_("About"))
        about.set_column(0, 0, 30)
        about.set_column(1, 1, 100, wrapped)
        for number, row in enumerate(facts(assessment, scale)):
            about.write_string(number, 0, row[0], bold)
            about.write_string(number, 1, row[1])


def _sheet(sheet: Worksheet, rows: Iterable[dict[str, Any]], bold: Any) -> None:
    """A header that stays in sight, then a row for each; what is beyond the last row of a sheet is said there."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        sheet.write_string(0, 0, _("Nothing yet."))
        return
    for column, name in enumerate(first):
        sheet.set_column(column, column, WIDE.get(name, 13))
    sheet.freeze_panes(1, 0)
    _row(sheet, 0, list(first), bold)
    for number, row in enumerate(chain([first], rows), start=1):
        if number == MOST_ROWS:
            sheet.write_string(number, 0, _("More rows than a sheet holds: export CSV to have them all."))
            return
        _row(sheet, number, list(row.values()))


def _row(sheet: Worksheet, number: int, values: Sequence[Any], look: Any = None) -> None:
    for column, value in enumerate(values):
        if isinstance(value, bool):
            sheet.write_string(number, column, "yes" if value else "no", look)
        elif isinstance(value, int | float | Decimal):
            sheet.write_number(number, column, value, look)
        elif value not in (None, ""):
            sheet.write_string(number, column, str(value)[:LONGEST], look)


def facts(assessment: Assessment, scale: Scale | None) -> Iterator[tuple[str, str]]:
    """What somebody has to know who finds the file without its page."""
    if scale.is_local if scale else standing.is_local(assessment):
        yield _("Take care"), _(LOCAL)
    yield _("Assessment"), assessment.title
    yield _("Project"), str(assessment.project)
    yield _("Written"), f"{timezone.localtime():%Y-%m-%d %H:%M %Z}"
    yield _("Judges"), ", ".join(str(judge) for judge in assessment.judges.select_related("account", "user"))
    if scale is None:
        yield _("Scale"), _("None has been computed yet.")
        return
    state = _("published") if scale.published_at else _("not published: it may still change")
    yield (
        _("Scale"),
        _("number %(number)s, computed %(day)s, %(state)s")
        % {
            "number": scale.number,
            "day": f"{timezone.localtime(scale.created_at):%Y-%m-%d}",
            "state": state,
        },
    )
    yield _("Estimator"), str(scale.get_estimator_display())
    yield _("Essays"), f"{scale.n_essays:,}"
    yield _("Judgements"), f"{scale.n_comparisons:,}"
    for number, line in enumerate(report.lines(scale)):
        yield (_("How far it can be believed") if number == 0 else ""), line
