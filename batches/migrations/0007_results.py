"""Tables for raw result files, stray lines and this deployment's name; more about strangers and reconciliations."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import batches.models.results


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0006_strategies"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Deployment",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                ("environment", models.CharField(default=batches.models.results.new_environment, max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="RawChunk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("data", models.BinaryField(help_text="zlib")),
            ],
            options={
                "ordering": ["file_id", "number"],
            },
        ),
        migrations.CreateModel(
            name="RawFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("OUTPUT", "results"), ("ERROR", "errors")], max_length=10)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveBigIntegerField(help_text="Bytes.")),
                ("n_lines", models.PositiveIntegerField(help_text="Lines that are not blank.", verbose_name="lines")),
                (
                    "lines_read",
                    models.PositiveIntegerField(default=0, help_text="Lines whose results are written down."),
                ),
                ("stored_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["job_id", "-kind"],
            },
        ),
        migrations.CreateModel(
            name="StrayLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("STRANGER", "unknown id"),
                            ("UNREADABLE", "no readable id"),
                            ("CONFLICT", "second, different answer"),
                        ],
                        max_length=10,
                    ),
                ),
                ("custom_id", models.CharField(blank=True, max_length=100)),
                ("line_sha256", models.CharField(max_length=64)),
                ("line", models.TextField(help_text="Its beginning, as far as a database can hold it.")),
                ("seen_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="batchjob",
            name="at_the_provider_means_an_id",
        ),
        migrations.AddField(
            model_name="provideraccount",
            name="reconciled_at",
            field=models.DateTimeField(blank=True, help_text="When its books were last compared with ours.", null=True),
        ),
        migrations.AddField(
            model_name="stranger",
            name="cancel_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="stranger",
            name="is_ours",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="stranger",
            name="made_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="stranger",
            name="n_requests",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="requests"),
        ),
        migrations.AddField(
            model_name="stranger",
            name="nonce",
            field=models.CharField(blank=True, max_length=12),
        ),
        migrations.AddField(
            model_name="stranger",
            name="provider_status",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddConstraint(
            model_name="batchjob",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("packing", "PROVIDER_BATCH"), _negated=True),
                    models.Q(
                        ("status__in", ["IN_PROGRESS", "CANCELLING", "COLLECTING", "COLLECTED"]),
                        models.Q(("provider_batch_id", ""), _negated=True),
                    ),
                    ("status", "NEEDS_ATTENTION"),
                    models.Q(
                        models.Q(
                            ("status__in", ["IN_PROGRESS", "CANCELLING", "COLLECTING", "COLLECTED", "NEEDS_ATTENTION"]),
                            _negated=True,
                        ),
                        ("provider_batch_id", ""),
                    ),
                    _connector="OR",
                ),
                name="at_the_provider_means_an_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="deployment",
            constraint=models.CheckConstraint(condition=models.Q(("id", 1)), name="one_deployment"),
        ),
        migrations.AddField(
            model_name="rawfile",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="raw_files", to="batches.batchjob"
            ),
        ),
        migrations.AddField(
            model_name="rawchunk",
            name="file",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="chunks", to="batches.rawfile"
            ),
        ),
        migrations.AddField(
            model_name="strayline",
            name="job",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="stray_lines", to="batches.batchjob"
            ),
        ),
        migrations.AddConstraint(
            model_name="rawfile",
            constraint=models.UniqueConstraint(fields=("job", "kind"), name="raw_file_once"),
        ),
        migrations.AddConstraint(
            model_name="rawfile",
            constraint=models.CheckConstraint(
                condition=models.Q(("lines_read__lte", models.F("n_lines"))), name="no_more_read_than_there_is"
            ),
        ),
        migrations.AddConstraint(
            model_name="rawchunk",
            constraint=models.UniqueConstraint(fields=("file", "number"), name="raw_chunk_once"),
        ),
        migrations.AddConstraint(
            model_name="strayline",
            constraint=models.UniqueConstraint(fields=("job", "line_sha256"), name="stray_line_once"),
        ),
    ]
