"""Messages -> a Kafka topic, with librdkafka's idempotent producer: acknowledged by all replicas, or reported."""

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Sent

from batches.sinks.base import HEARTBEAT, Message, Report

OPTIONS = {
    "client.id": "cjadmin",
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 5,
    "message.timeout.ms": 15_000,  # then it is reported, and the relay decides when it is tried again
    "reconnect.backoff.max.ms": 2_000,
    "log_level": 2,  # what goes wrong stands in the reports
}
OWN_FAULT = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_RECORD,
    KafkaError._INVALID_ARG,
}


class KafkaSink:
    """One producer, made when it is first needed: after the last fork, and anew after trouble."""

    def __init__(self, servers: str, options: Mapping[str, Any] | None = None) -> None:
        self._config = {**OPTIONS, **(options or {}), "bootstrap.servers": servers, "error_cb": self._note}
        self._producer: Producer | None = None
        self._trouble = ""  # what librdkafka last said of the connection

    def deliver(self, messages: Sequence[Message]) -> Generator[list[Report]]:
        """See Sink. Ended from outside, it forgets what was not sent yet."""
        reports: list[Report] = []
        self._trouble = ""
        if self._producer is None:
            self._producer = Producer(self._config)
        producer = self._producer
        good = False
        try:
            for message in messages:
                self._produce(producer, message, reports)
            while producer.flush(HEARTBEAT):
                yield self._taken(reports)
            good = not any(report.error and not report.own_fault for report in reports)
            yield self._taken(reports)
        finally:
            if not good:
                self.close()

    def _produce(self, producer: Producer, message: Message, reports: list[Report]) -> None:
        try:
            producer.produce(
                message.topic,
                key=message.key,
                value=message.body,
                headers=[("event_id", message.event_id)],
                on_delivery=partial(self._reported, message.id, reports),
            )
        except KafkaException as problem:
            self._reported(message.id, reports, problem.args[0], None)
        except BufferError as problem:
            reports.append(Report(id=message.id, error=str(problem)))

    def _reported(self, id: int, reports: list[Report], error: KafkaError | None, sent: Sent | None) -> None:
        if error is None:
            return reports.append(Report(id=id))
        reports.append(Report(id=id, error=self._words(error), own_fault=error.code() in OWN_FAULT))

    def _words(self, error: KafkaError) -> str:
        return f"{error.str()} ({self._trouble})" if self._trouble else error.str()

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self._trouble:
            self._trouble = error.str()

    @staticmethod
    def _taken(reports: list[Report]) -> list[Report]:
        taken = reports[:]
        reports.clear()
        return taken

    def close(self) -> None:
        """Let go of the producer, and of whatever it has not sent."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(0)
            self._producer = None
