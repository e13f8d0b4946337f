"""Who runs the embedded PostgreSQL, which refuses to run as root, and how that user reaches its files.

An ordinary user runs the server himself, and nothing here does anything. For root it is the owner of the data folder
where that is somebody else, otherwise the system user `pgserver`, made when missing. Folders on the way that are closed
to that user (root's home, mostly) stay closed to everybody else: they get an access entry for passing through, for this
one user, and no more; only where the file system knows no such entries, the search bit for others.
"""

from __future__ import annotations

import logging
import os
import pwd
import stat
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from delegator.errors import StartFailed
from delegator.store.embedded_failures import PART

logger = logging.getLogger(__name__)

SYSTEM_USER = "pgserver"

_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_SEARCH = 0x1


@dataclass(frozen=True, slots=True)
class ServerUser:
    """The account that runs the server; None in both means the present user."""

    uid: int | None = None
    gid: int | None = None

    @property
    def owner(self) -> int:
        """The uid that owns the data folder and the socket."""
        return os.geteuid() if self.uid is None else self.uid

    def give(self, path: Path) -> None:
        """Make `path` belong to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def open_way_to(self, path: Path) -> None:
        """Let this user pass through the folders above `path`, without letting anybody look into them."""
        if self.uid is None or self.gid is None:
            return
        for folder in path.resolve().parents:
            _let_pass(folder, self.uid, self.gid)


def server_user(data_dir: Path) -> ServerUser:
    """Choose who runs the server for `data_dir`.

    Raises:
        StartFailed: the folder is another user's, or root has nobody to run the server.
    """
    owner = data_dir.stat().st_uid if data_dir.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise StartFailed(PART, f"{data_dir} belongs to another user", "Use a DELEGATOR_HOME of your own.")
        return ServerUser()
    if owner:  # neither absent nor root's: whoever made it goes on owning it
        return ServerUser(owner, data_dir.stat().st_gid)
    entry = _system_user()
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.SubprocessError, KeyError) as exc:
        raise StartFailed(
            PART,
            f"PostgreSQL does not run as root, and the system user '{SYSTEM_USER}' could not be made",
            f"Run Delegator as an ordinary user, make the user '{SYSTEM_USER}', or set DELEGATOR_DATABASE_URL.",
        ) from exc


def _let_pass(folder: Path, uid: int, gid: int) -> None:
    status = folder.stat()
    bit = stat.S_IXUSR if status.st_uid == uid else stat.S_IXGRP if status.st_gid == gid else stat.S_IXOTH
    if status.st_mode & bit:
        return
    try:
        if not _add_search_entry(folder, uid):
            return
        logger.info("user %s may now pass through %s to reach the embedded PostgreSQL", uid, folder)
    except OSError:
        folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
        logger.warning("others may now pass through (not read) %s, so that the embedded PostgreSQL can run", folder)


def _add_search_entry(folder: Path, uid: int) -> bool:
    """Add the access entry `user:<uid>:--x`; False when it is there already, and counts.

    Raises:
        OSError: the file system, or the operating system, has no such entries.
    """
    if sys.platform != "linux":
        raise OSError("access entries are written on Linux only")
    entries = _read_entries(folder)
    if entries.get((_USER, uid), 0) & entries.get((_MASK, _NO_ID), 0) & _SEARCH:
        return False  # without the mask the entry counts for nothing: a plain chmod of the folder empties it
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _SEARCH
    group = entries[_GROUP_OBJ, _NO_ID]
    # The mask bounds what named users get; it must allow searching, and shows as the group's bits in a listing.
    entries[_MASK, _NO_ID] = entries.get((_MASK, _NO_ID), group) | _SEARCH
    packed = b"".join(_ENTRY.pack(tag, bits, who) for (tag, who), bits in sorted(entries.items()))
    os.setxattr(folder, _ACL, struct.pack("<I", 2) + packed)
    return True


def _read_entries(folder: Path) -> dict[tuple[int, int], int]:
    """Return `{(tag, id): permissions}` of a folder, made from its mode where it has no list of its own."""
    if sys.platform != "linux":
        return {}
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError:
        mode = folder.stat().st_mode
        return {(_USER_OBJ, _NO_ID): mode >> 6 & 7, (_GROUP_OBJ, _NO_ID): mode >> 3 & 7, (_OTHER, _NO_ID): mode & 7}
    return {(tag, who): bits for tag, bits, who in _ENTRY.iter_unpack(raw[4:])}
