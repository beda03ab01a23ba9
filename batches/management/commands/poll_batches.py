"""Live batch jobs -> one look at each that is due."""

from typing import Any

from batches import tasks
from batches.management.shell import ShellCommand


class Command(ShellCommand):
    help = "One pass over the batch jobs that are due: poll, collect, recover. For cron, systemd or a person."

    def handle(self, *args: Any, **options: Any) -> None:
        handed = tasks.poll_due() if tasks.workers_alive() else tasks.poll_here()
        self.stdout.write(f"{len(handed)} batch jobs looked at.")
