"""Write down what is known of the jobs that were there before: how they began and stand, and what each day cost."""

from django.conf import settings
from django.db import migrations

MOVES = """
INSERT INTO batches_jobmove (job_id, status, at) SELECT id, 'PLANNED', created_at FROM batches_batchjob ORDER BY id;
INSERT INTO batches_jobmove (job_id, status, at)
SELECT id, status, coalesce(closed_at, ended_at, accepted_at, sent_at, created_at)
FROM batches_batchjob WHERE status <> 'PLANNED' ORDER BY id;
"""
COSTS = """
INSERT INTO batches_daycost (assessment_id, judge_id, day, cost_usd, n_items)
SELECT cj_round.assessment_id, job.judge_id, (item.resolved_at AT TIME ZONE %s)::date, sum(item.cost_usd), count(*)
FROM batches_batchitem item
JOIN batches_batchjob job ON job.id = item.job_id
JOIN batches_comparison comparison ON comparison.id = item.comparison_id
JOIN batches_round cj_round ON cj_round.id = comparison.round_id
WHERE item.outcome IS NOT NULL AND item.resolved_at IS NOT NULL
GROUP BY 1, 2, 3
"""


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MOVES)
        cursor.execute(COSTS, [settings.TIME_ZONE])


def empty(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM batches_daycost")
        cursor.execute("DELETE FROM batches_jobmove")


class Migration(migrations.Migration):
    dependencies = [("batches", "0022_day_costs")]
    operations = [migrations.RunPython(fill, empty)]
