"""A disk whose power can be cut: a file system in a loop file that forgets what was not synced."""
import os
import pathlib
import subprocess
import sys

FILE_SYSTEMS = ("ext4", "xfs")
IMAGE_BYTES = 2 << 30  # sparse; XFS wants at least 300 MiB
MKFS = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}
IN_NAMESPACE = "CROSSDOCK_CRASH_NAMESPACE"


class CannotCut(Exception):
    """This machine does not let us; the message says why."""


class Disk:
    def __init__(self, file_system: str, directory: pathlib.Path):
        self.file_system = file_system
        self.image = directory / f"{file_system}.img"
        self.mount_point = directory / file_system
        self._mounted = False
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES)
        self.mount_point.mkdir()
        run(*MKFS[file_system], str(self.image))

    def mount(self) -> None:
        run("mount", "-o", "loop", str(self.image), str(self.mount_point))
        self._mounted = True

    def cut(self) -> None:
        """Nothing more reaches the disk: neither what waits in memory nor what is written from now on."""
        run("xfs_io", "-x", "-c", "shutdown", str(self.mount_point))

    def unmount(self) -> None:
        if self._mounted:
            run("umount", str(self.mount_point))
            self._mounted = False

    def destroy(self) -> None:
        self.unmount()
        self.image.unlink()
        self.mount_point.rmdir()

    def power_on(self) -> None:
        """After a cut and the end of all who have files open there."""
        self.unmount()
        self.mount()


def run(*command: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotCut(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        raise CannotCut(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")


def enter_namespace() -> None:
    """Starts this program again in a mount namespace of its own: its mounts end with it, however it ends."""
    if os.environ.get(IN_NAMESPACE):
        return
    if os.geteuid() != 0:
        raise CannotCut("mounting a loop file needs root")
    run("unshare", "--mount", "true")
    os.environ[IN_NAMESPACE] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv])


def check(file_system: str, directory: pathlib.Path) -> None:
    """Cuts the power of an empty disk once: what was synced must be there afterwards, the rest gone."""
    disk = Disk(file_system, directory)
    disk.mount()
    try:
        kept, forgotten = disk.mount_point / "kept", disk.mount_point / "forgotten"
        with open(kept, "wb") as file:
            file.write(b"x")
            os.fsync(file.fileno())
        forgotten.write_bytes(b"x")
        disk.cut()
        disk.power_on()
        if not kept.exists() or forgotten.exists():
            raise CannotCut(f"a cut of {file_system} keeps or loses the wrong files")
    finally:
        disk.destroy()
