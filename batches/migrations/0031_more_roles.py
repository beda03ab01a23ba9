"""Two more roles, and a permission of its own for budgets, for naming judges and for judging."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

ADDED = {
    "editor": ["name_judges"],
    "submitter": ["name_judges"],
    "administrator": ["name_judges", "change_budget", "judge_comparison"],
}


def give(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    groups = apps.get_model("auth", "Group").objects
    ours = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="batches")
    viewer, _ = groups.get_or_create(name="viewer")
    manager, _ = groups.get_or_create(name="budget manager")
    manager.permissions.set([*viewer.permissions.all(), ours.get(codename="change_budget")])
    judge, _ = groups.get_or_create(name="judge")
    judge.permissions.set(ours.filter(codename="judge_comparison"))
    for group in groups.filter(name__in=ADDED):
        group.permissions.add(*ours.filter(codename__in=ADDED[group.name]))


def take_back(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects
    groups.filter(name__in=["budget manager", "judge"]).delete()
    for group in groups.filter(name__in=ADDED):
        group.permissions.remove(*group.permissions.filter(codename__in=ADDED[group.name]))


class Migration(migrations.Migration):
    dependencies = [("batches", "0030_never_to_a_provider")]
    operations = [migrations.RunPython(give, take_back)]
