"""Command line -> the same command, which ends when the process that started it ends, however that ends.

Used as `python leash.py PARENT SIGNAL USER COMMAND...`; USER may be empty. Without it a killed `up` would
leave a web server and workers behind. Linux only; elsewhere the command just runs.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def leashed(command: list[str], *, at_parents_end: signal.Signals = signal.SIGTERM, user: str = "") -> list[str]:
    """The command line that runs `command` on a leash of this process."""
    return [sys.executable, "-IS", __file__, str(os.getpid()), str(int(at_parents_end)), user, *command]


def become(user: str) -> None:
    """Give up root for `user`, for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def end_with(parent: int, sign: int) -> None:
    """Ask the kernel for `sign` when the parent ends. After `become`: changing the user clears the request."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sign)
    if os.getppid() != parent:  # it ended before the kernel knew
        sys.exit(1)


def main() -> None:
    parent, sign, user, *command = sys.argv[1:]
    if user:
        become(user)
    end_with(int(parent), int(sign))
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main()
