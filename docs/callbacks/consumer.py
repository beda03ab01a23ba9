"""Callbacks on Kafka -> who won each comparison, in an SQLite file. An example to copy and change.

    pip install confluent-kafka
    python consumer.py broker.example.org:9092 winners.sqlite3

Three rules make it right, whatever dies and comes again:

1. A message may come more than once. Its event_id is written in the transaction that uses it, as a primary key: the
   second time changes nothing.
2. A failed comparison may be judged later, under the same comparison_id with a higher revision. The highest holds.
3. The offset is committed after that transaction, never before: a crash in between repeats a message, and rule 1 holds.
"""

import argparse
import json
import sqlite3
import sys
import time

from confluent_kafka import Consumer

RESULTS, SCALES = "cj.comparison_result.v1", "cj.scale_published.v1"
TABLES = """
CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS result (
    comparison_id INTEGER PRIMARY KEY, revision INTEGER, assessment TEXT, winner TEXT, loser TEXT, failed_because TEXT);
CREATE TABLE IF NOT EXISTS scale (assessment TEXT PRIMARY KEY, revision INTEGER, number INTEGER, reliability REAL);
"""


def take(store: sqlite3.Connection, topic: str, message: dict) -> bool:
    """Use one message, once; False if it was used before."""
    with store:  # one transaction
        new = store.execute("INSERT OR IGNORE INTO seen VALUES (?)", [message["event_id"]]).rowcount
        if not new:
            return False
        if topic == RESULTS:
            take_result(store, message)
        elif topic == SCALES:
            take_scale(store, message)
    return True


def take_result(store: sqlite3.Connection, message: dict) -> None:
    """Keep a result unless a later one of its comparison is here already."""
    winner = loser = reason = None
    if message["status"] == "JUDGED":
        essays = {"A": message["essay_a_id"], "B": message["essay_b_id"]}
        winner = essays.pop(message["judgement"]["winner"])
        (loser,) = essays.values()
    else:
        reason = message["error_detail"]["code"]
    store.execute(
        "INSERT INTO result VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (comparison_id) DO UPDATE SET "
        "revision = excluded.revision, winner = excluded.winner, loser = excluded.loser, "
        "failed_because = excluded.failed_because WHERE excluded.revision > result.revision",
        [message["comparison_id"], message["revision"], message["assessment"], winner, loser, reason],
    )


def take_scale(store: sqlite3.Connection, message: dict) -> None:
    """Keep the newest published scale of each assessment."""
    store.execute(
        "INSERT INTO scale VALUES (?, ?, ?, ?) ON CONFLICT (assessment) DO UPDATE SET revision = excluded.revision, "
        "number = excluded.number, reliability = excluded.reliability WHERE excluded.revision > scale.revision",
        [message["assessment"], message["revision"], message["scale"], message["eb_reliability"]],
    )


def consume(consumer: Consumer, store: sqlite3.Connection, idle: float | None) -> tuple[int, int]:
    """Take messages until none has come for `idle` seconds, or for ever; how many were new, and how many repeated."""
    new = repeated = 0
    last = time.monotonic()
    while idle is None or time.monotonic() - last < idle:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            print(message.error(), file=sys.stderr)
            continue
        last = time.monotonic()
        if take(store, message.topic(), json.loads(message.value())):
            new += 1
        else:
            repeated += 1
        consumer.commit(message, asynchronous=True)
    return new, repeated


def main() -> None:
    options = argparse.ArgumentParser(description="Keep who won each comparison.")
    options.add_argument("servers", help="host:port of a Kafka broker, or several with commas between")
    options.add_argument("file", nargs="?", default="winners.sqlite3")
    options.add_argument("--group", default="cj-winners", help="consumers of one group share the work")
    options.add_argument("--idle", type=float, help="end when nothing has come for so many seconds")
    asked = options.parse_args()
    store = sqlite3.connect(asked.file)
    store.executescript(TABLES)
    consumer = Consumer(
        {
            "bootstrap.servers": asked.servers,
            "group.id": asked.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([RESULTS, SCALES])
    try:
        new, repeated = consume(consumer, store, asked.idle)
        print(f"{new} new, {repeated} repeated")
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()
        store.close()


if __name__ == "__main__":
    main()
