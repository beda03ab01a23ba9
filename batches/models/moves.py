"""Every move of a batch job, with its time: written by the database itself, so that no move goes without."""

from django.db import models
from django.db.models.functions import Now

from batches.models.jobs import BatchJob


class JobMove(models.Model):
    """One status that a job took. A trigger writes the row in the statement that moves the job; nothing changes it."""

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="moves")
    status = models.CharField(max_length=20, choices=BatchJob.Status)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.job_id} > {self.status}"
