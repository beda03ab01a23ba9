"""What people judge is never sent to a provider, and no comparison passes from a model to a person or back."""

from django.db import migrations

DO = """
CREATE FUNCTION people_are_never_submitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM new_items item
               JOIN batches_comparison comparison ON comparison.id = item.comparison_id
               JOIN batches_judge judge ON judge.id = comparison.judge_id
               WHERE judge.kind <> 'MODEL') THEN
        RAISE EXCEPTION 'comparisons of a person are never submitted to a provider' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER people_are_never_submitted AFTER INSERT ON batches_batchitem
    REFERENCING NEW TABLE AS new_items FOR EACH STATEMENT EXECUTE FUNCTION people_are_never_submitted();

CREATE FUNCTION judge_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'PENDING' OR 2 <> (
        SELECT count(*) FROM batches_judge WHERE id IN (OLD.judge_id, NEW.judge_id) AND kind = 'PERSON') THEN
        RAISE EXCEPTION 'comparison %: its judge stays', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judge_stays BEFORE UPDATE OF judge_id ON batches_comparison
    FOR EACH ROW WHEN (OLD.judge_id IS DISTINCT FROM NEW.judge_id) EXECUTE FUNCTION judge_stays();
"""

UNDO = """
DROP TRIGGER judge_stays ON batches_comparison;
DROP FUNCTION judge_stays();
DROP TRIGGER people_are_never_submitted ON batches_batchitem;
DROP FUNCTION people_are_never_submitted();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0029_people_judge")]
    operations = [migrations.RunSQL(DO, UNDO)]
