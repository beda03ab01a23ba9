"""What was judged may lose its words when it is withdrawn or purged, by that path alone; a certificate stays."""

from django.db import migrations

ESSAY = """
CREATE OR REPLACE FUNCTION essay_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (NEW.text = '' AND NEW.erased_at IS NOT NULL) AND EXISTS (
        SELECT FROM batches_comparison WHERE essay_a_id = NEW.id OR essay_b_id = NEW.id) THEN
        RAISE EXCEPTION 'essay %: its text is part of a comparison and cannot change', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION erased_stays_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'essay %: what was erased stays erased', OLD.id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER erased_stays_erased BEFORE UPDATE OF erased_at, withdrawn_at ON batches_essay
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL AND (NEW.erased_at IS DISTINCT FROM OLD.erased_at
                       OR (OLD.withdrawn_at IS NOT NULL AND NEW.withdrawn_at IS DISTINCT FROM OLD.withdrawn_at)))
    EXECUTE FUNCTION erased_stays_erased();
"""
ESSAY_BEFORE = """
DROP TRIGGER erased_stays_erased ON batches_essay;
DROP FUNCTION erased_stays_erased();
CREATE OR REPLACE FUNCTION essay_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM batches_comparison WHERE essay_a_id = NEW.id OR essay_b_id = NEW.id) THEN
        RAISE EXCEPTION 'essay %: its text is part of a comparison and cannot change', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
JUDGEMENT = """
CREATE FUNCTION judgement_only_loses_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    silent batches_judgement := OLD;
BEGIN
    silent.justification := '';
    IF NEW IS DISTINCT FROM silent OR NOT EXISTS (
        SELECT FROM batches_comparison comparison
        JOIN batches_essay essay ON essay.id IN (comparison.essay_a_id, comparison.essay_b_id)
        WHERE comparison.id = OLD.comparison_id AND essay.erased_at IS NOT NULL) THEN
        RAISE EXCEPTION 'batches_judgement rows are written once: UPDATE refused' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER judgement_is_insert_only ON batches_judgement;
CREATE TRIGGER judgement_is_insert_only BEFORE DELETE ON batches_judgement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER judgement_only_loses_its_words BEFORE UPDATE ON batches_judgement
    FOR EACH ROW EXECUTE FUNCTION judgement_only_loses_its_words();
"""
JUDGEMENT_BEFORE = """
DROP TRIGGER judgement_only_loses_its_words ON batches_judgement;
DROP FUNCTION judgement_only_loses_its_words();
DROP TRIGGER judgement_is_insert_only ON batches_judgement;
CREATE TRIGGER judgement_is_insert_only BEFORE UPDATE OR DELETE ON batches_judgement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
CERTIFICATE = """
CREATE TRIGGER certificate_stays BEFORE DELETE ON batches_erasure
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_is_final BEFORE UPDATE ON batches_erasure
    FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
"""
CERTIFICATE_BEFORE = """
DROP TRIGGER certificate_is_final ON batches_erasure;
DROP TRIGGER certificate_stays ON batches_erasure;
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0013_pupils_data")]
    operations = [
        migrations.RunSQL(ESSAY, ESSAY_BEFORE),
        migrations.RunSQL(JUDGEMENT, JUDGEMENT_BEFORE),
        migrations.RunSQL(CERTIFICATE, CERTIFICATE_BEFORE),
    ]
