"""The projects of the jobs that were there before."""

from django.db import migrations

FILL = """
UPDATE batches_batchjob job SET project_id = held.project
FROM (
    SELECT item.job_id, min(assessment.project_id) AS project
    FROM batches_batchitem item
    JOIN batches_comparison comparison ON comparison.id = item.comparison_id
    JOIN batches_round cj_round ON cj_round.id = comparison.round_id
    JOIN batches_assessment assessment ON assessment.id = cj_round.assessment_id
    GROUP BY item.job_id HAVING count(DISTINCT assessment.project_id) = 1
) held
WHERE held.job_id = job.id
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0024_job_project")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
