"""Callbacks of earlier versions: their assessment and their key."""

from django.db import migrations

FILL = """
UPDATE batches_callback callback SET key = callback.comparison_id::text, assessment_id = cj_round.assessment_id
FROM batches_comparison comparison JOIN batches_round cj_round ON cj_round.id = comparison.round_id
WHERE comparison.id = callback.comparison_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("batches", "0010_callback_columns")]
    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
