"""What providers sent, kept as it came before anything is read from it, and the lines that fitted nowhere."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from batches.models.jobs import BatchJob


class RawFile(models.Model):
    """One result file of a batch job, byte for byte. Deletable once its job is collected."""

    class Kind(models.TextChoices):
        OUTPUT = "OUTPUT", _("results")
        ERROR = "ERROR", _("errors")

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="raw_files")
    kind = models.CharField(max_length=10, choices=Kind)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text=_("Bytes."))
    n_lines = models.PositiveIntegerField(_("lines"), help_text=_("Lines that are not blank."))
    lines_read = models.PositiveIntegerField(default=0, help_text=_("Lines whose results are written down."))
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["job_id", "-kind"]  # OUTPUT before ERROR
        constraints = [
            models.UniqueConstraint(fields=["job", "kind"], name="raw_file_once"),
            models.CheckConstraint(condition=Q(lines_read__lte=models.F("n_lines")), name="no_more_read_than_there_is"),
        ]

    def __str__(self) -> str:
        return str(_("%(kind)s of %(job)s") % {"kind": self.get_kind_display(), "job": self.job})


class RawChunk(models.Model):
    """A piece of a raw file, compressed: any host can go on reading where another stopped."""

    file = models.ForeignKey(RawFile, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField()
    data = models.BinaryField(help_text="zlib")

    class Meta:
        ordering = ["file_id", "number"]
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="raw_chunk_once")]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.number}"


class StrayLine(models.Model):
    """A result line that resolved nothing: kept and shown, never made into anything."""

    class Kind(models.TextChoices):
        STRANGER = "STRANGER", _("unknown id")
        UNREADABLE = "UNREADABLE", _("no readable id")
        CONFLICT = "CONFLICT", _("second, different answer")

    job = models.ForeignKey(BatchJob, on_delete=models.CASCADE, related_name="stray_lines")
    kind = models.CharField(max_length=10, choices=Kind)
    custom_id = models.CharField(max_length=100, blank=True)
    line_sha256 = models.CharField(max_length=64)
    line = models.TextField(help_text=_("Its beginning, as far as a database can hold it."))
    seen_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["job", "line_sha256"], name="stray_line_once")]

    def __str__(self) -> str:
        return self.custom_id or self.line_sha256[:12]


def new_environment() -> str:
    return secrets.token_hex(8)


class Deployment(models.Model):
    """The one row that names this deployment in everything it sends: `cj_env` in a batch's metadata."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    environment = models.CharField(max_length=32, default=new_environment)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=1), name="one_deployment")]

    def __str__(self) -> str:
        return self.environment

    @classmethod
    def name(cls) -> str:
        """The name of this deployment, made on first use and the same ever after."""
        return cls.objects.get_or_create(pk=1)[0].environment
