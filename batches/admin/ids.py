"""What somebody typed -> the id that it can be, if it can be one."""

BIGGEST_ID = 2**63 - 1


def id_in(term: str) -> int | None:
    """The number, or None where no row can have it."""
    return int(term) if term.isascii() and term.isdigit() and int(term) <= BIGGEST_ID else None
