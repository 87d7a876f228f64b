"""A disk that fails to sync: the process stops, and nothing that was acknowledged is lost.

This is the embedded store's; a PostgreSQL server looks after its own disk. Skipped where strace is missing
or may not trace.
"""

import concurrent.futures
import http.client
import shutil
import subprocess
import unittest

from harness import OwnHubCase, eventually

EVENTS = "/api/v1/events"
STOPPED_BY_STORAGE = 74  # EX_IOERR


class BrokenDisk(OwnHubCase):
    def break_fsync(self) -> None:
        """From now on the kernel says EIO to whoever asks it to put data on disk."""
        strace = shutil.which("strace")
        if strace is None:
            self.skipTest("strace is missing, so A BROKEN DISK IS UNTESTED; run scripts/setup.sh")
        calls = "fsync,fdatasync,sync_file_range"
        tracer = subprocess.Popen([strace, "-f", "-p", str(self.hub.process.pid), "-e", f"trace={calls}",
                                   "-e", f"inject={calls}:error=EIO"], text=True, stderr=subprocess.PIPE)
        self.addCleanup(tracer.stderr.close)
        self.addCleanup(tracer.wait)
        self.addCleanup(tracer.kill)
        first = tracer.stderr.readline()
        if "attached" not in first:
            self.skipTest(f"strace cannot trace, so A BROKEN DISK IS UNTESTED: {first.strip()}")

    def test_a_failed_fsync_stops_the_process_and_nothing_acknowledged_is_lost(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        acknowledged = [self.publish(data=n)["id"] for n in range(20)]

        def publish(number: int) -> None:
            try:
                while True:
                    acknowledged.append(self.publish(data=number)["id"])
            except (OSError, http.client.HTTPException):
                return

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(publish, number) for number in range(4)]
            self.break_fsync()
            status = self.hub.wait()
            for client in clients:
                client.result()

        self.assertEqual(status, STOPPED_BY_STORAGE, self.hub.log_tail())
        self.assertIn("the store can no longer be trusted", self.hub.log_tail())
        self.hub.start()
        for identifier in acknowledged:
            self.expect(200, self.api.get(f"{EVENTS}/{identifier}"))
        eventually(lambda: not self.deliveries(subscription, "?status=PENDING,RETRYING"), "all is delivered")
        self.assertLessEqual(
            set(acknowledged), {request.header("webhook-id") for request in receiver.requests}
        )


if __name__ == "__main__":
    unittest.main()
