"""What happens in a tenant, as it happens: order, resuming, filters, limits, and who may listen."""
import threading
import unittest
from datetime import datetime, timedelta, timezone

from harness import HubCase, OwnHubCase, on_both_engines
from harness.hub import BOOTSTRAP_KEY
from harness.stream import Stream

load_tests = on_both_engines

STREAM = "/api/v1/events/stream"
EVENTS = "/api/v1/events"
AT_ONCE_S = 10


class StreamCase(HubCase):
    def stream(self, query: str = "", last_id: str = "", key: str | None = None) -> Stream:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        if last_id:
            headers["Last-Event-ID"] = last_id
        stream = Stream(self.hub.port, STREAM + query, headers)
        self.addCleanup(stream.close)
        return stream

    def setUp(self) -> None:
        super().setUp()
        self.key = self.make_key(self.tenant)["key"]

    def publish_many(self, count: int, **members) -> list[str]:
        events = [{"type": "order.created", "data": {"n": n}} | members for n in range(count)]
        answers = self.expect(202, self.api.post(f"{EVENTS}/batch", {"events": events}))
        return [each["id"] for each in answers["data"]]


class Streams(StreamCase):
    def test_events_come_as_they_are_published_and_look_as_when_they_are_listed(self):
        stream = self.stream()
        ids = [self.publish(type=name, subject="order/1")["id"] for name in ("order.created", "order.paid")]

        messages = stream.wait_for(2)

        self.assertEqual([message.json["id"] for message in messages], ids)
        listed = self.expect(200, self.api.get(EVENTS))["data"]
        self.assertEqual([message.json for message in messages], listed[::-1])
        self.assertEqual(len({message.id for message in messages}), 2)
        self.assertEqual(stream.retry, "2000")

    def test_its_header_keeps_everything_between_from_holding_it_back(self):
        headers = self.stream().response.headers

        self.assertEqual(headers["Content-Type"], "text/event-stream; charset=utf-8")
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(headers["X-Accel-Buffering"], "no")
        self.assertTrue(headers["X-Request-Id"])

    def test_what_was_before_does_not_come(self):
        self.publish(type="order.old")
        stream = self.stream()
        self.publish(type="order.fresh")

        self.assertEqual([m.json["type"] for m in stream.wait_for(1)], ["order.fresh"])

    def test_deliveries_come_when_they_have_ended(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        stream = self.stream()
        event = self.publish()

        delivery = stream.wait_for(1, "delivery")[0].json

        self.assertEqual(delivery["event_id"], event["id"])
        self.assertEqual(delivery, self.wait_for_status(subscription, "DELIVERED")[0])
        self.assertEqual(len(stream.of("event")), 1)

    def test_kinds_and_types_can_be_chosen(self):
        receiver = self.make_receiver()
        self.subscribe(receiver, event_types=["*"])
        events = self.stream("?include=event&types=order.*,invoice.paid")
        deliveries = self.stream("?include=delivery&types=invoice.paid")
        for name in ("order.created", "customer.created", "invoice.paid", "invoice.sent", "order.paid"):
            self.publish(type=name)

        received = [m.json["type"] for m in events.wait_for(3)]
        self.assertEqual(received, ["order.created", "invoice.paid", "order.paid"])
        self.assertEqual([m.json["event_type"] for m in deliveries.wait_for(1, "delivery")], ["invoice.paid"])
        self.assertEqual((events.of("delivery"), deliveries.of("event")), ([], []))

    def test_it_resumes_behind_any_message_by_field_or_parameter(self):
        first = self.stream()
        ids = self.publish_many(5)
        messages = first.wait_for(5)
        first.close()
        ids += self.publish_many(3)

        for count in range(1, 6):
            stand = messages[count - 1].id
            by_field = self.stream(last_id=stand).wait_for(8 - count)
            self.assertEqual([m.json["id"] for m in by_field], ids[count:])
        by_parameter = self.stream(f"?cursor={messages[2].id}").wait_for(5)
        self.assertEqual([m.json["id"] for m in by_parameter], ids[3:])
        both = self.stream(f"?cursor={messages[0].id}", last_id=messages[3].id).wait_for(4)
        self.assertEqual([m.json["id"] for m in both], ids[4:], "the field is the younger")

    def test_it_can_be_resumed_before_the_first_message(self):
        stream = self.stream("?types=rare")
        stream.wait_until(lambda s: s.last_id, "a position")
        stream.close()
        self.publish(type="rare")

        self.assertEqual(len(self.stream("?types=rare", last_id=stream.last_id).wait_for(1)), 1)

    def test_nobody_sees_what_is_of_another_tenant(self):
        other = self.make_tenant("Other")
        other_key = self.make_key(other)["key"]
        mine, theirs = self.stream(), self.stream(key=other_key)
        other_api = self.hub.api.as_key(other_key)
        for _ in range(3):
            self.publish(type="order.mine")
            self.expect(202, other_api.post(EVENTS, {"type": "order.theirs", "data": 1}))

        self.assertEqual({m.json["type"] for m in mine.wait_for(3)}, {"order.mine"})
        position = mine.messages[0].id
        self.assertEqual({m.json["type"] for m in theirs.wait_for(3)}, {"order.theirs"})
        resumed = self.stream(last_id=position, key=other_key)
        self.assertEqual({m.json["type"] for m in resumed.wait_for(2)}, {"order.theirs"})

    def test_who_may_not_read_events_may_not_follow_them(self):
        def key(**settings) -> str:
            return self.make_key(self.tenant, **settings)["key"]

        self.assertEqual(self.stream(key="cdk_wrong").status, 401)
        self.assertEqual(self.stream(key=key(role="auditor")).status, 403)
        only_events = key(scopes=["events:read"])
        self.assertEqual(self.stream("?include=delivery", key=only_events).status, 403)
        stream = self.stream(key=only_events)
        self.subscribe(self.make_receiver())
        published = self.publish()
        self.assertEqual(stream.wait_for(1)[0].json["id"], published["id"])

    def test_what_cannot_be_asked_for_is_told(self):
        for query, code in (("?typo=1", "BAD_REQUEST"), ("?types=a..b", "BAD_REQUEST"),
                            ("?include=all", "BAD_REQUEST"), ("?cursor=x", "CURSOR_MISMATCH"),
                            ("?cursor=1-2", "CURSOR_MISMATCH")):
            with self.subTest(query=query):
                self.expect_problem(400, code, self.api.get(STREAM + query))

    def test_a_position_that_is_not_kept_is_told_and_what_comes_next_is_given(self):
        stream = self.stream(last_id="1000000000-0-1")

        self.assertEqual(stream.wait_for(1, "reset")[0].json["reason"], "POSITION_TOO_OLD")
        published = self.publish()
        self.assertEqual(stream.wait_for(1)[0].json["id"], published["id"])

    def test_a_large_event_tells_only_what_it_is(self):
        stream = self.stream()
        text = "x" * (65 << 10)
        large, small = self.publish(data=text), self.publish(data={"lines": "a"})

        messages = stream.wait_for(2)

        self.assertEqual(messages[0].json["id"], large["id"])
        self.assertEqual((messages[0].json["truncated"], messages[0].json["data_bytes"]),
                         (True, len(text) + 2))
        self.assertNotIn("data", messages[0].json)
        self.assertEqual(messages[1].json["id"], small["id"])

    def test_data_that_was_written_in_lines_arrives_whole(self):
        stream = self.stream()
        self.expect(202, self.api.post(EVENTS, raw=b'{"type": "a", "data": {\r\n  "b":\n 1\n}}'))

        self.assertEqual(stream.wait_for(1)[0].json["data"], {"b": 1})

    def wait_for_its_end(self, stream: Stream) -> None:
        """Long before it would have been looked at without a reason: every 15 s."""
        ended = stream.wait_for(1, "end", within=AT_ONCE_S)
        self.assertEqual(ended[0].json["reason"], "UNAUTHENTICATED")
        stream.wait_until(lambda s: s.ended, "its end")
        self.assertTrue(stream.whole)

    def test_it_ends_at_once_when_its_key_is_revoked(self):
        made = [self.make_key(self.tenant) for _ in range(6)]
        streams = [self.stream(key=each["key"]) for each in made]
        other = self.stream()
        for stream in [*streams, other]:
            stream.wait_until(lambda s: s.last_id, "its beginning")
        for each in made:
            self.expect(204, self.api.delete(f"/api/v1/api-keys/{each['id']}"))

        for stream in streams:
            self.wait_for_its_end(stream)
        self.publish()
        other.wait_for(1)

    def test_it_ends_at_once_when_its_key_expires(self):
        soon = datetime.now(timezone.utc) + timedelta(seconds=2)
        stream = self.stream(key=self.make_key(self.tenant, expires_at=soon.isoformat())["key"])
        stream.wait_until(lambda s: s.last_id, "its beginning")

        self.wait_for_its_end(stream)
        self.assertGreaterEqual(datetime.now(timezone.utc), soon)

    def test_it_ends_at_once_when_its_tenant_is_suspended(self):
        stream = self.stream()
        platforms = Stream(self.hub.port, STREAM, {"Authorization": f"Bearer {BOOTSTRAP_KEY}",
                                                   "X-Tenant-Id": self.tenant["id"]})
        self.addCleanup(platforms.close)
        for each in (stream, platforms):
            each.wait_until(lambda s: s.last_id, "its beginning")
        path = f"/api/v1/tenants/{self.tenant['id']}"
        self.expect(200, self.hub.platform.patch(path, {"status": "SUSPENDED"}))

        self.wait_for_its_end(stream)
        self.assertFalse(platforms.ended)
        self.expect(202, self.hub.platform.delete(path))
        self.wait_for_its_end(platforms)

    def test_a_tenant_has_a_limited_number_of_streams(self):
        streams = []
        refused = None
        for _ in range(120):  # fifty on each of the server's threads
            stream = self.stream()
            if stream.status != 200:
                refused = stream
                break
            streams.append(stream)
        self.assertIsNotNone(refused)
        self.assertEqual(refused.status, 503)
        self.assertIn(b"too many streams", refused.response.read())
        self.assertGreaterEqual(len(streams), 50)


class Gaps(StreamCase):
    """Many publish at once while a reader is cut off again and again."""

    PUBLISHERS = 6
    EACH = 60

    def test_resuming_leaves_nothing_out_and_gives_nothing_twice(self):
        published: list[str] = []
        lock = threading.Lock()

        def publish(number: int) -> None:
            api = self.hub.api.as_key(self.key)
            for n in range(self.EACH):
                reply = self.expect(202, api.post(EVENTS, {"type": f"order.p{number}", "data": n}))
                with lock:
                    published.append(reply["id"])

        stream = self.stream("?include=event")
        publishers = [threading.Thread(target=publish, args=(n,)) for n in range(self.PUBLISHERS)]
        for publisher in publishers:
            publisher.start()
        received: list = []
        while any(publisher.is_alive() for publisher in publishers) or len(received) < len(published):
            count = min(len(received) + 20, self.PUBLISHERS * self.EACH) - len(received)
            stream.wait_for(count)
            stream.close()
            received += stream.of("event")
            stream = self.stream("?include=event", last_id=received[-1].id)
        for publisher in publishers:
            publisher.join()

        ids = [message.json["id"] for message in received]
        self.assertEqual(len(ids), self.PUBLISHERS * self.EACH)
        self.assertEqual(set(ids), set(published))
        for number in range(self.PUBLISHERS):  # each publisher's are in its order
            mine = [m.json["data"] for m in received if m.json["type"] == f"order.p{number}"]
            self.assertEqual(mine, sorted(mine))


class Ends(OwnHubCase, StreamCase):
    def test_a_stream_ends_in_order_when_the_server_drains_and_goes_on_after_it(self):
        stream = self.stream()
        first = self.publish()
        stand = stream.wait_for(1)[0]
        self.hub.stop()
        stream.wait_until(lambda s: s.ended, "its end")
        self.assertTrue(stream.whole)
        self.hub.start()
        second = self.publish()

        resumed = self.stream(last_id=stand.id).wait_for(1)

        self.assertEqual((stand.json["id"], resumed[0].json["id"]), (first["id"], second["id"]))

    def test_it_goes_on_after_the_server_was_killed(self):
        stream = self.stream()
        self.publish_many(20)
        stand = stream.wait_for(20)[9]
        rest = [message.json["id"] for message in stream.of("event")[10:]]
        self.hub.kill()
        self.hub.start()
        rest.append(self.publish()["id"])

        self.assertEqual([m.json["id"] for m in self.stream(last_id=stand.id).wait_for(11)], rest)


if __name__ == "__main__":
    unittest.main()
