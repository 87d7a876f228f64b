"""Listeners: a place that is kept, by the API and by `crossdock listen`, `trigger` and `deliveries`."""
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from harness import Hub, HubCase, OwnHubCase, eventually, on_both_engines
from harness.paths import SERVER
from harness.receiver import answer
from harness.signature import is_signed_with
from harness.stream import Stream

load_tests = on_both_engines

LISTENERS = "/api/v1/listeners"
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PATIENCE_S = 60


class ListenerCase(HubCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.make_key(self.tenant)["key"]

    def make_listener(self, **members) -> dict:
        reply = self.api.post(LISTENERS, {"name": "laptop"} | members)
        self.assertIn(reply.status, (200, 201), reply.content)
        return reply.json

    def stream(self, name: str = "laptop", key: str = "") -> Stream:
        stream = Stream(
            self.hub.port, f"{LISTENERS}/{name}/stream", {"Authorization": f"Bearer {key or self.key}"}
        )
        self.addCleanup(stream.close)
        return stream

    def ack(self, message, name: str = "laptop", **outcome) -> dict:
        body = {"position": message.id, "event_id": message.json["id"], "outcome": outcome or {"status": 200}}
        return self.expect(200, self.api.post(f"{LISTENERS}/{name}/ack", body))

    # --- the command line

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CROSSDOCK_")}
        return inherited | {"CROSSDOCK_URL": f"http://127.0.0.1:{self.hub.port}",
                            "CROSSDOCK_API_KEY": self.key}

    def run_command(self, *words: str, **settings: str) -> subprocess.CompletedProcess:
        return subprocess.run([SERVER, *words], env=self.environment | settings, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)

    def start_listen(self, *words: str) -> subprocess.Popen:
        process = subprocess.Popen([SERVER, "listen", *words], env=self.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen, number: signal.Signals = signal.SIGKILL) -> tuple[int, str, str]:
        if process.poll() is None:
            process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S) if not process.stdout.closed else ("", "")
        return process.returncode, out, err


