"""A disk without room: nothing is acknowledged that is not kept, and service returns by itself.

This is the embedded store's; a PostgreSQL server looks after its own disk. Skipped where a small disk cannot
be mounted, which needs root.
"""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import Hub, OwnHubCase, eventually
from harness.api import Reply
from harness.endpoints import ENDPOINTS, SECRET, github_headers

EVENTS = "/api/v1/events"
EVENT = {"type": "order.created", "data": {"id": 42}}
DISK_MIB = 96
MIB = 1 << 20


class FullDisk(OwnHubCase):
    def setUp(self) -> None:
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="crossdock-e2e-disk-"))
        self.addCleanup(self.disk.rmdir)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", self.disk],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a small disk, so A FULL DISK IS UNTESTED: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.disk], check=True)
        super().setUp()

    def make_hub(self) -> Hub:
        return super().make_hub(data=self.disk / "data")

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
        endpoint = self.expect(201, self.api.post(ENDPOINTS, {
            "endpoint_path": "github", "signature_scheme": "github", "secret_key": SECRET}))
        self.fill(leave=12 * MIB)
        eventually(self.is_refused, "events are refused")

        def send() -> Reply:
            return self.hub.api.post(f"/webhooks/{self.tenant['slug']}/github", raw=b"{}",
                                     headers=github_headers(b"{}"))
        self.expect_problem(503, "STORAGE_FULL", send())

        self.empty()

        eventually(lambda: self.hub.api.get("/readyz").status == 200, "it is ready")
        self.publish()
        self.expect(200, send())

        def counted() -> bool:
            found = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))
            return found["refused"] == {"storage_full": 1}
        eventually(counted, "what the hub could not take is counted")

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


if __name__ == "__main__":
    unittest.main()
