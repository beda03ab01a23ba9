"""What a person asked for and cannot have, said in one sentence."""


class Refused(Exception):
    """Bad input or a missing condition: the text says what to do, and nothing was changed."""
