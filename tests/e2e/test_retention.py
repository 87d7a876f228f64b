"""What is kept no longer goes, and the room it took goes back to the file system."""
import sqlite3
import time
import unittest
import uuid

from harness import OwnHubCase, eventually

DAY_US = 86_400_000_000


class Retention(OwnHubCase):
    """SQLite only: the test puts old rows into the stopped store's file."""

    def fill(self, events: int, days_ago: int) -> None:
        made = int(time.time() * 1_000_000) - days_ago * DAY_US
        database = sqlite3.connect(self.hub.data / "core.db")
        tenant = uuid.UUID(self.tenant["id"]).bytes
        rows = []
        for n in range(events):
            id = ((made // 1000).to_bytes(6, "big") + bytes([0x70 | n >> 16, n >> 8 & 255, 0x80, n & 255])
                  + bytes(6))
            rows.append((id, tenant, "order.created", "", '"%s"' % ("x" * 4000), "", made, made, "", "",
                         "api", 0, "", 0))
        with database:
            database.executemany(f"INSERT INTO events VALUES ({', '.join('?' * 14)})", rows)
            database.execute("UPDATE tasks SET due_at = 0 WHERE kind = 'housekeeping'")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        database.close()

    def test_the_file_shrinks_when_old_events_are_removed(self):
        file = self.hub.data / "core.db"
        young = self.expect(202, self.api.post("/api/v1/events", {"type": "order.created", "data": 1}))
        self.hub.stop()
        self.fill(5000, days_ago=31)
        full = file.stat().st_size
        self.assertGreater(full, 20_000_000)

        self.hub.start()
        events = "/api/v1/events?limit=2"
        eventually(lambda: [each["id"]
                            for each in self.expect(200, self.api.get(events))["data"]] == [young["id"]],
                   "the old events are gone")
        metric = "crossdock_retention_deleted_rows_total"
        counted = f'{metric}{{table="events"}} 5000'
        eventually(lambda: counted in self.hub.api.get("/metrics").content.decode(),
                   "retention counts what it removed")
        # The last piece of free space is given back a moment later; ending copies the log into the file.
        eventually(self.has_given_back, "free pages are given back")
        self.hub.stop()
        self.assertLess(file.stat().st_size, full / 4)

    def has_given_back(self) -> bool:
        database = sqlite3.connect(f"file:{self.hub.data / 'core.db'}?mode=ro", uri=True)
        try:
            (pages,) = database.execute("PRAGMA page_count").fetchone()
            (free,) = database.execute("PRAGMA freelist_count").fetchone()
            return free <= pages / 4
        finally:
            database.close()


if __name__ == "__main__":
    unittest.main()
