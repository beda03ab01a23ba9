"""Room for all five strategies: what releases a comparison, nights that ran, queues, primers, races and deadlines."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0005_roles"),
    ]

    operations = [
        migrations.CreateModel(
            name="NightlyRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "strategy",
                    models.CharField(
                        choices=[
                            ("per_round", "per round"),
                            ("serial_bundle", "serial bundle"),
                            ("provider_batch", "provider batch"),
                            ("accumulate", "accumulate"),
                            ("nightly", "nightly"),
                        ],
                        default="nightly",
                        max_length=20,
                    ),
                ),
                ("run_date", models.DateField(help_text="The local date on which it was due.")),
                ("n_comparisons", models.PositiveIntegerField(default=0, verbose_name="comparisons")),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-run_date"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="batchitem",
            name="one_live_item_per_comparison",
        ),
        migrations.AddField(
            model_name="batchitem",
            name="races",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="batchitem",
            name="cache_marks",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="cancelled_for",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="primes_cache",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="queued_tokens",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="comparison",
            name="released_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="comparison",
            name="strategy",
            field=models.CharField(blank=True, editable=False, max_length=20),
        ),
        migrations.AddIndex(
            model_name="comparison",
            index=models.Index(
                condition=models.Q(("released_at", None), ("status", "PENDING")),
                fields=["round", "judge"],
                name="comparison_gathering",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome__isnull", True), ("races", False)),
                fields=("comparison",),
                name="one_live_item_per_comparison",
            ),
        ),
        migrations.AddConstraint(
            model_name="batchitem",
            constraint=models.UniqueConstraint(
                condition=models.Q(("outcome__isnull", True), ("races", True)),
                fields=("comparison",),
                name="one_racing_item_per_comparison",
            ),
        ),
        migrations.AddConstraint(
            model_name="nightlyrun",
            constraint=models.UniqueConstraint(fields=("strategy", "run_date"), name="nightly_once"),
        ),
    ]
