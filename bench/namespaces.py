"""This machine, as root -> three hosts on one wire: network namespaces that are gone when the context ends."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

NETWORK = "10.99.77"


class NotPossible(Exception):
    """There can be no namespaces here. Its text is one sentence that says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A namespace with an address of its own."""

    namespace: str
    address: str

    def command(self, *command: str) -> list[str]:
        """The command line that runs a command on this host."""
        return ["ip", "netns", "exec", self.namespace, *command]


def check() -> None:
    if os.geteuid():
        raise NotPossible("Network namespaces need root: run `sudo make bench-hosts`, or leave this measurement out.")
    if not shutil.which("ip"):
        raise NotPossible("The program `ip` is missing: install iproute2.")


@contextmanager
def hosts(*names: str) -> Iterator[list[Host]]:
    """Hosts that reach each other and nothing else; the first one has the bridge to which the others are wired."""
    check()
    mark = f"cj{os.getpid()}"
    made = [Host(namespace=f"{mark}{name}", address=f"{NETWORK}.{i}") for i, name in enumerate(names, start=1)]
    try:
        for host in made:
            _ip("netns", "add", host.namespace)
            _in(host, "link", "set", "lo", "up")
        _in(made[0], "link", "add", "bridge", "type", "bridge")
        _address(made[0], "bridge")
        for number, host in enumerate(made[1:], start=1):
            _wire(made[0], host, f"port{number}")
        yield made
    finally:
        for host in made:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", host.namespace)


def _wire(bridge: Host, host: Host, port: str) -> None:
    """A cable from the bridge to a host: a pair of devices, one end in each namespace."""
    _ip("-n", bridge.namespace, "link", "add", port, "type", "veth", "peer", "name", "wire", "netns", host.namespace)
    _in(bridge, "link", "set", port, "master", "bridge", "up")
    _address(host, "wire")


def _address(host: Host, device: str) -> None:
    _in(host, "address", "add", f"{host.address}/24", "dev", device)
    _in(host, "link", "set", device, "up")


def _in(host: Host, *words: str) -> None:
    _ip("-n", host.namespace, *words)


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as problem:
        if "netns add" in " ".join(words):
            raise NotPossible(f"No network namespace can be made here: {problem.stderr.strip()}.") from None
        raise
