"""Count what each assessment has in a job."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F

import batches.models.fields

ENDED = (
    F("n_succeeded")
    + F("n_invalid")
    + F("n_errored")
    + F("n_expired")
    + F("n_cancelled")
    + F("n_missing")
    + F("n_lost")
)


class Migration(migrations.Migration):
    dependencies = [("batches", "0033_probes")]
    operations = [
        migrations.CreateModel(
            name="JobPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n_items", models.PositiveIntegerField(default=0, verbose_name="items")),
                ("n_succeeded", models.PositiveIntegerField(default=0)),
                ("n_invalid", models.PositiveIntegerField(default=0)),
                ("n_errored", models.PositiveIntegerField(default=0)),
                ("n_expired", models.PositiveIntegerField(default=0)),
                ("n_cancelled", models.PositiveIntegerField(default=0)),
                ("n_missing", models.PositiveIntegerField(default=0)),
                ("n_lost", models.PositiveIntegerField(default=0)),
                ("reserved_usd", batches.models.fields.UsdField(default=0)),
                ("cost_usd", batches.models.fields.UsdField(default=0)),
                (
                    "assessment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="job_parts",
                        to="batches.assessment",
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="batches.batchjob",
                    ),
                ),
            ],
            options={
                "ordering": ["-job_id", "assessment_id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["assessment", "-job"], name="job_part_by_assessment")],
                "constraints": [
                    models.UniqueConstraint(fields=("job", "assessment"), name="job_part_once"),
                    models.CheckConstraint(condition=models.Q(n_items__gte=ENDED), name="a_part_ends_once"),
                ],
            },
        ),
    ]
