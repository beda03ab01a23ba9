"""What the provider says it answered, for the nightly comparison."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0008_moves_to_a_person"),
    ]

    operations = [
        migrations.AddField(
            model_name="batchjob",
            name="provider_answered",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]
