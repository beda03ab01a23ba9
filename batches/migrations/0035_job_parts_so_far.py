"""The parts of the jobs that were there before."""

from django.db import migrations

FILL = """
INSERT INTO batches_jobpart (job_id, assessment_id, n_items, n_succeeded, n_invalid, n_errored, n_expired, n_cancelled,
                             n_missing, n_lost, reserved_usd, cost_usd)
SELECT item.job_id, cj_round.assessment_id, count(*),
       count(*) FILTER (WHERE item.outcome = 'SUCCEEDED'), count(*) FILTER (WHERE item.outcome = 'INVALID'),
       count(*) FILTER (WHERE item.outcome = 'ERRORED'), count(*) FILTER (WHERE item.outcome = 'EXPIRED'),
       count(*) FILTER (WHERE item.outcome = 'CANCELLED'), count(*) FILTER (WHERE item.outcome = 'MISSING'),
       count(*) FILTER (WHERE item.outcome = 'LOST'), sum(item.reserved_usd), sum(item.cost_usd)
FROM batches_batchitem item
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
GROUP BY 1, 2
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0034_job_parts")]
    operations = [migrations.RunSQL(FILL, "DELETE FROM batches_jobpart")]
