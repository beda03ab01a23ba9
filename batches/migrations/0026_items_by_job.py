"""Read a job's items in order from one index: without it a page of a late job walks through the items of all before."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("batches", "0025_job_project_so_far")]
    operations = [
        migrations.AddIndex(model_name="batchitem", index=models.Index(fields=["job", "id"], name="item_by_job")),
        migrations.AlterField(
            model_name="batchitem",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="items",
                to="batches.batchjob",
            ),
        ),
    ]
