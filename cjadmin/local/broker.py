"""One machine -> a Kafka broker on loopback for tests and the demo: the mock cluster inside librdkafka.

It speaks the real protocol to every client, keeps its messages in memory (5 MB for each partition), and can go away
and come back with them. It is reached through ctypes: Python's client has no names for it.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import cimpl

from cjadmin.local.errors import ServiceError

PRODUCER = 0
BROKER = 1
PARTITIONS = 4  # of a topic that somebody writes to, made by itself
POINTERS: dict[str, list[Any]] = {
    "rd_kafka_conf_new": [],
    "rd_kafka_new": [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t],
    "rd_kafka_mock_cluster_new": [ctypes.c_void_p, ctypes.c_int],
}
OTHERS: dict[str, tuple[list[Any], Any]] = {
    "rd_kafka_conf_set": ([ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t], ctypes.c_int),
    "rd_kafka_mock_cluster_bootstraps": ([ctypes.c_void_p], ctypes.c_char_p),
    "rd_kafka_mock_broker_set_down": ([ctypes.c_void_p, ctypes.c_int32], ctypes.c_int),
    "rd_kafka_mock_broker_set_up": ([ctypes.c_void_p, ctypes.c_int32], ctypes.c_int),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": ([ctypes.c_void_p, ctypes.c_int32], None),
    "rd_kafka_mock_cluster_destroy": ([ctypes.c_void_p], None),
    "rd_kafka_destroy": ([ctypes.c_void_p], None),
}


def _library() -> Any:
    """librdkafka as confluent-kafka brings it along."""
    library = ctypes.CDLL(cimpl.__file__)  # its symbols are found through the module that is linked with it
    for name, arguments in POINTERS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, ctypes.c_void_p
    for name, (arguments, result) in OTHERS.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, result
    return library


class Broker:
    """A broker that runs in threads of this process until `stop`."""

    def __init__(self) -> None:
        self._library = _library()
        problem = ctypes.create_string_buffer(500)
        configuration = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"2", problem, len(problem))
        self._client = self._library.rd_kafka_new(PRODUCER, configuration, problem, len(problem))
        if not self._client:
            raise ServiceError(f"The Kafka broker did not start: {problem.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._client, 1)
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.servers: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def go_away(self) -> None:
        """Cut every connection and take no new one."""
        self._library.rd_kafka_mock_broker_set_down(self._cluster, BROKER)

    def come_back(self) -> None:
        """Listen again, with all messages."""
        self._library.rd_kafka_mock_broker_set_up(self._cluster, BROKER)

    def stop(self) -> None:
        self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        self._library.rd_kafka_destroy(self._client)


@contextmanager
def broker() -> Iterator[Broker]:
    """A broker for as long as the block lasts."""
    running = Broker()
    try:
        yield running
    finally:
        running.stop()
