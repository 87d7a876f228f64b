"""Pausing, disabling, deleting, replaying, testing: what people do with subscriptions and deliveries."""
import unittest

from harness import HubCase, eventually, on_both_engines
from harness.case import path_of
from harness.receiver import answer, hang
from harness.signature import is_signed_with

load_tests = on_both_engines

DELIVERIES = "/api/v1/webhooks/deliveries"


class States(HubCase):
    def test_a_paused_subscription_holds_its_deliveries_until_it_is_resumed(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.assertEqual(self.act(subscription, "pause")["status"], "PAUSED")
        published = [self.publish(data=n) for n in range(3)]
        self.assertEqual([each["deliveries"] for each in published], [1, 1, 1])

        held = self.wait_for_status(subscription, "HELD", 3)
        self.assertEqual(receiver.requests, [])
        self.assertEqual([each["attempt_number"] for each in held], [0, 0, 0])
        self.assertEqual(self.act(subscription, "resume")["status"], "ACTIVE")
        self.wait_for_status(subscription, "DELIVERED", 3)
        self.assertEqual({each["id"] for each in published},
                         {request.header("webhook-id") for request in receiver.requests})

    def test_pausing_and_resuming_by_patch_is_the_same(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.expect(200, self.api.patch(path_of(subscription), {"status": "PAUSED"}))
        self.publish()
        self.wait_for_status(subscription, "HELD")

        self.expect(200, self.api.patch(path_of(subscription), {"status": "ACTIVE"}))
        self.wait_for_status(subscription, "DELIVERED")

    def test_a_disabled_subscription_gets_no_new_deliveries_and_keeps_the_old_ones(self):
        receiver = self.make_receiver()
        receiver.script(answer(500))
        subscription = self.subscribe(receiver, retry_intervals=[1])
        self.publish(data="old")
        receiver.wait_for(1)

        disabled = self.act(subscription, "disable")
        self.assertEqual((disabled["is_enabled"], disabled["disabled_reason"]), (False, "MANUAL"))
        self.assertEqual(self.publish(data="new")["deliveries"], 0)
        self.wait_for_status(subscription, "HELD")

        self.act(subscription, "enable")
        self.wait_for_status(subscription, "DELIVERED")
        self.assertEqual([request.json["data"] for request in receiver.requests], ["old", "old"])

    def test_a_disabled_subscription_cannot_be_resumed_and_says_why_it_is_off(self):
        subscription = self.subscribe(self.make_receiver())
        self.act(subscription, "disable")

        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{path_of(subscription)}/resume"))
        read = self.subscription(subscription)
        self.assertEqual((read["is_enabled"], read["disabled_reason"]), (False, "MANUAL"))

    def test_actions_can_be_repeated(self):
        subscription = self.subscribe(self.make_receiver())
        for action in ("pause", "pause", "resume", "resume", "disable", "disable", "enable", "enable"):
            self.act(subscription, action)

        read = self.subscription(subscription)
        self.assertEqual((read["status"], read["is_enabled"]), ("ACTIVE", True))

    def test_deleting_a_subscription_cancels_what_waits_and_keeps_the_history(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        done = self.publish(data="done")["id"]
        self.wait_for_status(subscription, "DELIVERED")
        self.act(subscription, "pause")
        waiting = [self.publish(data=n)["id"] for n in range(2)]

        self.expect(204, self.api.delete(path_of(subscription)))

        found = self.expect(200, self.api.get(f"{DELIVERIES}?subscription_id={subscription['id']}"))["data"]
        self.assertEqual({(each["event_id"], each["status"]) for each in found},
                         {(done, "DELIVERED"), *((id, "CANCELLED") for id in waiting)})
        cancelled = next(each for each in found if each["status"] == "CANCELLED")
        self.assertEqual(
            self.expect(200, self.api.get(f"{DELIVERIES}/{cancelled['id']}/attempts"))["data"], []
        )
        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{DELIVERIES}/{cancelled['id']}/replay"))
        self.assertEqual(len(receiver.requests), 1)

    def test_a_deletion_does_not_wait_for_an_attempt_under_way(self):
        receiver = self.make_receiver(hang)
        subscription = self.subscribe(receiver, timeout_seconds=60)
        self.publish()
        receiver.wait_for(1)

        self.expect(204, self.api.delete(path_of(subscription)))
        found = self.expect(200, self.api.get(f"{DELIVERIES}?subscription_id={subscription['id']}"))["data"]
        self.assertEqual([each["status"] for each in found], ["CANCELLED"])


class Replays(HubCase):
    def finished(self, **settings) -> tuple[dict, dict]:
        subscription = self.subscribe(self.receiver, **settings)
        self.publish()
        return subscription, eventually(
            lambda: self.deliveries(subscription, "?status=DELIVERED,FAILED"), "a finished delivery")[0]

    def setUp(self) -> None:
        super().setUp()
        self.receiver = self.make_receiver()

    def replay(self, delivery: dict, body: dict | None = None) -> dict:
        return self.expect(202, self.api.post(f"{DELIVERIES}/{delivery['id']}/replay", body))

    def test_a_replay_is_a_new_delivery_with_the_same_webhook_id(self):
        subscription, original = self.finished()

        again = self.replay(original)
        self.assertEqual((again["replay_no"], again["replay_of"]), (1, original["id"]))
        self.assertEqual((again["status"], again["event_id"]), ("PENDING", original["event_id"]))
        self.wait_for_status(subscription, "DELIVERED", 2)
        once_more = self.replay(again)
        self.assertEqual((once_more["replay_no"], once_more["replay_of"]), (2, again["id"]))

        requests = self.receiver.wait_for(3)
        self.assertEqual({request.header("webhook-id") for request in requests}, {original["event_id"]})
        self.assertEqual(len({request.body for request in requests}), 1)
        self.assertTrue(is_signed_with(subscription["secret_key"], requests[-1]))

    def test_a_failed_delivery_can_be_replayed_when_its_receiver_is_well(self):
        self.receiver.script(answer(500))
        subscription, failed = self.finished(max_retries=0)
        self.assertEqual(failed["status"], "FAILED")

        self.replay(failed)
        self.wait_for_status(subscription, "DELIVERED")

    def test_a_replay_can_go_elsewhere(self):
        subscription, original = self.finished()
        elsewhere = self.make_receiver()

        again = self.replay(original, {"url": elsewhere.url})
        request = elsewhere.wait_for(1)[0]
        self.assertTrue(is_signed_with(subscription["secret_key"], request))
        self.wait_for_status(subscription, "DELIVERED", 2)
        self.assertEqual(self.api.get(f"{DELIVERIES}/{again['id']}").json["request_url"], elsewhere.url)
        self.assertEqual(len(self.receiver.requests), 1)

    def test_mistakes_of_a_replay_are_named(self):
        _, original = self.finished()
        path = f"{DELIVERIES}/{original['id']}/replay"
        for body, pointers in (
            ({"url": "http://10.0.0.1/"}, {"#/url": "SSRF_BLOCKED"}),
            ({"url": "nowhere"}, {"#/url": "INVALID"}),
            ({"URL": "x"}, {"#/URL": "UNKNOWN_MEMBER"}),
        ):
            reply = self.api.post(path, body)
            self.expect_problem(422, "VALIDATION_FAILED", reply)
            self.assertEqual(reply.pointers, pointers)

    def test_what_is_under_way_cannot_be_replayed(self):
        subscription = self.subscribe(self.receiver)
        self.act(subscription, "pause")
        self.publish()
        held = self.wait_for_status(subscription, "HELD")[0]

        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{DELIVERIES}/{held['id']}/replay"))

    def test_a_replay_of_a_paused_subscription_is_held(self):
        subscription, original = self.finished()
        self.act(subscription, "pause")

        self.assertEqual(self.replay(original)["status"], "HELD")
        self.act(subscription, "resume")
        self.wait_for_status(subscription, "DELIVERED", 2)

    def test_a_replay_with_a_key_has_effect_once(self):
        subscription, original = self.finished()
        path, key = f"{DELIVERIES}/{original['id']}/replay", {"Idempotency-Key": "r-1"}

        first, again = self.api.post(path, headers=key), self.api.post(path, headers=key)
        self.assertEqual(self.expect(202, again), self.expect(202, first))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.wait_for_status(subscription, "DELIVERED", 2)
        self.assertEqual(len(self.receiver.requests), 2)


class Tests(HubCase):
    def test_a_test_is_sent_at_once_and_signed(self):
        receiver = self.make_receiver(answer(204, b""))
        subscription = self.subscribe(receiver)

        sent = self.expect(200, self.api.post(f"{path_of(subscription)}/test"))

        self.assertEqual((sent["status"], sent["is_test"], sent["response_status"]), ("DELIVERED", True, 204))
        self.assertEqual(sent["attempt"]["remote_ip"], "127.0.0.1")
        request = receiver.requests[0]
        self.assertEqual(request.json["type"], "webhook.test")
        self.assertEqual(request.json["data"]["subscription_id"], subscription["id"])
        self.assertEqual(request.header("webhook-id"), sent["event_id"])
        self.assertTrue(is_signed_with(subscription["secret_key"], request))

    def test_a_failed_test_is_told_and_counts_for_nothing(self):
        subscription = self.subscribe(self.make_receiver(answer(500)))

        sent = self.expect(200, self.api.post(f"{path_of(subscription)}/test"))

        self.assertEqual((sent["status"], sent["error_class"]), ("FAILED", "HTTP_5XX"))
        stats = self.subscription(subscription)
        self.assertEqual((stats["total_sent"], stats["consecutive_failures"]), (0, 0))
        self.assertIsNone(self.expect(200, self.api.get(f"{DELIVERIES}/{sent['id']}"))["next_retry_at"])

    def test_a_test_reaches_a_paused_or_disabled_subscription(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        for n, action in enumerate(("pause", "disable")):
            self.act(subscription, action)
            self.assertEqual(
                self.expect(200, self.api.post(f"{path_of(subscription)}/test"))["status"], "DELIVERED"
            )
            self.assertEqual(len(receiver.requests), n + 1)

    def test_a_test_is_kept_in_the_history_and_cannot_be_replayed(self):
        subscription = self.subscribe(self.make_receiver())
        sent = self.expect(200, self.api.post(f"{path_of(subscription)}/test"))

        listed = self.deliveries(subscription)
        self.assertEqual([(each["id"], each["is_test"]) for each in listed], [(sent["id"], True)])
        self.expect_problem(409, "CONFLICT_STATE", self.api.post(f"{DELIVERIES}/{sent['id']}/replay"))


if __name__ == "__main__":
    unittest.main()
