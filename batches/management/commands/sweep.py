"""Everything that is due -> done, or handed to a worker."""

from typing import Any

from batches import tasks
from batches.management.shell import ShellCommand


class Command(ShellCommand):
    help = "Find all that is due in the database, whatever the queue knows: the safety net, every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        opened = tasks.submit_due()
        handed = tasks.poll_due() if tasks.workers_alive() else tasks.poll_here()
        self.stdout.write(f"{len(opened)} batch jobs opened, {len(handed)} looked at.")
