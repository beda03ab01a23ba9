"""Who may see names, withdraw a pupil, purge an assessment, and read the certificates."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

EVERYBODY = ["view_erasure"]
ADMINISTRATOR = ["manage_roster", "withdraw_essay", "purge_assessment", "export_candidate"]


def give(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    permission = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="batches")
    for group in apps.get_model("auth", "Group").objects.filter(
        name__in=["viewer", "editor", "submitter", "administrator"]
    ):
        wanted = EVERYBODY + (ADMINISTRATOR if group.name == "administrator" else [])
        group.permissions.add(*permission.filter(codename__in=wanted))


def take_back(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.all():
        group.permissions.remove(*group.permissions.filter(codename__in=EVERYBODY + ADMINISTRATOR))


class Migration(migrations.Migration):
    dependencies = [("batches", "0014_erasing_only")]
    operations = [migrations.RunPython(give, take_back)]