class Listeners(ListenerCase):
    def test_a_listener_begins_with_what_comes_and_goes_on_behind_what_was_acknowledged(self):
        self.publish(type="order.before")
        self.make_listener()
        ids = [self.publish()["id"] for _ in range(4)]
        first = self.stream()
        messages = first.wait_for(4)
        self.assertEqual([message.json["id"] for message in messages], ids)
        self.ack(messages[1])
        first.close()

        again = self.stream().wait_for(2)

        self.assertEqual([message.json["id"] for message in again], ids[2:])

    def test_it_can_begin_earlier(self):
        early = self.publish(type="order.early")
        time.sleep(0.05)  # tidy: allow blind-wait the two are to have different times
        middle = self.publish(type="order.middle")
        self.make_listener(name="start", **{"from": "start"})
        self.make_listener(name="time", **{"from": middle["created_at"]})

        self.assertEqual([m.json["id"] for m in self.stream("start").wait_for(2)],
                         [early["id"], middle["id"]])
        self.assertIn(middle["id"], [m.json["id"] for m in self.stream("time").wait_for(1)])

    def test_one_that_is_there_gets_other_types_and_keeps_its_place(self):
        made = self.make_listener()
        first = self.publish(type="order.created")
        reply = self.api.post(LISTENERS, {"name": "laptop", "event_types": ["invoice.*"], "from": "start"})
        second = self.publish(type="invoice.paid")

        taken_up = self.expect(200, reply)
        self.assertEqual((taken_up["id"], taken_up["position"]), (made["id"], made["position"]))
        messages = self.stream().wait_for(1)
        self.assertEqual([message.json["id"] for message in messages], [second["id"]])
        self.assertNotEqual(first["id"], second["id"])

    def test_an_answer_is_recorded_as_a_delivery_and_only_once(self):
        listener = self.make_listener()
        event = self.publish()
        message = self.stream().wait_for(1)[0]
        for _ in range(2):
            moved = self.ack(message, status=500, time_ms=31, error="boom", url="http://localhost:3000/hook")

        shown = self.expect(200, self.api.get(f"/api/v1/events/{event['id']}"))["deliveries"]
        self.assertEqual(len(shown), 1)
        self.assertEqual((shown[0]["subscription_id"], shown[0]["via"]), (listener["id"], "cli"))
        self.assertEqual((shown[0]["status"], shown[0]["response_status"]), ("FAILED", 500))
        detail = self.expect(200,
                             self.api.get(f"/api/v1/webhooks/deliveries/{shown[0]['id']}/attempts"))["data"]
        self.assertEqual((detail[0]["via"], detail[0]["response_time_ms"], detail[0]["error_message"]),
                         ("cli", 31, "boom"))
        self.assertEqual((moved["position"], moved["acked_total"]), (message.id, 1))

    def test_the_older_of_two_sessions_is_told_and_ends(self):
        self.make_listener()
        older = self.stream()
        older.wait_until(lambda s: s.last_id, "its beginning")
        newer = self.stream()

        older.wait_for(1, "superseded")
        older.wait_until(lambda s: s.ended, "its end")
        event = self.publish()
        self.assertEqual(newer.wait_for(1)[0].json["id"], event["id"])
        self.assertTrue(older.whole)

    def test_who_may_only_read_takes_nobodys_place(self):
        self.make_listener()
        mine = self.stream()
        mine.wait_until(lambda s: s.last_id, "its beginning")
        for settings in ({"role": "viewer"}, {"role": "operator"},
                         {"role": "developer", "scopes": ["events:read"]},
                         {"role": "developer", "scopes": ["subscriptions:write"]}):
            with self.subTest(settings=settings):
                other = self.stream(key=self.make_key(self.tenant, **settings)["key"])
                self.assertEqual(other.status, 403)

        event = self.publish()
        self.assertEqual(mine.wait_for(1)[0].json["id"], event["id"])
        self.assertEqual(mine.of("superseded"), [])

    def test_a_session_whose_key_was_revoked_ends(self):
        self.make_listener()
        key = self.make_key(self.tenant)
        stream = Stream(self.hub.port, f"{LISTENERS}/laptop/stream",
                        {"Authorization": f"Bearer {key['key']}"})
        self.addCleanup(stream.close)
        stream.wait_until(lambda s: s.last_id, "its beginning")
        self.expect(204, self.api.delete(f"/api/v1/api-keys/{key['id']}"))

        ended = stream.wait_for(1, "end", within=10)  # long before the next look, which is every 15 s
        self.assertEqual(ended[0].json["reason"], "UNAUTHENTICATED")
        stream.wait_until(lambda s: s.ended, "its end")

    def test_a_session_ends_when_its_listener_is_deleted(self):
        self.make_listener()
        stream = self.stream()
        stream.wait_until(lambda s: s.last_id, "its beginning")
        self.assertEqual(self.api.delete(f"{LISTENERS}/laptop").status, 204)

        self.assertEqual(stream.wait_for(1, "end")[0].json["reason"], "DELETED")
        self.expect_problem(404, "NOT_FOUND", self.api.get(f"{LISTENERS}/laptop"))

    def test_a_listener_is_its_tenants_alone(self):
        self.make_listener()
        self.publish()
        message = self.stream().wait_for(1)[0]
        other = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        body = {"position": message.id}

        for reply in (other.get(f"{LISTENERS}/laptop"), other.delete(f"{LISTENERS}/laptop"),
                      other.get(f"{LISTENERS}/laptop/stream"), other.post(f"{LISTENERS}/laptop/ack", body)):
            self.expect_problem(404, "NOT_FOUND", reply)
        self.assertEqual(self.expect(200, other.get(LISTENERS))["data"], [])
        self.assertEqual(len(self.expect(200, self.api.get(LISTENERS))["data"]), 1)

    def test_what_cannot_be_is_refused(self):
        for body, pointer in (({}, "#/name"), ({"name": "a/b"}, "#/name"),
                              ({"name": "a", "from": "x"}, "#/from"),
                              ({"name": "a", "event_types": []}, "#/event_types"),
                              ({"name": "a", "event_types": ["a..b"]}, "#/event_types/0"),
                              ({"name": "a", "typo": 1}, "#/typo")):
            with self.subTest(body=body):
                refused = self.api.post(LISTENERS, body)
                self.expect_problem(422, "VALIDATION_FAILED", refused)
                self.assertIn(pointer, refused.pointers)
        self.make_listener()
        for body, pointer in (({}, "#/position"), ({"position": "x"}, "#/position"),
                              ({"position": "1-2-3", "outcome": {}}, "#/event_id"),
                              ({"position": "1-2-3", "event_id": "7"}, "#/event_id"),
                              ({"position": "1-2-3", "event_id": None, "outcome": {"status": 7}},
                               "#/outcome/status")):
            with self.subTest(body=body):
                refused = self.api.post(f"{LISTENERS}/laptop/ack", body)
                self.expect_problem(422, "VALIDATION_FAILED", refused)
                self.assertIn(pointer, refused.pointers)
        viewer = self.hub.api.as_key(self.make_key(self.tenant, role="viewer")["key"])
        self.expect_problem(403, "FORBIDDEN", viewer.post(LISTENERS, {"name": "b"}))


