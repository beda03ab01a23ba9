"""Callbacks also tell of published scales; who relays them; which webhooks were believed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("batches", "0009_provider_answered")]

    operations = [
        migrations.AddField(
            model_name="callback",
            name="assessment",
            field=models.ForeignKey(
                null=True,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="callbacks",
                to="batches.assessment",
            ),
        ),
        migrations.AddField(
            model_name="callback",
            name="scale",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="callbacks",
                to="batches.scale",
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="comparison",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="callbacks",
                to="batches.comparison",
            ),
        ),
        migrations.AddField(
            model_name="callback",
            name="key",
            field=models.CharField(default="", max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="callback", name="next_try_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.CreateModel(
            name="Relay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fence", models.BigIntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("holder", models.CharField(blank=True, max_length=100)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("last_error", models.CharField(blank=True, max_length=500)),
                ("delivered_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.CheckConstraint(condition=models.Q(("pk", 1)), name="one_relay")],
            },
        ),
        migrations.CreateModel(
            name="IncomingWebhook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("webhook_id", models.CharField(max_length=200)),
                ("provider", models.CharField(max_length=20)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["received_at"], name="webhook_by_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "webhook_id"), name="webhook_believed_once")
                ],
            },
        ),
    ]
