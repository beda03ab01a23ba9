"""Paths -> folders that only the right user can enter."""

import os
import pwd
import stat
from pathlib import Path

from cjadmin.local.errors import ServiceError


def private_dir(path: Path, owner: str = "") -> Path:
    """A folder that only its owner (we, or `owner` where we are root) may enter, made if missing."""
    wanted = pwd.getpwnam(owner).pw_uid if owner else os.geteuid()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.mkdir(mode=0o700)
        os.chown(path, wanted, -1)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != wanted:
        raise ServiceError(
            f"{path} belongs to {name_of(found.st_uid)}: run as that user, or set CJ_VAR to another folder."
        )
    return path


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def let_others_through(path: Path) -> None:
    """Let every user pass through the folders above `path` (pass, not list). Needs root where one of them is closed."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def let_others_read(tree: Path) -> None:
    """Let every user read a tree of programs that was unpacked under a strict umask."""
    let_others_through(tree)
    for path in [tree, *tree.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != wanted:
            path.chmod(wanted)
