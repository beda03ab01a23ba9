"""What was judged, published or set up as local stays as it was."""

from django.db import migrations

DO = """
CREATE FUNCTION essay_text_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.withdrawn_at IS NULL AND EXISTS (
        SELECT FROM batches_comparison WHERE essay_a_id = NEW.id OR essay_b_id = NEW.id) THEN
        RAISE EXCEPTION 'essay %: its text is part of a comparison and cannot change', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER essay_text_stays BEFORE UPDATE OF text, text_sha256 ON batches_essay
    FOR EACH ROW WHEN (OLD.text IS DISTINCT FROM NEW.text) EXECUTE FUNCTION essay_text_stays();

CREATE FUNCTION published_scale_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'scale % is published and frozen', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER published_scale_stays BEFORE UPDATE OR DELETE ON batches_scale
    FOR EACH ROW EXECUTE FUNCTION published_scale_stays();

CREATE FUNCTION published_score_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint := CASE TG_OP WHEN 'INSERT' THEN NEW.scale_id ELSE OLD.scale_id END;
BEGIN
    IF EXISTS (SELECT FROM batches_scale WHERE id = touched AND published_at IS NOT NULL) THEN
        RAISE EXCEPTION 'scale % is published and frozen', touched USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER published_score_stays BEFORE INSERT OR UPDATE OR DELETE ON batches_score
    FOR EACH ROW EXECUTE FUNCTION published_score_stays();

CREATE FUNCTION account_kind_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'account %: provider and local or real cannot change', OLD.alias USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER account_kind_stays BEFORE UPDATE ON batches_provideraccount
    FOR EACH ROW WHEN (OLD.is_local IS DISTINCT FROM NEW.is_local OR OLD.provider IS DISTINCT FROM NEW.provider)
    EXECUTE FUNCTION account_kind_stays();

CREATE FUNCTION local_and_real_never_meet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM batches_assessment WHERE id = NEW.assessment_id FOR UPDATE;
    IF (SELECT count(DISTINCT account.is_local)
        FROM batches_assessmentjudge link
        JOIN batches_judge judge ON judge.id = link.judge_id
        JOIN batches_provideraccount account ON account.id = judge.account_id
        WHERE link.assessment_id = NEW.assessment_id) > 1
    OR EXISTS (
        SELECT FROM batches_round cj_round
        JOIN batches_comparison comparison ON comparison.round_id = cj_round.id
        JOIN batches_judge other ON other.id = comparison.judge_id
        JOIN batches_provideraccount theirs ON theirs.id = other.account_id
        JOIN batches_judge judge ON judge.id = NEW.judge_id
        JOIN batches_provideraccount account ON account.id = judge.account_id
        WHERE cj_round.assessment_id = NEW.assessment_id AND theirs.is_local <> account.is_local) THEN
        RAISE EXCEPTION 'assessment %: local and real judges never meet in one assessment', NEW.assessment_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER local_and_real_never_meet AFTER INSERT OR UPDATE ON batches_assessmentjudge
    FOR EACH ROW EXECUTE FUNCTION local_and_real_never_meet();
"""

UNDO = """
DROP TRIGGER local_and_real_never_meet ON batches_assessmentjudge;
DROP FUNCTION local_and_real_never_meet();
DROP TRIGGER account_kind_stays ON batches_provideraccount;
DROP FUNCTION account_kind_stays();
DROP TRIGGER published_score_stays ON batches_score;
DROP FUNCTION published_score_stays();
DROP TRIGGER published_scale_stays ON batches_scale;
DROP FUNCTION published_scale_stays();
DROP TRIGGER essay_text_stays ON batches_essay;
DROP FUNCTION essay_text_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0003_insert_only")]
    operations = [migrations.RunSQL(DO, UNDO)]
