"""Name the project of a job that holds comparisons of one only: lists need not look at its items for that."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("batches", "0023_moves_and_costs_so_far")]
    operations = [
        migrations.AddField(
            model_name="batchjob",
            name="project",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="batches.project",
            ),
        ),
    ]
