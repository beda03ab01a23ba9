"""Tokens for machines, answers kept for idempotency keys, token sums of batch jobs, correlation ids of rounds."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import batches.models.api


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0018_suspicions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="batchjob",
            name="cache_read_tokens",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="cache_write_tokens",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="input_tokens",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="output_tokens",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="round",
            name="correlation_id",
            field=models.UUIDField(
                blank=True,
                editable=False,
                help_text="Given by whoever planned or submitted it; else the assessment's.",
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="StoredAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("caller", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=100)),
                ("request_sha256", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("body", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("caller", "key"), name="one_effect_per_key")],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="Which machine or service uses it.", max_length=100)),
                (
                    "prefix",
                    models.CharField(default=batches.models.api.new_prefix, editable=False, max_length=8, unique=True),
                ),
                ("secret_sha256", models.CharField(editable=False, max_length=64)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("read", "read: everything of the project that a viewer sees"),
                                ("write", "write: make assessments, load essays, plan rounds, ask for a scale"),
                                ("spend", "spend: submit what is planned, and cancel batch jobs"),
                            ],
                            max_length=10,
                        )
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tokens", to="batches.project"
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-id"],
                "permissions": [("revoke_apitoken", "Can revoke API tokens")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scopes__contained_by", ["read", "write", "spend"]), ("scopes__len__gt", 0)
                        ),
                        name="token_has_known_scopes",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("created_at"))), name="token_expires_later"
                    ),
                ],
            },
        ),
    ]
