"""Whoever may publish a scale may set its grade boundaries."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ROLES = ("submitter", "administrator")


def grant(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="batches", codename="set_grades"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.add(permission)


def revoke(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name__in=ROLES):
        group.permissions.remove(*group.permissions.filter(codename="set_grades"))


class Migration(migrations.Migration):
    dependencies = [("batches", "0016_scale_reports")]
    operations = [migrations.RunPython(grant, revoke)]
