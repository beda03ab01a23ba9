"""What the outbox promises: each row tells of one thing, has a key, and is found by it."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("batches", "0011_callback_fill")]

    operations = [
        migrations.AlterField(
            model_name="callback",
            name="assessment",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="callbacks",
                to="batches.assessment",
            ),
        ),
        migrations.AddConstraint(
            model_name="callback",
            constraint=models.UniqueConstraint(fields=["scale"], name="one_callback_per_published_scale"),
        ),
        migrations.AddConstraint(
            model_name="callback",
            constraint=models.CheckConstraint(
                condition=Q(comparison__isnull=False, scale__isnull=True)
                | Q(comparison__isnull=True, scale__isnull=False),
                name="callback_tells_of_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="callback",
            constraint=models.CheckConstraint(condition=~Q(key=""), name="callback_has_a_key"),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(fields=["key", "id"], condition=Q(delivered_at__isnull=True), name="callback_in_order"),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                fields=["delivered_at"], condition=Q(delivered_at__isnull=False), name="callback_to_prune"
            ),
        ),
    ]
