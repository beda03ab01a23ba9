"""Keep the history of every batch job: one row for each status it takes, written by the database."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now

STATUSES = [
    ("PLANNED", "planned"),
    ("SENDING", "sending"),
    ("RUNNING", "calling"),
    ("IN_DOUBT", "in doubt"),
    ("IN_PROGRESS", "at the provider"),
    ("CANCELLING", "being cancelled"),
    ("COLLECTING", "being collected"),
    ("COLLECTED", "collected"),
    ("REFUSED", "refused"),
    ("ABSENT", "never arrived"),
    ("CANCELLED", "cancelled"),
    ("NEEDS_ATTENTION", "needs attention"),
]
DO = """
CREATE FUNCTION write_job_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO batches_jobmove (job_id, status, at) VALUES (NEW.id, NEW.status, clock_timestamp());
    RETURN NULL;
END $$;
CREATE TRIGGER job_was_made AFTER INSERT ON batches_batchjob
    FOR EACH ROW EXECUTE FUNCTION write_job_move();
CREATE TRIGGER job_moved AFTER UPDATE OF status ON batches_batchjob
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION write_job_move();
CREATE TRIGGER job_moves_are_written_once BEFORE UPDATE ON batches_jobmove
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
UNDO = """
DROP TRIGGER job_moves_are_written_once ON batches_jobmove;
DROP TRIGGER job_moved ON batches_batchjob;
DROP TRIGGER job_was_made ON batches_batchjob;
DROP FUNCTION write_job_move();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0020_token_sums")]
    operations = [
        migrations.CreateModel(
            name="JobMove",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(choices=STATUSES, max_length=20)),
                ("at", models.DateTimeField(db_default=Now())),
                (
                    "job",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="moves", to="batches.batchjob"
                    ),
                ),
            ],
            options={"ordering": ["id"], "default_permissions": ()},
        ),
        migrations.RunSQL(DO, UNDO),
    ]
