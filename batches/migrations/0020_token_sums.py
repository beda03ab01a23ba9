"""The tokens of jobs that ended before they were summed; administrators make and revoke API tokens."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

SUM = """
UPDATE batches_batchjob job SET
    input_tokens = s.input, cache_read_tokens = s.cache_read, cache_write_tokens = s.cache_write,
    output_tokens = s.output
FROM (
    SELECT job_id, sum(input_tokens) AS input, sum(cache_read_tokens) AS cache_read,
           sum(cache_write_tokens) AS cache_write, sum(output_tokens) AS output
    FROM batches_batchitem GROUP BY job_id
) s
WHERE s.job_id = job.id
"""
PERMISSIONS = ("view_apitoken", "add_apitoken", "revoke_apitoken")


def let_administrators(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    permissions = apps.get_model("auth", "Permission").objects
    ours = permissions.filter(content_type__app_label="batches", codename__in=PERMISSIONS)
    for group in apps.get_model("auth", "Group").objects.filter(name="administrator"):
        group.permissions.add(*ours)


def take_back(apps, schema_editor):
    ours = apps.get_model("auth", "Permission").objects.filter(codename__in=PERMISSIONS)
    for group in apps.get_model("auth", "Group").objects.filter(name="administrator"):
        group.permissions.remove(*ours)


class Migration(migrations.Migration):
    dependencies = [("batches", "0019_status_api")]
    operations = [
        migrations.RunSQL(SUM, migrations.RunSQL.noop),
        migrations.RunPython(let_administrators, take_back),
    ]
