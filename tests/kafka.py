"""A topic -> everything that has reached it, read with aiokafka: a client that shares no code with the producer."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


@dataclass(frozen=True, kw_only=True)
class Received:
    key: str
    partition: int
    headers: dict[str, str]
    value: dict[str, Any]


def received(servers: str, topic: str) -> list[Received]:
    """All messages of a topic, partition by partition in their order."""
    return asyncio.run(_received(servers, topic))


async def _received(servers: str, topic: str) -> list[Received]:
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.add_topic(topic)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[Received] = []
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                found += map(_read, messages)
        return sorted(found, key=lambda one: one.partition)
    finally:
        await consumer.stop()


def _read(message: Any) -> Received:
    return Received(
        key=message.key.decode(),
        partition=message.partition,
        headers={name: value.decode() for name, value in message.headers},
        value=json.loads(message.value),
    )
