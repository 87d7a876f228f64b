"""openapi-python-client makes a client of the document, without a warning and with every operation; the
client sees its first delivery. Runs in the environment that requirements.txt makes."""
import http.server
import importlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).parent
DOCUMENT = HERE.parents[1] / "api" / "openapi.json"
PROGRAM = os.environ.get("CROSSDOCK_SERVER", str(HERE.parents[1] / "build" / "dev" / "crossdock"))
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
PATIENCE_S = 30


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:  # the name is the library's
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class GeneratedClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-client-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = pathlib.Path(directory.name)
        settings = cls.directory / "settings.yml"
        settings.write_text("post_hooks: []\n")  # nobody reads it, so nothing needs to format it
        generator = pathlib.Path(sys.executable).with_name("openapi-python-client")
        cls.made = subprocess.run(
            [generator, "generate", "--path", DOCUMENT, "--meta", "none", "--config", settings,
             "--output-path", cls.directory / "crossdock", "--fail-on-warning"],
            text=True, capture_output=True, check=False)
        sys.path.insert(0, str(cls.directory))
        cls.addClassCleanup(sys.path.remove, str(cls.directory))

    def test_it_is_made_without_a_warning_and_with_every_operation(self):
        self.assertEqual(self.made.returncode, 0, self.made.stdout + self.made.stderr)
        wanted = [item[method]["operationId"] for item in json.loads(DOCUMENT.read_text())["paths"].values()
                  for method in METHODS if method in item]
        files = {path.stem for path in (self.directory / "crossdock" / "api").glob("*/*.py")}

        self.assertGreater(len(wanted), 50)
        self.assertEqual(sorted(set(wanted) - files), [])
        for path in (self.directory / "crossdock" / "api").glob("*/*.py"):
            module = ".".join(path.relative_to(self.directory).with_suffix("").parts)
            self.assertTrue(importlib.import_module(module.removesuffix(".__init__")))

    def test_it_subscribes_publishes_and_reads_the_delivery(self):
        from crossdock import AuthenticatedClient, models
        from crossdock.api.deliveries import list_deliveries
        from crossdock.api.events import post_event
        from crossdock.api.subscriptions import create_subscription
        receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        url, key = self.start_hub()
        client = AuthenticatedClient(base_url=url, token=key)

        subscription = create_subscription.sync(client=client, body=models.NewSubscription.from_dict({
            "name": "python", "url": f"http://127.0.0.1:{receiver.server_port}/hook",
            "event_types": ["python.*"],
            "filter": {"and": [{"field": "data.number", "op": "gte", "value": 1}]},
        }))
        self.assertIsInstance(subscription, models.SubscriptionWithSecret)
        event = post_event.sync(client=client, body=models.EventInput.from_dict(
            {"type": "python.tried", "data": {"number": 42}}))
        self.assertIsInstance(event, models.PublishedEvent)
        delivery = self.delivered(lambda: list_deliveries.sync(
            client=client, subscription_id=subscription.id, status=[models.DeliveryStatus.DELIVERED]))

        self.assertEqual((delivery.event_id, delivery.response_status), (event.id, 204))

    def start_hub(self) -> tuple[str, str]:
        data = self.directory / "data"
        hub = subprocess.Popen([PROGRAM, "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0"],
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(hub.wait)
        self.addCleanup(hub.stdout.close)
        self.addCleanup(hub.terminate)
        overdue = threading.Timer(PATIENCE_S, hub.kill)
        overdue.start()
        self.addCleanup(overdue.cancel)
        url = re.search(r"ready on (\S+)", hub.stdout.readline()).group(1)
        key = re.search(r"(cdk_\S+)", hub.stdout.readline()).group(1)
        overdue.cancel()
        return url, key

    def delivered(self, ask):
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = ask()
            if found.data:
                return found.data[0]
            self.assertLess(time.monotonic(), deadline, "nothing was delivered")
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
