"""A million comparisons -> what hangs on them: judges, scales with scores, callbacks, the record, and a viewer."""

from importlib import import_module
from typing import Any

from bench.comparison_status_rows import Layout, give_defaults
from bench.gauge import ask, run

CALLBACKS = 200_000  # of the newest comparisons: older ones have been pruned
WAITING = 500  # of them, not delivered yet
ACTS = 50_000

JUDGES = """
INSERT INTO batches_assessmentjudge (assessment_id, judge_id)
SELECT id, 1 FROM batches_assessment ON CONFLICT DO NOTHING
"""
SCALES = """
INSERT INTO batches_scale (assessment_id, number, judgement_ids, judgements_sha256, n_essays, n_comparisons, connected,
    components, sigma, eb_reliability, eb_reliability_low, eb_reliability_high, told_from_noise,
    scale_separation_reliability, position_bias, position_bias_se, scaled_mean, scaled_sd, grades, report, created_at)
SELECT a.id, n.number, ids.every, md5(a.id::text) || md5(n.number::text), 40, cardinality(ids.every), true, 1, 1.5, .86,
       .82, .89, true, .91, .12, .05, 50, 10, '[]', '{}', now() - n.number * interval '1 day'
FROM batches_assessment a CROSS JOIN generate_series(1, 2) AS n(number)
CROSS JOIN LATERAL (SELECT array_agg(c.id) AS every FROM batches_comparison c JOIN batches_round r ON r.id = c.round_id
                    WHERE r.assessment_id = a.id AND c.status = 'JUDGED' AND r.number <= n.number) ids
WHERE cardinality(ids.every) > 0
"""
SCORES = """
INSERT INTO batches_score (scale_id, essay_id, component, n, wins, logit, standard_error, standard_error_sirt, infit,
    outfit, rank, rank_low, rank_high, scaled_score, scaled_error, separated, grade_probabilities)
SELECT s.id, e.id, 1, 50, e.at, (20 - e.at) / 8.0, .35, .34, 1 + (e.at % 7) / 10.0, 1 + (e.at % 9) / 10.0, e.at,
       greatest(1, e.at - 3), least(40, e.at + 3), 50 + (20 - e.at), 3, e.at % 3 = 0, '{}'
FROM batches_scale s
JOIN (SELECT id, assessment_id, row_number() OVER (PARTITION BY assessment_id ORDER BY id) AS at
      FROM batches_essay) e ON e.assessment_id = s.assessment_id
"""
TOLD = """
INSERT INTO batches_callback (event_id, assessment_id, comparison_id, key, revision, payload, created_at, delivered_at)
SELECT gen_random_uuid(), r.assessment_id, c.id, c.id::text, c.revision,
       jsonb_build_object('comparison_id', c.id, 'status', c.status, 'text', repeat('clearer ', 30)), now(),
       CASE WHEN c.id > (SELECT max(id) FROM batches_comparison WHERE status = 'JUDGED') - %(waiting)s THEN NULL
            ELSE now() END
FROM batches_comparison c JOIN batches_round r ON r.id = c.round_id
WHERE c.status IN ('JUDGED', 'FAILED') ORDER BY c.id DESC LIMIT %(rows)s
"""
RECORD = """
INSERT INTO batches_auditentry (at, actor_id, actor_name, project_id, act, target_type, target_id, target_name, detail)
SELECT now() - n * interval '1 minute', %(user)s, 'bench', 1 + p.first + n %% 5, 'submit', 'round', n::text,
       'Assessment · round 1', '{"comparisons": 1000}'
FROM generate_series(1, %(rows)s) AS n, (SELECT min(id) - 1 AS first FROM batches_project) p
"""
OF_ONE_PROJECT = """
UPDATE batches_batchjob j SET project_id = a.project_id
FROM batches_round r JOIN batches_assessment a ON a.id = r.assessment_id WHERE r.id = j.id AND j.status = 'COLLECTED'
"""
GATHER = "UPDATE batches_round SET strategy = 'accumulate' WHERE id > (SELECT max(id) FROM batches_round) - 2"


def hang_on(layout: Layout) -> None:
    """Everything that pages read beside comparisons, items and judgements."""
    from batches.models import Callback, Scale, Score

    for model in (Scale, Score, Callback):
        give_defaults(model)
    run(JUDGES)
    run(OF_ONE_PROJECT)
    run(GATHER)
    run(import_module("batches.migrations.0035_job_parts_so_far").FILL)
    run(SCALES)
    run(SCORES)
    rows = min(CALLBACKS, layout.rows)
    run(TOLD, {"rows": rows, "waiting": min(WAITING, rows)})
    run(RECORD, {"rows": min(ACTS, layout.rows), "user": ask("SELECT min(id) FROM auth_user")})
    run("VACUUM ANALYZE")


def viewer() -> Any:
    """Somebody with every permission in all five projects, for whom nothing is hidden and so nothing is cheap."""
    from django.contrib.auth.models import Permission, User

    user = User.objects.get(username="bench")
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return User.objects.get(pk=user.pk)
