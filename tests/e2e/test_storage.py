"""Disks that are full or broken: nothing is acknowledged that is not kept, and service returns by itself.

These are the embedded store's; a PostgreSQL server looks after its own disk.
"""
import concurrent.futures
import http.client
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import Hub, HubCase, eventually

EVENTS = "/api/v1/events"
EVENT = {"type": "order.created", "data": {"id": 42}}
DISK_MIB = 96
STOPPED_BY_STORAGE = 74  # EX_IOERR
MIB = 1 << 20


class StorageCase(HubCase):
    @classmethod
    def setUpClass(cls) -> None:
        """Each test has a hub of its own."""


class FullDisk(StorageCase):
    def setUp(self) -> None:
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-e2e-disk-"))
        self.addCleanup(self.disk.rmdir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.disk],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small disk, so A FULL DISK IS UNTESTED: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        self.hub = Hub(data=self.disk / "data")
        self.addCleanup(self.hub.remove)
        self.hub.start()
        super().setUp()

    def fill(self, leave: int) -> None:
        """Takes all of the disk but so many bytes."""
        with (self.disk / "filler").open("ab") as filler:
            while (surplus := shutil.disk_usage(self.disk).free - leave) > 0:
                try:
                    filler.write(b"\0" * min(surplus, MIB))
                    filler.flush()
                except OSError:
                    return  # the last block was not whole

    def empty(self) -> None:
        (self.disk / "filler").unlink()

    def is_refused(self) -> bool:
        return self.api.post(EVENTS, EVENT).status == 503

    def test_an_almost_full_disk_refuses_events_while_deliveries_go_on(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        for n in range(5):
            self.publish(data=n)

        self.fill(leave=12 * MIB)
        eventually(self.is_refused, "events are refused")
        refused = self.api.post(EVENTS, EVENT)
        self.expect_problem(503, "STORAGE_FULL", refused)
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        self.expect_problem(503, "STORAGE_FULL", self.api.post(f"{EVENTS}/batch", {"events": [EVENT]}))
        self.expect_problem(503, "STORAGE_FULL", self.hub.api.get("/readyz"))
        self.expect(200, self.hub.api.get("/livez"))
        self.expect(200, self.api.get(EVENTS))

        self.act(subscription, "resume")
        self.wait_for_status(subscription, "DELIVERED", 5)

    def test_service_returns_by_itself_when_there_is_room_again(self):
        self.fill(leave=12 * MIB)
        eventually(self.is_refused, "events are refused")

        self.empty()

        eventually(lambda: self.hub.api.get("/readyz").status == 200, "it is ready")
        self.publish()

    def test_a_disk_without_any_room_loses_nothing(self):
        accepted = [self.publish()["id"] for _ in range(20)]
        self.fill(leave=0)
        event = EVENT | {"data": "x" * 500_000}

        def refused() -> bool:
            reply = self.api.post(EVENTS, event)
            if reply.status == 202:
                accepted.append(reply.json["id"])
                return False
            self.expect_problem(503, "STORAGE_FULL", reply)
            return True
        eventually(refused, "events are refused")
        self.assertIsNone(self.hub.process.poll(), self.hub.log_tail())

        self.empty()
        eventually(lambda: self.hub.api.get("/readyz").status == 200, "it is ready")
        self.hub.restart()
        for identifier in accepted:
            self.expect(200, self.api.get(f"{EVENTS}/{identifier}"))


class BrokenDisk(StorageCase):
    def setUp(self) -> None:
        self.hub = Hub()
        self.addCleanup(self.hub.remove)
        self.hub.start()
        super().setUp()

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
        self.assertLessEqual(set(acknowledged), {request.header("webhook-id") for request in receiver.requests})


if __name__ == "__main__":
    unittest.main()