class Commands(ListenerCase):
    def test_listen_forwards_signed_events_and_prints_a_line_for_each(self):
        receiver = self.make_receiver()
        process = self.start_listen("order.*", "--forward-to", receiver.url, "--secret", SECRET)
        self.assertIn("listening as", process.stderr.readline())
        receiver.script(answer(), answer(503, b"no"))
        self.publish(type="invoice.paid")
        events = [self.publish(subject=f"order/{n}", data={"n": n}, changes={"a": {"old": 1, "new": n}})
                  for n in range(3)]

        requests = receiver.wait_for(3)
        eventually(lambda: self.acked() == 3, "three acknowledged events")
        status, out, err = self.end(process, signal.SIGINT)

        self.assertEqual(status, 0, err)
        for request, event, n in zip(requests, events, range(3)):
            self.assertTrue(is_signed_with(SECRET, request))
            self.assertEqual(request.header("webhook-id"), event["id"])
            self.assertEqual(request.json["data"], {"n": n})
            self.assertEqual(request.json["tenant_id"], self.tenant["id"])
            self.hub_contract(request.json)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["event_id"] for line in lines], [event["id"] for event in events])
        self.assertEqual([line["status"] for line in lines].count(503), 1)
        self.assertIn("forwarded 3, of which 1", err)

    def acked(self) -> int:
        return sum(each["acked_total"] for each in self.expect(200, self.api.get(LISTENERS))["data"])

    def hub_contract(self, body: dict) -> None:
        from harness.contract import CONTRACT
        CONTRACT.check_delivery(body)

    def test_without_a_url_listen_prints_events_and_acknowledges_what_it_has_printed(self):
        process = self.start_listen("order.*")
        self.assertIn("printing", process.stderr.readline())
        events = [self.publish(data={"n": n, "text": "a\nb"}) for n in range(3)]
        self.publish(type="invoice.paid")

        lines = [json.loads(process.stdout.readline()) for _ in events]
        self.assertEqual([(line["id"], line["type"], line["data"]) for line in lines],
                         [(event["id"], "order.created", {"n": n, "text": "a\nb"})
                          for n, event in enumerate(events)])
        status, out, err = self.end(process, signal.SIGINT)
        self.assertEqual((status, out), (0, ""), err)
        self.assertIn("printed 3", err)
        again = self.start_listen("order.*")
        last = self.publish()
        self.assertEqual(json.loads(again.stdout.readline())["id"], last["id"],
                         "what was printed comes no more")
        self.assertEqual(self.expect(200, self.api.get(f"/api/v1/events/{events[0]['id']}"))["deliveries"],
                         [], "printing is no delivery")

    def test_on_a_terminal_listen_prints_a_line_for_each_event(self):
        process = self.start_listen("-o", "table")
        process.stderr.readline()
        event = self.publish(data={"text": "x" * 1000})

        line = process.stdout.readline()
        self.assertRegex(line, rf"^\d\d:\d\d:\d\d\.\d+  order\.created  {event['id']}  \{{")
        self.assertLess(len(line), 400)

    def test_listen_ends_when_nobody_reads_what_it_prints(self):
        process = self.start_listen()
        process.stderr.readline()
        process.stdout.close()
        self.publish()

        self.assertEqual(process.wait(PATIENCE_S), 1)
        self.assertIn("cannot write the output", process.stderr.read())
        process.stderr.close()
        listener = self.expect(200, self.api.get(LISTENERS))["data"][0]
        self.assertIsNone(listener["last_ack_at"], "what was not printed is not acknowledged")

    def test_listen_waits_for_a_receiver_that_is_not_there(self):
        receiver = self.make_receiver()
        url, port = receiver.url, receiver.port
        receiver.close()
        process = self.start_listen("--forward-to", url)
        process.stderr.readline()
        events = [self.publish()["id"] for _ in range(2)]
        self.assertIn("waits", process.stderr.readline())
        self.assertEqual(self.acked(), 0)
        from harness.receiver import Receiver
        back = Receiver(port=port)
        self.addCleanup(back.close)

        requests = back.wait_for(2)

        self.assertEqual([request.header("webhook-id") for request in requests], events)

    def test_listen_says_why_it_cannot(self):
        url = "http://127.0.0.1:9/"
        for words, settings, status, said in (
            (["listen", "--ca-file", "gone.pem"], {}, 2, "gone.pem"),
            (["listen", "--forward-to", "nonsense"], {}, 2, "--forward-to"),
            (["listen", "--forward-to", url], {"CROSSDOCK_API_KEY": ""}, 2, "CROSSDOCK_API_KEY"),
            (["listen", "--forward-to", url], {"CROSSDOCK_API_KEY": "cdk_wrong"}, 4, "UNAUTHENTICATED"),
            (["listen", "a..b", "--forward-to", url], {}, 1, "#/event_types/0"),
            (["listen", "--forward-to", url, "--secret", "x"], {}, 2, "whsec_"),
            (["listen", "--forward-to", url, "--since", "1h", "--from-start"], {}, 2, "--since"),
            (["listen", "--forward-to", url, "--reconnects", "1"], {"CROSSDOCK_URL": url}, 6, "gave up"),
        ):
            with self.subTest(words=words, settings=settings):
                ended = self.run_command(*words, **settings)
                self.assertEqual(ended.returncode, status, ended.stderr)
                self.assertIn(said, ended.stderr)

    def test_a_second_session_of_one_name_ends_the_first(self):
        receiver = self.make_receiver()
        words = ("--forward-to", receiver.url, "--name", "shared")
        first = self.start_listen(*words)
        first.stderr.readline()
        eventually(lambda: self.expect(200, self.api.get(f"{LISTENERS}/shared")), "the listener")
        # tidy: allow blind-wait its stream begins after it was made, which nobody can see
        time.sleep(0.3)
        self.start_listen(*words)

        status = first.wait(PATIENCE_S)

        self.assertEqual(status, 5)
        self.assertIn("another session listens as shared", first.stderr.read())

    def test_the_secret_is_the_same_each_time_and_can_be_printed(self):
        words = ("listen", "--forward-to", "http://127.0.0.1:9/", "--print-secret")
        first, second = self.run_command(*words), self.run_command(*words)

        self.assertEqual(first.stdout, second.stdout)
        self.assertRegex(first.stdout, r"^whsec_[A-Za-z0-9+/=]{44}\n$")
        self.assertNotEqual(first.stdout, self.run_command(*words, "--name", "other").stdout)

    def test_trigger_publishes(self):
        ended = self.run_command("trigger", "--set", "order.id=42", "--set", "order.note=a b",
                                 "order.created", "--subject", "order/42")

        self.assertEqual(ended.returncode, 0, ended.stderr)
        stored = self.expect(200, self.api.get(f"/api/v1/events/{json.loads(ended.stdout)['id']}"))
        self.assertEqual(stored["data"], {"order": {"id": 42, "note": "a b"}})
        self.assertEqual((stored["type"], stored["subject"]), ("order.created", "order/42"))
        refused = self.run_command("trigger", "a..b")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("#/type", refused.stderr)

    def test_deliveries_are_listed_shown_and_replayed(self):
        receiver = self.make_receiver(answer(400))
        subscription = self.subscribe(receiver, retry_enabled=False)
        for n in range(3):
            self.publish(data=n)
        rows = self.wait_for_status(subscription, "FAILED", 3)

        listed = self.run_command("deliveries", "list", "--status", "FAILED", "--code", "4xx", "--since",
                                  "1h", "--limit", "2")
        self.assertEqual([json.loads(line) for line in listed.stdout.splitlines()], rows[:2])
        table = self.run_command("deliveries", "list", "-o", "table").stdout.splitlines()
        self.assertRegex(table[0], r"^ID +CREATED +TYPE +SUBSCRIPTION +STATUS +ATTEMPTS +CODE +MS +WHY$")
        self.assertEqual(len(table), 4)
        everything = json.loads(self.run_command("deliveries", "list", "-o", "json").stdout)
        self.assertEqual(len(everything), 3)
        shown = self.run_command("deliveries", "get", rows[0]["id"], "-o", "json")
        self.assertEqual(json.loads(shown.stdout)["id"], rows[0]["id"])
        self.assertIn(rows[0]["id"],
                      self.run_command("deliveries", "get", rows[0]["id"], "-o", "table").stdout)
        replayed = self.run_command("deliveries", "replay", rows[0]["id"])
        self.assertEqual(json.loads(replayed.stdout)["replay_of"], rows[0]["id"])
        receiver.wait_for(4)
        missing = self.run_command("deliveries", "get", rows[0]["event_id"])
        self.assertEqual(missing.returncode, 3)
        self.assertIn("NOT_FOUND", missing.stderr)


