"""The same promises of comparisons, checked for a whole statement or in a trigger's condition: no call for each row."""

from django.db import migrations

MOVES = [
    "PENDING>IN_FLIGHT",
    "PENDING>JUDGED",
    "PENDING>WITHDRAWN",
    "IN_FLIGHT>PENDING",
    "IN_FLIGHT>JUDGED",
    "IN_FLIGHT>FAILED",
    "IN_FLIGHT>WITHDRAWN",
    "FAILED>PENDING",
    "FAILED>WITHDRAWN",
    "JUDGED>WITHDRAWN",
]
ARRAY = ", ".join(f"'{move}'" for move in MOVES)
# Only what is illegal calls a function. Whether a judgement is there is asked once for all rows of a statement, by its
# key: the table may be large, and may have been small when the plan was made.
DO = f"""
DROP TRIGGER comparison_starts_pending ON batches_comparison;
CREATE TRIGGER comparison_starts_pending BEFORE INSERT ON batches_comparison
    FOR EACH ROW WHEN (NEW.status <> 'PENDING') EXECUTE FUNCTION comparison_moves_legally();
DROP TRIGGER comparison_moves_legally ON batches_comparison;
CREATE TRIGGER comparison_moves_legally BEFORE UPDATE OF status ON batches_comparison
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status
                       AND NOT (OLD.status || '>' || NEW.status) = ANY (ARRAY[{ARRAY}]))
    EXECUTE FUNCTION comparison_moves_legally();

CREATE FUNCTION judged_means_a_judgement() RETURNS trigger LANGUAGE plpgsql
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off AS $$
DECLARE
    bare bigint;
BEGIN
    SELECT id INTO bare FROM moved WHERE status = 'JUDGED'
        AND NOT EXISTS (SELECT FROM batches_judgement WHERE comparison_id = moved.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'comparison % has no judgement', bare USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER judged_means_a_judgement AFTER UPDATE ON batches_comparison
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION judged_means_a_judgement();
"""  # noqa: S608, constants only
UNDO = """
DROP TRIGGER judged_means_a_judgement ON batches_comparison;
DROP FUNCTION judged_means_a_judgement();
DROP TRIGGER comparison_starts_pending ON batches_comparison;
CREATE TRIGGER comparison_starts_pending BEFORE INSERT ON batches_comparison
    FOR EACH ROW EXECUTE FUNCTION comparison_moves_legally();
DROP TRIGGER comparison_moves_legally ON batches_comparison;
CREATE TRIGGER comparison_moves_legally BEFORE UPDATE OF status ON batches_comparison
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION comparison_moves_legally();
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0027_sketches")]
    operations = [migrations.RunSQL(DO, UNDO)]
