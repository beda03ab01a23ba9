"""Every log record of the process, whoever logs it, and every traceback -> without keys, and each on its own line."""

import logging
import os
import re
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

from batches.providers.keys import HIDDEN, without_keys

SECRET_VARIABLES = ("KEY", "SECRET", "TOKEN", "PASSWORD")
# What would end a line, or make a terminal do something: a text from outside could write log lines of its own.
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
SDKS = ("anthropic.", "openai.")
SEVERAL_LINES = "rq."  # its loggers put whole tracebacks into their messages
SHORTEST = 8  # characters of a value that is looked for as it is


def cleaned(text: str) -> str:
    """The text without key shapes, and without the very values of the environment's secrets."""
    for name, value in os.environ.items():
        if len(value) >= SHORTEST and any(word in name.upper() for word in SECRET_VARIABLES):
            text = text.replace(value, HIDDEN)
    return without_keys(text)


class CleanRecord(logging.LogRecord):
    """What every logger makes, the SDKs' debug logs included: handlers and formatters never see a key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.exc_info and self.exc_info[0]:
            self.exc_text = cleaned("".join(traceback.format_exception(*self.exc_info)).rstrip("\n"))

    def getMessage(self) -> str:
        if self.levelno <= logging.DEBUG and self.name.startswith(SDKS):
            return str(self.msg)  # without its arguments: the SDKs put whole requests there, essays included
        text = cleaned(super().getMessage())
        return text if self.name.startswith(SEVERAL_LINES) else CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def install() -> None:
    """Make it so in this process; tracebacks that nobody caught are cleaned as well."""
    logging.setLogRecordFactory(CleanRecord)
    sys.excepthook = _print_clean
    threading.excepthook = lambda args: _print_clean(args.exc_type, args.exc_value, args.exc_traceback)


def _print_clean(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    sys.stderr.write(cleaned("".join(traceback.format_exception(kind, error, where))))
