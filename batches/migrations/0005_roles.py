"""Four roles, each one more than the last: viewer, editor, submitter, administrator."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

VIEWER = [
    f"view_{model}"
    for model in [
        "project",
        "assessment",
        "essay",
        "round",
        "comparison",
        "judgement",
        "batchjob",
        "batchitem",
        "scale",
        "score",
        "judge",
        "provideraccount",
        "auditentry",
    ]
]
EDITOR = [
    *("add_assessment", "change_assessment", "add_essay", "change_essay", "delete_essay"),
    *("load_essays", "plan_round", "score_assessment", "export_results"),
]
SUBMITTER = ["submit_round", "retry_comparison", "poll_batchjob", "cancel_batchjob", "publish_scale"]
ADMINISTRATOR = [
    *("add_project", "change_project", "add_membership", "change_membership", "delete_membership", "view_membership"),
    *("add_judge", "change_judge", "add_provideraccount", "change_provideraccount", "resume_provideraccount"),
    *("delete_assessment", "delete_round", "view_callback"),
]
PEOPLE = ["view_user", "add_user", "change_user", "view_group"]
ROLES = {
    "viewer": VIEWER,
    "editor": VIEWER + EDITOR,
    "submitter": VIEWER + EDITOR + SUBMITTER,
    "administrator": VIEWER + EDITOR + SUBMITTER + ADMINISTRATOR,
}


def make_roles(apps, schema_editor):
    config = apps.get_app_config("batches")
    config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    config.models_module = None
    auth = apps.get_app_config("auth")
    auth.models_module = True
    create_permissions(auth, apps=apps, verbosity=0, using=schema_editor.connection.alias)
    auth.models_module = None

    permission = apps.get_model("auth", "Permission").objects
    for name, codenames in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        ours = permission.filter(content_type__app_label="batches", codename__in=codenames)
        missing = set(codenames) - set(ours.values_list("codename", flat=True))
        if missing:
            raise LookupError(f"no such permissions: {sorted(missing)}")
        group.permissions.set(ours)
        if name == "administrator":
            group.permissions.add(*permission.filter(content_type__app_label="auth", codename__in=PEOPLE))


def remove_roles(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("batches", "0004_unchanging"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_roles, remove_roles)]
