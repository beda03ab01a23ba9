"""Batches at the provider that no job of ours owns: somebody else's, and our own that went astray."""

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db.models import Max

from batches.models import BatchJob, Deployment, ProviderAccount
from batches.pipeline import account, reconcile
from batches.providers.base import Part, ProviderError, Request
from chaos.making import MODELS
from chaos.world import World

FOREIGN = "f0re19"  # how the nonces of somebody else's batches begin
SCHEMA = {
    "type": "object",
    "properties": {"winner": {"type": "string", "enum": ["A", "B"]}},
    "required": ["winner"],
    "additionalProperties": False,
}


def send(provider_name: str, n: int, *, nonce: str, metadata: dict[str, str] | None = None) -> str:
    """A batch made behind the pipeline's back; its id at the provider."""
    provider = account.provider_of(ProviderAccount(provider=provider_name, is_local=True))
    requests = [
        Request(
            custom_id=f"{nonce}-{i:06d}",
            model=MODELS[provider_name],
            system="Judge.",
            parts=(Part(text=f"{nonce} question {i}"),),
            schema=SCHEMA,
            schema_name="judgement",
            max_tokens=50,
        )
        for i in range(n)
    ]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "foreign.jsonl"
        path.write_bytes(b"".join(provider.payload_bytes(requests)))
        file = provider.upload(path, name=path.name)
        return provider.submit(path, n=n, input_file_id=file, metadata=metadata or {}).provider_batch_id


class Rival:
    """Another deployment with the same key, that sends batches of our usual size."""

    def __init__(self) -> None:
        self._sent = self._newest = 0

    def follow(self) -> None:
        """Send two whenever there are new jobs of ours: they come after the batch behind which those are looked for."""
        newest = BatchJob.objects.aggregate(newest=Max("pk"))["newest"] or 0
        if newest == self._newest:
            return
        self._newest = newest
        for _ in range(2):
            self._sent += 1
            with suppress(ProviderError):  # it is there, whatever became of the answer
                send("anthropic", 8, nonce=f"{FOREIGN}{self._sent:06d}")


def make_orphans(world: World, n: int) -> list[str]:
    """Batches with the nonce of a job that has another batch, as a paused worker would make them."""
    job = BatchJob.objects.filter(provider="openai", status="COLLECTED").order_by("-pk").first()
    if job is None:
        return []
    world.control("PUT", "settings", {"batch_seconds": 20.0})
    metadata = {"cj_nonce": job.nonce, "cj_env": Deployment.name()}
    made = []
    for _ in range(n):
        try:
            made.append(send("openai", 2, nonce="0rphan000000", metadata=metadata))
        except ProviderError:
            continue
    world.control("PUT", "settings", {"batch_seconds": 0.2})
    return made


def reconcile_in_workers() -> None:
    """Have every worker compare the books each time it looks for work."""
    from batches import tasks
    from batches.conf import cj_settings
    from batches.pipeline import pace

    work_here = tasks.work_here

    def work() -> bool:
        for one in ProviderAccount.objects.all():
            try:
                reconcile.compare(one, actor=None)
            except ProviderError:
                time.sleep(pace.BUSY)
        time.sleep(0.1)
        return work_here()

    cj_settings.values["settle_time"] = (0.1, "chaos")
    tasks.work_here = work
