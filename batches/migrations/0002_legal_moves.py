"""Keep illegal status moves out of the database, whoever tries them."""

from django.db import migrations

BATCH_JOB = """
CREATE FUNCTION batch_job_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch_moves CONSTANT text[] := ARRAY[
        'PLANNED>SENDING', 'PLANNED>CANCELLED',
        'SENDING>IN_PROGRESS', 'SENDING>REFUSED', 'SENDING>IN_DOUBT',
        'IN_DOUBT>IN_PROGRESS', 'IN_DOUBT>ABSENT', 'IN_DOUBT>NEEDS_ATTENTION',
        'IN_PROGRESS>IN_DOUBT', 'IN_PROGRESS>CANCELLING', 'IN_PROGRESS>COLLECTING',
        'CANCELLING>COLLECTING', 'COLLECTING>COLLECTED',
        'NEEDS_ATTENTION>IN_PROGRESS', 'NEEDS_ATTENTION>ABSENT'];
    call_moves CONSTANT text[] := ARRAY[
        'PLANNED>RUNNING', 'PLANNED>CANCELLED', 'RUNNING>COLLECTED', 'RUNNING>NEEDS_ATTENTION',
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
CREATE TRIGGER batch_job_starts_planned BEFORE INSERT ON batches_batchjob
    FOR EACH ROW EXECUTE FUNCTION batch_job_moves_legally();
CREATE TRIGGER batch_job_moves_legally BEFORE UPDATE OF status ON batches_batchjob
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION batch_job_moves_legally();
"""

COMPARISON = """
CREATE FUNCTION comparison_moves_legally() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'PENDING' THEN
            RAISE EXCEPTION 'a comparison starts as PENDING, not %', NEW.status USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[
        'PENDING>IN_FLIGHT', 'PENDING>JUDGED', 'PENDING>WITHDRAWN',
        'IN_FLIGHT>PENDING', 'IN_FLIGHT>JUDGED', 'IN_FLIGHT>FAILED', 'IN_FLIGHT>WITHDRAWN',
        'FAILED>PENDING', 'FAILED>WITHDRAWN', 'JUDGED>WITHDRAWN']) THEN
        RAISE EXCEPTION 'comparison %: % cannot become %', NEW.id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.status = 'JUDGED' AND NOT EXISTS (SELECT FROM batches_judgement WHERE comparison_id = NEW.id) THEN
        RAISE EXCEPTION 'comparison % has no judgement', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER comparison_starts_pending BEFORE INSERT ON batches_comparison
    FOR EACH ROW EXECUTE FUNCTION comparison_moves_legally();
CREATE TRIGGER comparison_moves_legally BEFORE UPDATE OF status ON batches_comparison
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION comparison_moves_legally();
"""

UNDO = """
DROP TRIGGER batch_job_starts_planned ON batches_batchjob;
DROP TRIGGER batch_job_moves_legally ON batches_batchjob;
DROP FUNCTION batch_job_moves_legally();
DROP TRIGGER comparison_starts_pending ON batches_comparison;
DROP TRIGGER comparison_moves_legally ON batches_comparison;
DROP FUNCTION comparison_moves_legally();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0001_initial")]
    operations = [migrations.RunSQL(BATCH_JOB + COMPARISON, UNDO)]
