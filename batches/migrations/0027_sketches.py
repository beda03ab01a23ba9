"""Assessments in the making: what the steps of a new one said, and what was read for it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0026_items_by_job"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Sketch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("given", models.JSONField(blank=True, default=dict)),
                ("source", models.CharField(blank=True, max_length=300)),
                ("ignored_columns", models.JSONField(blank=True, default=list)),
                ("touched_at", models.DateTimeField(auto_now=True, db_index=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "maker",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sketch", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="batches.project"
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SketchEssay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("candidate", models.CharField(max_length=100)),
                ("text", models.TextField(blank=True)),
                ("anchor_score", models.DecimalField(blank=True, decimal_places=3, max_digits=8, null=True)),
                ("source", models.CharField(max_length=300)),
                ("n_words", models.PositiveIntegerField(default=0)),
                ("n_pages", models.PositiveSmallIntegerField(default=0)),
                ("n_names", models.PositiveIntegerField(default=0)),
                ("n_emails", models.PositiveIntegerField(default=0)),
                ("n_phones", models.PositiveIntegerField(default=0)),
                ("suspicions", models.JSONField(blank=True, null=True)),
                (
                    "sketch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="essays", to="batches.sketch"
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="SketchPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField()),
                ("media_type", models.CharField(choices=[("image/png", "PNG"), ("image/jpeg", "JPEG")], max_length=20)),
                ("data", models.BinaryField()),
                (
                    "essay",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="pages", to="batches.sketchessay"
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="sketchessay",
            index=models.Index(
                condition=models.Q(("suspicions__isnull", True)), fields=["sketch"], name="sketched_essay_to_scan"
            ),
        ),
        migrations.AddConstraint(
            model_name="sketchessay",
            constraint=models.UniqueConstraint(fields=("sketch", "candidate"), name="candidate_once_per_sketch"),
        ),
        migrations.AddConstraint(
            model_name="sketchessay",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("text", ""), _negated=True), ("n_pages__gt", 0), _connector="OR"),
                name="sketched_essay_can_be_read",
            ),
        ),
    ]
