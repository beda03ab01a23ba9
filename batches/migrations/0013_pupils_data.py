"""Rosters, erasures with their certificates, retention, and what a login in vain leaves."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0012_callback_promises"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("certificate", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[("PURGE", "purge of an assessment"), ("WITHDRAWAL", "withdrawal of a pupil")],
                        max_length=10,
                    ),
                ),
                ("project_name", models.CharField(max_length=200)),
                ("assessment_id", models.BigIntegerField()),
                ("assessment_slug", models.CharField(max_length=80)),
                ("essay_id", models.BigIntegerField(blank=True, null=True)),
                ("candidate", models.CharField(blank=True, max_length=100)),
                ("why", models.CharField(max_length=200)),
                ("actor_name", models.CharField(max_length=200)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("removed", models.JSONField(default=dict)),
                ("hashes", models.JSONField(default=list)),
                ("left", models.JSONField(default=list)),
                ("waits_for", models.CharField(blank=True, max_length=500)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="FailedLogin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("username_sha256", models.CharField(max_length=64)),
                ("address", models.CharField(max_length=45)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="RosterName",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
            ],
            options={
                "ordering": ["name"],
                "permissions": [
                    ("manage_roster", "Can see and change the names of pupils, and what is replaced by placeholders")
                ],
                "default_permissions": (),
            },
        ),
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
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="essay",
            options={
                "ordering": ["assessment_id", "candidate"],
                "permissions": [
                    ("withdraw_essay", "Can withdraw a pupil's essay for good"),
                    ("export_candidate", "Can export all that is held on one candidate"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="essay",
            name="essay_has_something_to_read",
        ),
        migrations.AddField(
            model_name="assessment",
            name="purged_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="forget_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="batchjob",
            name="forgotten_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="essay",
            name="erased_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="essay",
            name="n_emails",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="e-mail addresses replaced"),
        ),
        migrations.AddField(
            model_name="essay",
            name="n_names",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="names replaced"),
        ),
        migrations.AddField(
            model_name="essay",
            name="n_phones",
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name="phone numbers replaced"),
        ),
        migrations.AddField(
            model_name="project",
            name="retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="So many days after an assessment's last judgement, or its last published scale, its texts are removed for good; scores, counts and money stay. Empty: until somebody purges it.",
                null=True,
                verbose_name="keep texts for (days)",
            ),
        ),
        migrations.AddConstraint(
            model_name="essay",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text", ""), _negated=True),
                    ("n_pages__gt", 0),
                    ("erased_at__isnull", False),
                    _connector="OR",
                ),
                name="essay_has_something_to_read",
            ),
        ),
        migrations.AddConstraint(
            model_name="essay",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at__isnull", True), models.Q(("n_pages", 0), ("text", "")), _connector="OR"
                ),
                name="erased_essay_holds_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="essay",
            constraint=models.CheckConstraint(
                condition=models.Q(("withdrawn_at__isnull", True), ("erased_at__isnull", False), _connector="OR"),
                name="withdrawn_means_erased",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="project",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="batches.project",
            ),
        ),
        migrations.AddIndex(
            model_name="failedlogin",
            index=models.Index(fields=["username_sha256", "at"], name="failed_login_by_name"),
        ),
        migrations.AddIndex(
            model_name="failedlogin",
            index=models.Index(fields=["address", "at"], name="failed_login_by_address"),
        ),
        migrations.AddField(
            model_name="rostername",
            name="assessment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="roster",
                to="batches.assessment",
            ),
        ),
        migrations.AddField(
            model_name="rostername",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="roster", to="batches.project"
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("completed_at__isnull", True)), fields=["id"], name="erasure_under_way"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("essay_id__isnull", True), ("kind", "PURGE")),
                    models.Q(("essay_id__isnull", False), ("kind", "WITHDRAWAL")),
                    _connector="OR",
                ),
                name="a_withdrawal_is_of_one_essay",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "PURGE")), fields=("assessment_id",), name="purged_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "WITHDRAWAL")), fields=("essay_id",), name="withdrawn_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rostername",
            constraint=models.UniqueConstraint(
                fields=("project", "assessment", "name"), name="name_once_on_a_roster", nulls_distinct=False
            ),
        ),
        migrations.AddConstraint(
            model_name="rostername",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="roster_name_is_not_empty"
            ),
        ),
    ]