class TwoNodes(OwnHubCase, ListenerCase):
    """On PostgreSQL: what one node takes, those who are connected to the other one hear of."""

    def test_events_of_the_other_node_arrive_in_the_order_of_commits(self):
        if self.engine != "postgres":
            self.skipTest("on SQLite there is one node only")
        other = Hub(settings={"CROSSDOCK_DATABASE_URL": self.hub.settings["CROSSDOCK_DATABASE_URL"]})
        self.addCleanup(other.remove)
        other.start()
        there = other.api.as_key(self.key)
        self.make_listener()
        stream = self.stream()
        plain = Stream(other.port, "/api/v1/events/stream", {"Authorization": f"Bearer {self.key}"})
        self.addCleanup(plain.close)
        ids = [self.expect(202, api.post("/api/v1/events", {"type": "order.created", "data": n}))["id"]
               for n, api in enumerate([self.api, there] * 20)]

        self.assertEqual([message.json["id"] for message in stream.wait_for(40)], ids)
        self.assertEqual([message.json["id"] for message in plain.wait_for(40)], ids)


    def test_what_was_revoked_at_the_other_node_ends_here_too(self):
        if self.engine != "postgres":
            self.skipTest("on SQLite there is one node only")
        other = Hub(settings={"CROSSDOCK_DATABASE_URL": self.hub.settings["CROSSDOCK_DATABASE_URL"]})
        self.addCleanup(other.remove)
        other.start()
        made = self.make_key(self.tenant)
        there = other.api.as_key(made["key"])
        stream = Stream(other.port, "/api/v1/events/stream", {"Authorization": f"Bearer {made['key']}"})
        self.addCleanup(stream.close)
        stream.wait_until(lambda s: s.last_id, "its beginning")
        self.expect(204, self.api.delete(f"/api/v1/api-keys/{made['id']}"))

        stream.wait_for(1, "end", within=10)
        self.expect_problem(401, "UNAUTHENTICATED", there.get("/api/v1/events"))


