"""Projects: where the caller's assessments are."""

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from batches.api.address import needs
from batches.api.callers import caller_of
from batches.api.fields import Moment, RowId
from batches.api.paging import Next, Paged, page
from batches.models import Project

router = Router(tags=["projects"])


class ProjectOut(Schema):
    id: RowId
    name: str = Field(examples=["Northfield"])
    created_at: Moment


class Projects(Schema):
    items: list[ProjectOut]
    next: Next


@router.get("", response=Projects, operation_id="list_projects", **needs("view_project"))
def list_projects(request: HttpRequest, asked: Query[Paged]) -> Projects:
    """The projects of the caller."""
    rows, after = page(caller_of(request).rows(Project), asked)
    return Projects(items=[ProjectOut(id=row.pk, name=row.name, created_at=row.created_at) for row in rows], next=after)
