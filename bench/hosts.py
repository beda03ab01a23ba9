"""Two hosts with workers, one PostgreSQL and one Valkey on a third -> how work and throughput spread over them.

`make bench-hosts`, as root. The hosts are network namespaces of this machine; what they share they reach over TCP only.
The provider takes 200 ms for a call, so that a host waits and does not compute: two cores are enough for all three.
Each way is run by one host, then by both. The local provider's ledger says whether anything was done twice.
"""

import argparse
import itertools
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2

from bench.namespaces import Host, NotPossible, hosts
from bench.rows import Row, table
from cjadmin.local.leash import leashed

COMPARISONS = 1_600
STRATEGIES = ("per_round", "provider_batch")
WORKERS = 2  # on each host
LATENCY, IN_FLIGHT, CHUNK = 0.2, 8, 200
LONGEST = 600  # seconds for one run
DONE = re.compile(r"(?:calls done|collected) job=(\d+)")


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is stopped and deleted then, too
    parser = argparse.ArgumentParser(prog="make bench-hosts", description=__doc__)
    parser.add_argument("--comparisons", type=int, default=COMPARISONS, help="in each of the four runs")
    parser.add_argument("--hosts", nargs="+", help=argparse.SUPPRESS)  # namespaces and addresses: we are on the first
    asked = parser.parse_args()
    if asked.hosts:
        there = [Host(namespace=name, address=address) for name, address in itertools.batched(asked.hosts, 2)]
        return _inside(asked.comparisons, *there)
    try:
        with hosts("s", "a", "b") as made:
            named = [word for host in made for word in (host.namespace, host.address)]
            again = ("-m", "bench.hosts", "--comparisons", str(asked.comparisons), "--hosts", *named)
            done = subprocess.run(leashed(made[0].command(sys.executable, *again)), check=False)
    except NotPossible as problem:
        sys.exit(str(problem))
    sys.exit(done.returncode)


def _inside(n: int, services: Host, *pools: Host) -> None:
    """On the host of the services: start them, let the pools work, look at what became of it."""
    from bench.scratch import use_folder

    with tempfile.TemporaryDirectory(prefix="cjhosts-", ignore_cleanup_errors=True) as name, ExitStack() as running:
        folder = Path(name)
        folder.chmod(0o711)
        use_folder(folder)
        url = _start(services, folder, running)
        rows = [row for strategy in STRATEGIES for row in _both(strategy, n, pools, url, folder)]
        print(table(rows))


def _start(services: Host, folder: Path, running: ExitStack) -> str:
    """PostgreSQL, Valkey and the local provider on the host's address, and Django on them; the provider's URL."""
    from cjadmin import var
    from cjadmin.local.postgres import Postgres
    from cjadmin.local.valkey import Valkey

    postgres = Postgres(folder=folder / "pg", socket=var.postgres_socket(), listen=services.address)
    postgres.initialise()
    with (postgres.data / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {services.address}/24 trust\n")
    running.callback(postgres.stop)
    postgres.start()
    postgres.create_database("cjadmin")
    valkey = Valkey(folder=folder / "valkey", socket=var.valkey_socket(), listen=services.address)
    running.callback(valkey.stop)
    valkey.start()
    place = ["--dir", str(folder / "provider"), "--host", services.address, "--latency", str(LATENCY)]
    command = [sys.executable, "-m", "cjadmin.local.provider", *place, "--batch-seconds", "2"]
    provider = running.enter_context(subprocess.Popen(leashed(command), stdout=subprocess.PIPE, text=True))
    running.callback(provider.terminate)
    assert provider.stdout is not None
    url = provider.stdout.readline().strip()
    os.environ |= _environment(services, url)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return url


def _environment(services: Host, url: str) -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgres://postgres@{services.address}:5432/cjadmin",
        "REDIS_URL": f"redis://{services.address}:6379/0",
        "CJ_LOCAL_PROVIDER": "1",
        "CJ_LOCAL_PROVIDER_URL": url,
        "CJ_SYNC_IN_FLIGHT": str(IN_FLIGHT),
        "CJ_BATCH_CHUNK_REQUESTS": str(CHUNK),
        "CJ_POLL_INTERVAL_MIN": "1 s",
        "LOG_LEVEL": "INFO",
    }


def _both(strategy: str, n: int, pools: Sequence[Host], url: str, folder: Path) -> Iterator[Row]:
    alone, _ = _run(strategy, n, pools[:1], url, folder)
    together, shares = _run(strategy, n, pools, url, folder)
    label = f"{n:,} comparisons"
    yield Row(target="", path=f"hosts, {strategy}", size=label, figure=f"rate of {len(pools)} hosts", unit="/s",
              value=together, beside="one host", beside_value=alone, note="wall time")  # fmt: skip
    for host, share in zip(pools, shares, strict=True):
        yield Row(target="", path=f"hosts, {strategy}", size=label, figure=f"share of {host.address}", value=share,
                  unit="")  # fmt: skip


def _run(strategy: str, n: int, pools: Sequence[Host], url: str, folder: Path) -> tuple[float, list[float]]:
    """Comparisons a second, and the share of each host; RuntimeError where anything was done twice, or not at all."""
    from batches.models import BatchItem, BatchJob, Judgement
    from bench import world

    httpx2.post(f"{url}/control/reset", trust_env=False).raise_for_status()
    logs = [folder / f"{host.namespace}-{strategy}-{len(pools)}.log" for host in pools]
    with _working(pools, logs):
        judge = world.waiting(n, essays=200, provider="openai", strategy=strategy)
        begun = time.monotonic()
        while Judgement.objects.filter(item__job__judge=judge).count() < n or _live(judge):
            if time.monotonic() - begun > LONGEST:
                raise RuntimeError(f"{strategy}: not done after {LONGEST} s")
            time.sleep(0.1)
        seconds = time.monotonic() - begun
    items = BatchItem.objects.filter(job__judge=judge).count()
    billed = int(httpx2.get(f"{url}/control/ledger/summary", trust_env=False).json()["billed"])
    if (items, billed) != (n, n):
        raise RuntimeError(f"{strategy}: {n} comparisons, {items} items, {billed} answers billed")
    sizes = dict(BatchJob.objects.filter(judge=judge).values_list("pk", "n_items"))
    done = [{int(job) for job in DONE.findall(log.read_text())} for log in logs]
    if Counter(job for some in done for job in some) != Counter(sizes.keys()):
        raise RuntimeError(f"{strategy}: jobs {sorted(sizes)} were finished as {done}")
    return n / seconds, [sum(sizes[job] for job in some) / n for some in done]


def _live(judge: Any) -> bool:
    from batches.models import BatchJob

    return BatchJob.objects.filter(judge=judge, status__in=BatchJob.LIVE).exists()


@contextmanager
def _working(pools: Sequence[Host], logs: Sequence[Path]) -> Iterator[None]:
    """A pool of workers on each host, and the one scheduler on the first; there once they listen."""
    from batches import tasks

    manage = (sys.executable, "manage.py")
    work = (*manage, "rqworker", "submit", "poll", "--verbosity", "0")
    with ExitStack() as running:
        for host, path in zip(pools, logs, strict=True):
            log = running.enter_context(path.open("ab"))
            commands = [work] * WORKERS + [(*manage, "run_scheduler")] * (host is pools[0])
            for command in commands:
                process = subprocess.Popen(leashed(host.command(*command)), stdout=log, stderr=log)
                running.callback(process.wait)
                running.callback(process.terminate)
        while tasks.workers() < WORKERS * len(pools):
            time.sleep(0.1)
        yield


if __name__ == "__main__":
    main()
