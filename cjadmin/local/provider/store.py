"""Batches, files and ledger rows -> one SQLite file and the files beside it, so that a restart forgets nothing."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

import msgspec

from .ledger import COLUMNS, Entry

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA busy_timeout = 10000;
CREATE TABLE IF NOT EXISTS batches (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, provider TEXT NOT NULL,
    created_at REAL NOT NULL, answered INTEGER NOT NULL, deleted INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS unanswered_batches ON batches (provider) WHERE NOT answered;
CREATE TABLE IF NOT EXISTS files (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, purpose TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
    model TEXT NOT NULL, custom_id TEXT NOT NULL, batch_id TEXT NOT NULL, line INTEGER NOT NULL, key TEXT NOT NULL,
    prompt_sha256 TEXT NOT NULL, input_tokens INTEGER NOT NULL, cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, billed INTEGER NOT NULL,
    outcome TEXT NOT NULL, winner TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS a_line_is_booked_once ON ledger (batch_id, line) WHERE batch_id <> '';
"""
INSERT_ENTRY = f"INSERT OR IGNORE INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A provider batch of either kind. Where it stands is computed from the clock when somebody looks."""

    id: str
    provider: str
    key: str  # fingerprint of the key that made it
    created_at: float
    seconds: float  # its life
    cancelling: float = 0.1  # share of it from a cancellation to the end
    n: int = 0
    version: str = ""  # of the Anthropic API
    model: str = ""
    endpoint: str = ""
    metadata: dict[str, str] | None = None
    input_file_id: str = ""
    output_file_id: str = ""
    error_file_id: str = ""
    checked: bool = True  # OpenAI: the input file has been validated
    queued_tokens: int = 0
    failure: list[dict[str, Any]] = []  # OpenAI: why validation failed
    cancelled_at: float | None = None
    expired: bool = False
    answered_at: float | None = None
    counts: dict[str, int] = {}
    usage: dict[str, int] = {}
    ordinal: int = 0


class File(msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded or written file of the OpenAI side."""

    id: str
    filename: str
    purpose: str
    size: int
    created_at: float
    expires_at: float | None = None


class Store:
    """One connection behind one lock; the event loop and the answering threads share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("batches", "results", "files"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        self._db = sqlite3.connect(folder / "provider.sqlite3", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one thread at a time. May be nested in itself."""
        with self._lock:
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def clear(self) -> None:
        """Forget everything."""
        with self.transaction() as db:
            db.execute("DELETE FROM batches")
            db.execute("DELETE FROM files")
            db.execute("DELETE FROM ledger")
        for name in ("batches", "results", "files"):
            for path in (self.folder / name).iterdir():
                path.unlink(missing_ok=True)

    # batches

    def add_batch(self, batch: Batch) -> Batch:
        """Keep a new batch; it comes back with its place in the order of creation."""
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO batches (id, provider, created_at, answered, body) VALUES (?, ?, ?, 0, '')",
                (batch.id, batch.provider, batch.created_at),
            )
            batch = msgspec.structs.replace(batch, ordinal=cursor.lastrowid or 0)
            self.save_batch(batch)
        return batch

    def save_batch(self, batch: Batch) -> Batch:
        with self.transaction() as db:
            db.execute(
                "UPDATE batches SET body = ?, answered = ? WHERE id = ?",
                (msgspec.json.encode(batch), batch.answered_at is not None, batch.id),
            )
        return batch

    def delete_batch(self, batch_id: str) -> None:
        with self.transaction() as db:
            db.execute("UPDATE batches SET deleted = 1 WHERE id = ?", (batch_id,))

    def batch(self, batch_id: str, provider: str) -> Batch | None:
        """The batch, unless it was deleted or belongs to the other provider."""
        sql = "SELECT body FROM batches WHERE id = ? AND provider = ? AND NOT deleted"
        found = self._batches(sql, batch_id, provider)
        return found[0] if found else None

    def as_it_is(self, batch: Batch) -> Batch:
        """The same batch, deleted or not, with all that has happened to it since it was read."""
        found = self._batches("SELECT body FROM batches WHERE id = ?", batch.id)
        return found[0] if found else batch

    def newest_batches(self, provider: str, created_until: float) -> list[Batch]:
        sql = "SELECT body FROM batches WHERE provider = ? AND created_at <= ? AND NOT deleted ORDER BY ordinal DESC"
        return self._batches(sql, provider, created_until)

    def unanswered(self, provider: str = "%") -> list[Batch]:
        return self._batches(
            "SELECT body FROM batches WHERE NOT answered AND provider LIKE ? ORDER BY ordinal", provider
        )

    def _batches(self, sql: str, *values: object) -> list[Batch]:
        return [msgspec.json.decode(row["body"], type=Batch) for row in self.rows(sql, *values)]

    def batch_path(self, batch_id: str) -> Path:
        return self.folder / "batches" / f"{batch_id}.json"

    def results_path(self, batch_id: str) -> Path:
        return self.folder / "results" / f"{batch_id}.jsonl"

    # files

    def add_file(self, file: File) -> File:
        with self.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO files (id, purpose, body) VALUES (?, ?, ?)",
                (file.id, file.purpose, msgspec.json.encode(file)),
            )
        return file

    def file(self, file_id: str) -> File | None:
        found = self.rows("SELECT body FROM files WHERE id = ? AND NOT deleted", file_id)
        return msgspec.json.decode(found[0]["body"], type=File) if found else None

    def files(self, purpose: str) -> list[File]:
        """Newest first; every purpose when it is ""."""
        found = self.rows(
            "SELECT body FROM files WHERE NOT deleted AND (? = '' OR purpose = ?) ORDER BY ordinal DESC",
            purpose,
            purpose,
        )
        return [msgspec.json.decode(row["body"], type=File) for row in found]

    def delete_file(self, file_id: str) -> None:
        """Hide the file. A batch that was made from it still finds its bytes."""
        with self.transaction() as db:
            db.execute("UPDATE files SET deleted = 1 WHERE id = ?", (file_id,))

    def file_path(self, file_id: str) -> Path:
        return self.folder / "files" / file_id

    # ledger

    def book(self, entries: Iterable[Entry]) -> None:
        """Write ledger rows; a batch's line that is already there stays as it is."""
        with self.transaction() as db:
            db.executemany(INSERT_ENTRY, (entry.values() for entry in entries))
