"""Waiting comparisons -> batch jobs, one pass."""

from typing import Any

from batches import tasks
from batches.management.shell import ShellCommand


class Command(ShellCommand):
    help = "One pass over the comparisons that may leave now. For cron, systemd or a person."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{len(tasks.submit_due())} batch jobs opened.")