class Interrupted(OwnHubCase, ListenerCase):
    EVENTS = 1000

    def test_every_event_arrives_in_order_whatever_ends_the_listener_or_the_server(self):
        receiver = self.make_receiver()
        words = ("--forward-to", receiver.url, "--name", "durable", "-o", "jsonl")
        listener = self.start_listen(*words)
        listener.stderr.readline()
        published: list[str] = []
        done = threading.Event()

        def publish() -> None:
            api = self.hub.api.as_key(self.key)
            while len(published) < self.EVENTS:
                try:
                    reply = api.post("/api/v1/events", {"type": "order.created", "data": len(published),
                                                        "idempotency_key": f"n-{len(published)}"})
                except OSError:
                    time.sleep(0.05)  # the server is being started
                    continue
                if reply.status == 202:
                    published.append(reply.json["id"])
            done.set()

        publisher = threading.Thread(target=publish)
        publisher.start()
        acked_before_kill = []
        for count in range(100, self.EVENTS, 200):
            eventually(lambda: len(receiver.requests) >= count, f"{count} requests", PATIENCE_S)
            if count % 400 == 100:
                self.end(listener)
                acked_before_kill.append((self.position(), len(receiver.requests)))
                listener = self.start_listen(*words)
                listener.stderr.readline()
            else:
                self.hub.kill() if count % 800 == 300 else self.hub.stop()
                self.hub.start()
        publisher.join(PATIENCE_S)
        self.assertTrue(done.is_set())
        eventually(lambda: receiver.requests[-1].header("webhook-id") == published[-1], "the last event",
                   PATIENCE_S)
        eventually(lambda: self.position()["acked_total"] == self.EVENTS, "all acknowledged", PATIENCE_S)
        status, _, err = self.end(listener, signal.SIGINT)

        self.assertEqual(status, 0, err)
        received = [request.header("webhook-id") for request in receiver.requests]
        first_seen = list(dict.fromkeys(received))
        self.assertEqual(first_seen, published, "each at least once, in order")
        interruptions = len(range(100, self.EVENTS, 200))
        self.assertLessEqual(len(received) - len(published), interruptions,
                             "what was acknowledged comes no more: at most the one under way is repeated")

    def position(self) -> dict:
        return self.expect(200, self.api.get(f"{LISTENERS}/durable"))


if __name__ == "__main__":
    unittest.main()
