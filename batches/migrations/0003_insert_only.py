"""Judgements and the audit log are written once; a judgement and a JUDGED comparison come together."""

from django.db import migrations

DO = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are written once: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE ON batches_auditentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER judgement_is_insert_only BEFORE UPDATE OR DELETE ON batches_judgement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION judgement_means_judged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM batches_comparison
                   WHERE id = NEW.comparison_id AND status IN ('JUDGED', 'WITHDRAWN')) THEN
        RAISE EXCEPTION 'comparison % has a judgement but is not JUDGED', NEW.comparison_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER judgement_means_judged AFTER INSERT ON batches_judgement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION judgement_means_judged();
"""

UNDO = """
DROP TRIGGER judgement_means_judged ON batches_judgement;
DROP FUNCTION judgement_means_judged();
DROP TRIGGER judgement_is_insert_only ON batches_judgement;
DROP TRIGGER audit_is_append_only ON batches_auditentry;
DROP FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0002_legal_moves")]
    operations = [migrations.RunSQL(DO, UNDO)]
