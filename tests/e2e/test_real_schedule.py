"""The retry schedule and auto-disabling as they are by default, for a server whose time of day runs faster (a
build for tests lets it).

The server's own time is read from what it says: the timestamp of each webhook, and the moments in its
answers. What is asserted is in the order of causes, so that a machine that is busy with something else
changes nothing: an attempt comes at least its interval after the one before, and is planned at most its
interval after a moment that the server tells later.
"""
import datetime

from harness import HubCase, Receiver, eventually, on_both_engines
from harness.receiver import answer

load_tests = on_both_engines
FASTER = 300
INTERVALS_S = (60, 300, 900, 3600, 7200)  # mission 4
JITTER = 0.1  # of each interval, either way
ROUNDING_S = 1
FLOOR_S = 900
WATCHED = (4, 5)  # after these attempts there is time to ask for the plan, also where the machine is slow
SCHEDULE_S_MAX = sum(INTERVALS_S) * (1 + JITTER) / FASTER + 60


class FastHubCase(HubCase):
    settings = {"CROSSDOCK_TEST_CLOCK_RATE": str(FASTER), "CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": None,
                "CIRCUIT_FAILURE_THRESHOLD": None}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        assert "the time of day runs faster" in cls.hub.log_tail(), "built without CROSSDOCK_TEST_CLOCK"

    def disabled(self, subscription: dict) -> dict:
        """What the subscription says once it has been switched off."""
        return eventually(lambda: (found := self.subscription(subscription))["status"] == "FAILED" and found,
                          "the subscription is switched off", SCHEDULE_S_MAX)


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

        plans = [self.plan_after(subscription, attempt) for attempt in WATCHED]
        failed = eventually(lambda: self.deliveries(subscription, "?status=FAILED"),
                            "the delivery has failed", SCHEDULE_S_MAX)[0]

        moments = sent_at(failing)
        self.assertEqual((len(moments), failed["attempt_number"]),
                         (1 + len(INTERVALS_S), 1 + len(INTERVALS_S)))
        for sent, again, interval in zip(moments, moments[1:], INTERVALS_S):
            self.assertGreaterEqual(again - sent, interval * (1 - JITTER) - ROUNDING_S)
        for attempt, (planned, told) in zip(WATCHED, plans):
            self.assertLessEqual(planned - told, INTERVALS_S[attempt - 1] * (1 + JITTER))
            self.assertGreaterEqual(moments[attempt], planned - ROUNDING_S)
        self.assertEqual(self.subscription(subscription)["status"], "ACTIVE")
        self.check_floor(busy, flooded)

    def plan_after(self, subscription: dict, attempt: int) -> tuple[float, float]:
        """When the server means to send again after so many attempts,
        and a moment after it has planned so."""
        def waiting() -> dict | None:
            rows = self.deliveries(subscription, "?status=RETRYING")
            return rows[0] if rows and rows[0]["attempt_number"] == attempt else None
        plan = eventually(waiting, f"{attempt} attempts have failed", SCHEDULE_S_MAX)["next_retry_at"]
        told = self.expect(200, self.api.get(f"/api/v1/events/{self.publish(type='clock.asked')['id']}"))
        return moment(plan), moment(told["created_at"])

    def check_floor(self, subscription: dict, receiver: Receiver) -> None:
        """Of twelve events in a moment ten attempts fail soon,
        but the subscription is off only after its floor."""
        disabled = self.disabled(subscription)
        self.assertEqual(disabled["disabled_reason"], "CONSECUTIVE_FAILURES")
        self.assertGreaterEqual(disabled["consecutive_failures"], 10)
        self.assertGreaterEqual(moment(disabled["disabled_at"]) - min(sent_at(receiver)),
                                FLOOR_S - ROUNDING_S)
        held = self.deliveries(subscription, "?limit=250")
        self.assertEqual({delivery["status"] for delivery in held}, {"HELD"})


class WithoutFloor(FastHubCase):
    settings = FastHubCase.settings | {"CROSSDOCK_AUTO_DISABLE_FLOOR_SECONDS": "0"}

    def test_the_tenth_failure_in_a_row_switches_a_subscription_off(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver)
        for number in range(12):
            self.publish(data=number)

        disabled = self.disabled(subscription)

        self.assertEqual(disabled["disabled_reason"], "CONSECUTIVE_FAILURES")
        self.assertGreaterEqual(disabled["consecutive_failures"], 10)
        self.assertEqual(disabled["total_failed"], disabled["consecutive_failures"])
        # What was under way when the tenth failed ends, nothing else begins.
        self.assertLessEqual(len(receiver.requests), 10 + 2)
