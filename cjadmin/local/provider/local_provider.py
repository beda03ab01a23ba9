"""Calls and batches -> answers and bookings: the whole provider but for HTTP."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time
from typing import Any

from . import answers, life, settling, validating
from .anthropic_checks import call as anthropic_call
from .calls import Answer, Call, Refused
from .faults import Faults
from .ledger import Entry, of_answer
from .models import Model, catalogue
from .openai_checks import chat, response
from .prefix_cache import PrefixCache
from .settings import Settings, changed
from .store import Batch, Store

LOOK_WAITS = 0.5  # seconds a look-up waits for results in the making before it says "not yet"


class LocalProvider:
    """One provider of each kind over one folder. Batches are answered in one background thread, in turn."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.store = Store(folder)
        self.cache = PrefixCache()
        self.started_at = time()
        self.requests: Counter[str] = Counter()  # HTTP requests by "provider endpoint what-became-of-it"
        self.stopping = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._work: dict[str, asyncio.Future[Batch]] = {}
        self._entries: list[Entry] = []
        self.begun_with = settings
        self.faults = Faults(settings.faults, settings.seed)
        self._use(settings)

    def _use(self, settings: Settings) -> None:
        self.settings = settings
        self.models: dict[str, dict[str, Model]] = {
            provider: catalogue(
                provider, settings.extra_models.get(provider, []), settings.retired_models, settings.context_tokens
            )
            for provider in ("anthropic", "openai")
        }

    def change(self, changes: Any) -> None:
        """Turn some settings from now on; batches keep the life they began with."""
        self._use(changed(self.settings, changes))

    async def reset(self) -> None:
        """Forget all batches, files and bookings and go back to the settings of the start."""
        await asyncio.gather(*self._work.values())
        self._entries.clear()
        self.store.clear()
        self.cache.clear()
        self.requests.clear()
        self._use(self.begun_with)
        self.faults.replace(self.begun_with.faults)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.flush()
        self.store.close()

    # calls

    def read(self, provider: str, endpoint: str, body: Any, *, version: str = "", counting: bool = False) -> Call:
        """Check one body as its endpoint would. A body of an unforeseen shape is refused like any other."""
        models = self.models[provider]
        try:
            if provider == "anthropic":
                return anthropic_call(body, models, version=version, counting=counting)
            if endpoint.endswith("/chat/completions"):
                return chat(body, models)
            return response(body, models, counting=counting)
        except (AttributeError, TypeError, KeyError, IndexError) as error:
            raise Refused(f"Invalid request body: {error}") from error

    def answer(self, call: Call, *, batch: bool) -> Answer:
        return answers.answer(
            call, settings=self.settings, faults=self.faults, cache=self.cache, now=time(), batch=batch
        )

    def complete(self, call: Call, *, key: str, custom_id: str) -> Answer:
        """Answer one synchronous call, and bill it whether or not the answer arrives."""
        answer = self.answer(call, batch=False)
        self._entries.append(of_answer(call, answer, at=time(), kind="sync", key=key, custom_id=custom_id))
        return answer

    def flush(self) -> None:
        """Write down what was billed since the last time: many calls share one transaction."""
        if self._entries:
            entries, self._entries = self._entries, []
            self.store.book(entries)

    # batches

    async def look(self, batch: Batch) -> Batch:
        """The batch as it is now, its results made if their time has come and they were quickly made."""
        task = self._task(batch)
        if task is None:
            return batch
        done, _ = await asyncio.wait([task], timeout=LOOK_WAITS)
        return task.result() if done else batch

    async def look_and_wait(self, batch: Batch) -> Batch:
        """The same, however long it takes."""
        task = self._task(batch)
        return batch if task is None else await task

    async def settle_due(self) -> None:
        """Make the results of every batch whose time has come: the ledger counts forgotten batches too."""
        for listed in self.store.unanswered():
            batch = self.store.batch(listed.id, listed.provider)  # another look may have settled it meanwhile
            if batch is not None:
                await self.look_and_wait(await self.look_and_wait(batch))

    def begin_validating(self, batch: Batch) -> None:
        self._task(batch)

    def _task(self, batch: Batch) -> asyncio.Future[Batch] | None:
        """The work that this batch waits for, begun if need be."""
        if batch.id in self._work:
            return self._work[batch.id]
        if not batch.checked:
            return self._begin(batch, validating.validate)
        if batch.answered_at is None and time() >= life.due_at(batch):
            return self._begin(batch, settling.settle)
        return None

    def _begin(self, batch: Batch, work: Callable[["LocalProvider", Batch], Batch]) -> asyncio.Future[Batch]:
        task = asyncio.get_running_loop().run_in_executor(self._thread, self._once, batch, work)
        self._work[batch.id] = task
        task.add_done_callback(lambda _: self._work.pop(batch.id, None))
        return task

    def _once(self, batch: Batch, work: Callable[["LocalProvider", Batch], Batch]) -> Batch:
        """Do the work unless it was done since the batch was read, as when a list waits for one batch after another:
        a second answer would draw other faults, and its files would not agree with what was booked."""
        now = self.store.as_it_is(batch)
        return work(self, now) if (now.checked, now.answered_at) == (batch.checked, batch.answered_at) else now
