"""What providers may call -> the view that listens."""

from django.urls import path

from batches.webhooks import openai

urlpatterns = [path("openai", openai.receive, name="openai-webhook")]
