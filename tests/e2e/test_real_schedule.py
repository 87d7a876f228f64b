"""The retry schedule and auto-disabling as they are by default, for a server whose time runs a hundred times faster.

The server's own time is read from what it says: the timestamp of each webhook, and the moments in its answers. On
SQLite alone: with PostgreSQL the database's clock decides what is due, and that keeps its pace.
"""
import datetime
import pathlib
import unittest
from typing import Callable, TypeVar

from harness import Hub, HubCase, Receiver, eventually
from harness.case import path_of
from harness.receiver import answer

T = TypeVar("T")
FASTER = 100
INTERVALS_S = (60, 300, 900, 3600, 7200)  # mission 4
JITTER = 0.1  # of each interval, either way
ROUNDING_S = 1
# A second in which the machine is busy with something else passes as a hundred for the server.
LATE_S_MAX = 3 * FASTER
FLOOR_S = 900
SCHEDULE_S_MAX = sum(INTERVALS_S) * (1 + JITTER) / FASTER + 30


class FastHubCase(HubCase):
    floor: str | None = None  # of the setting; None: as it is by default

    @classmethod
    def setUpClass(cls) -> None:
        library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
        if library is None:
            raise unittest.SkipTest("faketime is not installed: the real schedule is UNTESTED")
        cls.hub = Hub(settings={"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": cls.floor,
                                "CIRCUIT_FAILURE_THRESHOLD": None},
                      # The command faketime would stand between the server and the signals that end it.
                      prefix=("env", f"LD_PRELOAD={library}", f"FAKETIME=+0 x{FASTER}"))
        cls.addClassCleanup(cls.hub.remove)
        cls.hub.start()
        cls.addClassCleanup(remove_shared_clock, cls.hub.process.pid)

    def soon(self, probe: Callable[[], T], what: str, within: float) -> T:
        """eventually(), for a server whose patience with a slow client is a hundredth of what it is."""
        def ask() -> T | None:
            try:
                return probe()
            except (OSError, AssertionError):
                return None
        return eventually(ask, what, within)

    def disabled(self, subscription: dict, within: float) -> dict:
        """What the subscription says once it has been switched off."""
        return self.soon(lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
                         "the subscription is switched off", within)


def remove_shared_clock(pid: int) -> None:
    """The library keeps the time of the start there, and a server that is killed leaves it behind."""
    for path in pathlib.Path("/dev/shm").glob(f"*faketime_*_{pid}"):
        path.unlink(missing_ok=True)


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def sent_at(receiver: Receiver) -> list[int]:
    return [int(request.header("webhook-timestamp")) for request in receiver.requests]


class RealSchedule(FastHubCase):
    def test_six_requests_come_at_the_intervals_and_a_subscription_goes_on_for_its_floor(self):
        failing, flooded = self.make_receiver(answer(500)), self.make_receiver(answer(500))
        subscription = self.subscribe(failing)
        busy = self.subscribe(flooded, event_types=["stock.*"])
        self.publish()
        for number in range(12):
            self.publish(type="stock.changed", data=number)

        plans = [self.plan_after(subscription, attempt) for attempt in range(1, len(INTERVALS_S) + 1)]
        failed = self.soon(lambda: self.deliveries(subscription, "?status=FAILED"), "the delivery has failed",
                           SCHEDULE_S_MAX)[0]

        moments = sent_at(failing)
        self.assertEqual((len(moments), failed["attempt_number"]), (1 + len(INTERVALS_S), 1 + len(INTERVALS_S)))
        for before, after, planned, interval in zip(moments, moments[1:], plans, INTERVALS_S):
            self.assertGreaterEqual(planned - before, interval * (1 - JITTER) - ROUNDING_S)
            self.assertLessEqual(planned - before, interval * (1 + JITTER) + LATE_S_MAX)
            self.assertGreaterEqual(after, planned - ROUNDING_S)
            self.assertLessEqual(after, planned + LATE_S_MAX)
        self.assertEqual(self.subscription(subscription)["status"], "ACTIVE")
        self.check_floor(busy, flooded)

    def plan_after(self, subscription: dict, attempt: int) -> float:
        """When the server means to send again after so many attempts."""
        def waiting() -> dict | None:
            rows = self.deliveries(subscription, "?status=RETRYING")
            return rows[0] if rows and rows[0]["attempt_number"] == attempt else None
        return moment(self.soon(waiting, f"{attempt} attempts have failed", SCHEDULE_S_MAX)["next_retry_at"])

    def check_floor(self, subscription: dict, receiver: Receiver) -> None:
        """Of twelve events in a moment ten attempts fail soon, but the subscription is off only after its floor."""
        disabled = self.disabled(subscription, SCHEDULE_S_MAX)
        self.assertEqual(disabled["disabled_reason"], "CONSECUTIVE_FAILURES")
        self.assertGreaterEqual(disabled["consecutive_failures"], 10)
        self.assertGreaterEqual(moment(disabled["disabled_at"]) - min(sent_at(receiver)), FLOOR_S - ROUNDING_S)
        held = self.deliveries(subscription, "?limit=250")
        self.assertEqual({delivery["status"] for delivery in held}, {"HELD"})


class WithoutFloor(FastHubCase):
    floor = "0"

    def test_the_tenth_failure_in_a_row_switches_a_subscription_off(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver)
        for number in range(12):
            self.publish(data=number)

        disabled = self.disabled(subscription, SCHEDULE_S_MAX)

        self.assertEqual(disabled["disabled_reason"], "CONSECUTIVE_FAILURES")
        self.assertGreaterEqual(disabled["consecutive_failures"], 10)
        self.assertEqual(disabled["total_failed"], disabled["consecutive_failures"])
        # What was under way when the tenth failed ends, nothing else begins.
        self.assertLessEqual(len(receiver.requests), 10 + 2)


if __name__ == "__main__":
    unittest.main()
