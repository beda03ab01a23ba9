"""What keeps a local service from running, in one sentence for the person who asked for it."""


class ServiceError(Exception):
    """Its text says what is wrong and what to do."""

    exit_code = 1


class RefusedError(ServiceError):
    """What was asked for cannot be had; nothing was started."""

    exit_code = 2


class AlreadyRunningError(RefusedError):
    """Another process of this checkout keeps the services."""
