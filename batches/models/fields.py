"""Column types and database functions that several tables share."""

from typing import Any

from django.db import models

USD = {"max_digits": 20, "decimal_places": 12}


class UsdField(models.DecimalField):
    """US dollars, exact to 1e-12."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, **USD})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for key in USD:
            del kwargs[key]
        return name, path, args, kwargs


class DatabaseClock(models.Func):
    """The database's own clock, also inside a transaction: no worker's clock decides about a lease."""

    function = "clock_timestamp"
    arity = 0
    output_field = models.DateTimeField()
