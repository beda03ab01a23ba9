"""Columns of the tables -> values of the API: money as decimal strings, times in UTC with Z, ids that fit."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core.core_schema import ValidationInfo

from batches.models import BatchJob, Comparison

SLUG = r"^[-a-zA-Z0-9_]{1,80}$"


def _money(value: Decimal) -> str:
    return f"{value:f}"


def _utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Usd = Annotated[
    Decimal,
    PlainSerializer(_money, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^-?[0-9]+(\.[0-9]+)?$",
            "description": "US dollars",
            "examples": ["12.500000000000"],
        }
    ),
]
Moment = Annotated[
    datetime,
    PlainSerializer(_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-22T12:00:00.123456Z"]}),
]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1, examples=[7])]
# Two enumerations of the same name would be one in the document: these stand in it without a name.
ComparisonStatus = Annotated[
    Comparison.Status, WithJsonSchema({"type": "string", "enum": Comparison.Status.values, "examples": ["JUDGED"]})
]
JobStatus = Annotated[
    BatchJob.Status, WithJsonSchema({"type": "string", "enum": BatchJob.Status.values, "examples": ["COLLECTED"]})
]
Slug = Annotated[str, Field(pattern=SLUG, examples=["year-6-writing-5c1e2a"])]


class Given(Schema):
    """What a caller sends: a member that nobody knows is a mistake, not to be passed over."""

    model_config = ConfigDict(extra="forbid")


class Asked(Schema):
    """The query of a list. A parameter that nobody knows is a mistake: a mistyped filter would filter nothing."""

    @model_validator(mode="before")
    @classmethod
    def only_what_is_known(cls, values: Any, info: ValidationInfo) -> Any:
        request = (info.context or {}).get("request")
        unknown = sorted(set(request.GET) - set(cls.model_fields)) if request else []
        if unknown:
            known = ", ".join(sorted(cls.model_fields))
            raise ValueError(f"There is no parameter {unknown[0][:40]!r} here: use {known}.")
        return values
