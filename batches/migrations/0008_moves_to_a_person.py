"""A person may be asked about a job at any stage beyond the sending, and may send it back to work."""

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION batch_job_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch_moves CONSTANT text[] := ARRAY[
        'PLANNED>SENDING', 'PLANNED>CANCELLED',
        'SENDING>IN_PROGRESS', 'SENDING>REFUSED', 'SENDING>IN_DOUBT',
        'IN_DOUBT>IN_PROGRESS', 'IN_DOUBT>ABSENT', 'IN_DOUBT>NEEDS_ATTENTION',
        'IN_PROGRESS>IN_DOUBT', 'IN_PROGRESS>CANCELLING', 'IN_PROGRESS>COLLECTING',
        'CANCELLING>COLLECTING', 'COLLECTING>COLLECTED',
        {more_batch}
        'NEEDS_ATTENTION>IN_PROGRESS', 'NEEDS_ATTENTION>ABSENT'];
    call_moves CONSTANT text[] := ARRAY[
        'PLANNED>RUNNING', 'PLANNED>CANCELLED', 'RUNNING>COLLECTED', 'RUNNING>NEEDS_ATTENTION',
        {more_calls}
        'NEEDS_ATTENTION>COLLECTED'];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PLANNED' THEN
            RAISE EXCEPTION 'a batch job starts as PLANNED, not %', NEW.status USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NOT (OLD.status || '>' || NEW.status) =
        ANY (CASE WHEN NEW.packing = 'PROVIDER_BATCH' THEN batch_moves ELSE call_moves END) THEN
        RAISE EXCEPTION 'batch job %: % cannot become %', NEW.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BATCH = (
    "'IN_PROGRESS>NEEDS_ATTENTION', 'CANCELLING>NEEDS_ATTENTION', 'COLLECTING>NEEDS_ATTENTION',"
    " 'NEEDS_ATTENTION>IN_DOUBT',"
)
DO = FUNCTION.format(more_batch=BATCH, more_calls="'NEEDS_ATTENTION>RUNNING',")
UNDO = FUNCTION.format(more_batch="", more_calls="")


class Migration(migrations.Migration):
    dependencies = [("batches", "0007_results")]
    operations = [migrations.RunSQL(DO, UNDO)]
