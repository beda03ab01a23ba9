"""Sum up by day what each assessment pays for each judge."""

import django.db.models.deletion
from django.db import migrations, models

import batches.models.fields


class Migration(migrations.Migration):
    dependencies = [("batches", "0021_job_moves")]
    operations = [
        migrations.CreateModel(
            name="DayCost",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("cost_usd", batches.models.fields.UsdField(default=0)),
                ("n_items", models.PositiveIntegerField(default=0, verbose_name="items")),
                (
                    "assessment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="day_costs", to="batches.assessment"
                    ),
                ),
                (
                    "judge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="batches.judge"
                    ),
                ),
            ],
            options={
                "ordering": ["day", "id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["day", "assessment"], name="day_cost_by_day")],
                "constraints": [
                    models.UniqueConstraint(fields=("assessment", "judge", "day"), name="day_cost_once"),
                ],
            },
        ),
    ]
