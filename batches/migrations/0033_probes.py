"""What judges did when they were put to the test; whoever sees judges and assessments sees it."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models


def give_to_roles(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="batches")
    for group in apps.get_model("auth", "Group").objects.filter(permissions__codename="view_judge"):
        group.permissions.add(permission.get(codename="view_probe"))


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0032_known_pairs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Probe",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("asked", models.JSONField(default=list, editable=False)),
                ("figures", models.JSONField(blank=True, default=dict, editable=False)),
                ("finished_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "assessment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="probe", to="batches.assessment"
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "judge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="probes", to="batches.judge"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("figures", {}), ("finished_at", None)),
                            models.Q(("finished_at__isnull", False), models.Q(("figures", {}), _negated=True)),
                            _connector="OR",
                        ),
                        name="finished_probe_has_figures",
                    )
                ],
            },
        ),
        migrations.RunPython(give_to_roles, migrations.RunPython.noop),
    ]
