"""What README.md tells a newcomer to type works as it stands there."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

from harness import eventually
from harness.paths import PROJECT, SERVER

PATIENCE_S = 60
# The ports of the README are free in a network of its own, whose only interface has to be switched on.
LOOPBACK_UP = """import fcntl, os, socket, struct
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))
os.execvp("bash", ["bash"])"""


def blocks_of(section: str) -> list[str]:
    """The commands of a section, each block as it stands."""
    text = (PROJECT / "README.md").read_text()
    body = re.search(rf"(?ms)^## {section}$(.*?)^## ", text)[1]
    found = re.findall(r"(?m)((?:^    .*\n|^\n(?=    ))+)", body)
    return [re.sub(r"(?m)^    ", "", block).strip() for block in found]


class Readme(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        (self.directory / "bin").mkdir()
        (self.directory / "bin" / "crossdock").symlink_to(SERVER)  # as make install does
        self.output = self.directory / "output"

    def start_shell(self) -> subprocess.Popen:
        command = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
        if shutil.which("unshare") is None or subprocess.run([*command, "true"], check=False).returncode != 0:
            self.skipTest("UNTESTED: this machine lets nobody make a network of his own")
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith(("CROSSDOCK_", "WEBHOOK_", "INTEGRATION_", "LOG_"))}
        path = f"{self.directory / 'bin'}:{os.environ['PATH']}"
        with self.output.open("wb") as output:
            shell = subprocess.Popen([*command, "python3", "-c", LOOPBACK_UP], env=inherited | {"PATH": path},
                                     cwd=self.directory, stdin=subprocess.PIPE, stdout=output,
                                     stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.addCleanup(self.end, shell)
        return shell

    def end(self, shell: subprocess.Popen) -> None:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait(PATIENCE_S)
        shell.stdin.close()

    def type(self, shell: subprocess.Popen, block: str, *expected: str) -> None:
        """Types a block and waits until all of this was printed."""
        shell.stdin.write(block + "\n")
        shell.stdin.flush()
        for pattern in expected:
            eventually(lambda: re.search(pattern, self.output.read_text()), f"{pattern} after: {block}",
                       PATIENCE_S)

    def test_the_first_steps_work_as_they_are_typed(self):
        install, start, requests, commands = blocks_of("Use it")
        self.assertIn("make install", install)
        shell = self.start_shell()

        self.type(shell, start, r"ready on http://127\.0\.0\.1:8080",
                  r"receiving on http://127\.0\.0\.1:9000")
        self.type(shell, requests, r'"secret_key":"whsec_', r'"deliveries":1', r"unchecked +order\.created ")
        self.type(shell, commands, r"listening as",
                  r"(?s)unchecked +order\.created .*unchecked +order\.created ", r'"status":"DELIVERED"')


if __name__ == "__main__":
    unittest.main()
