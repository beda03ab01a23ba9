"""People judge: pairs in their hands, quotas, and how long they took."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0028_checks_by_the_set"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="assessment",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("load_essays", "Can load essays"),
                    ("plan_round", "Can plan rounds"),
                    ("submit_round", "Can submit rounds (spends money)"),
                    ("score_assessment", "Can compute a scale"),
                    ("export_results", "Can export results"),
                    ("purge_assessment", "Can remove all texts of an assessment for good"),
                    ("change_budget", "Can change budgets"),
                    ("name_judges", "Can say which people judge, and how much"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="comparison",
            options={
                "ordering": ["-id"],
                "permissions": [
                    ("retry_comparison", "Can retry failed comparisons (spends money)"),
                    ("judge_comparison", "Can judge comparisons, where named as a judge"),
                ],
            },
        ),
        migrations.AddField(
            model_name="assessmentjudge",
            name="quota",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="judgement",
            name="seconds",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Claim",
            fields=[
                (
                    "comparison",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="claim",
                        serialize=False,
                        to="batches.comparison",
                    ),
                ),
                ("taken_at", models.DateTimeField()),
                ("lapses_at", models.DateTimeField()),
                ("winner", models.CharField(blank=True, choices=[("A", "first"), ("B", "second")], max_length=1)),
                ("comment", models.TextField(blank=True)),
                ("confidence", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                (
                    "assessment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="batches.assessment",
                    ),
                ),
                (
                    "judge",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="claims",
                        to="batches.judge",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("judge", "assessment"), name="one_pair_at_a_time"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at", None), ("winner", "")),
                            models.Q(("answered_at__isnull", False), ("winner__in", ["A", "B"])),
                            _connector="OR",
                        ),
                        name="draft_has_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("confidence__isnull", True),
                            models.Q(("confidence__gte", 1), ("confidence__lte", 5)),
                            _connector="OR",
                        ),
                        name="draft_confidence_1_to_5",
                    ),
                ],
            },
        ),
    ]
