"""The test case: a hub shared by a class, a tenant of its own for each test."""
import unittest
import uuid
from typing import Any, Mapping

from harness.api import Reply
from harness.hub import Hub
from harness.receiver import Behaviour, Receiver, answer
from harness.wait import PATIENCE_S, eventually

ENGINES = ("sqlite", "postgres")
__all__ = ["HubCase", "OwnHubCase", "eventually", "on_both_engines"]


def on_both_engines(
    loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None
) -> unittest.TestSuite:
    """For a module's load_tests: each class of the module runs on SQLite and on PostgreSQL."""
    del pattern
    suite = unittest.TestSuite()
    for of_class in tests:
        for case in {type(test): None for test in of_class}:
            for engine in ENGINES:
                twin = type(
                    f"{case.__name__}_{engine}", (case,), {"engine": engine, "__module__": case.__module__}
                )
                suite.addTest(loader.loadTestsFromTestCase(twin))
    return suite


class HubCase(unittest.TestCase):
    """self.api speaks as an administrator of the test's tenant."""

    engine = "sqlite"
    settings: Mapping[str, str | None] = {}  # of the class's hub, beyond the usual
    maxDiff = None

    hub: Hub

    @classmethod
    def setUpClass(cls) -> None:
        cls.hub = Hub(cls.engine, cls.settings)
        cls.addClassCleanup(cls.hub.remove)
        cls.hub.start()

    def setUp(self) -> None:
        self.tenant = self.make_tenant()
        self.api = self.hub.api.as_key(self.make_key(self.tenant)["key"])

    # --- arranging

    def make_tenant(self, name: str = "Acme") -> dict:
        return self.expect(
            201, self.hub.platform.post("/api/v1/tenants", {"name": name, "slug": f"t-{uuid.uuid4().hex}"})
        )

    def make_key(self, tenant: dict, **settings: Any) -> dict:
        platform = self.hub.platform_in(tenant["id"])
        return self.expect(
            201, platform.post("/api/v1/api-keys", {"name": "test", "role": "admin"} | settings)
        )

    def make_receiver(self, default: Behaviour = answer()) -> Receiver:
        receiver = Receiver(default)
        self.addCleanup(receiver.close)
        return receiver

    def subscribe(self, receiver: Receiver, **settings: Any) -> dict:
        """A subscription to order.*, with its secret."""
        wanted = {"name": "test", "url": receiver.url, "event_types": ["order.*"]} | settings
        return self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", wanted))

    def publish(self, **members: Any) -> dict:
        return self.expect(
            202, self.api.post("/api/v1/events", {"type": "order.created", "data": {"id": 42}} | members)
        )

    # --- asking

    def expect(self, status: int, reply: Reply) -> Any:
        """The answer's JSON; the test fails when it has another status."""
        self.assertEqual(reply.status, status, reply.content.decode(errors="replace"))
        return reply.json if reply.content else None

    def expect_problem(self, status: int, code: str, reply: Reply) -> dict:
        problem = self.expect(status, reply)
        self.assertEqual(reply.code, code, problem)
        self.assertEqual(problem["status"], status)
        return problem

    def subscription(self, subscription: dict) -> dict:
        return self.expect(200, self.api.get(path_of(subscription)))

    def deliveries(self, subscription: dict, query: str = "") -> list[dict]:
        return self.expect(200, self.api.get(f"{path_of(subscription)}/deliveries{query}"))["data"]

    def wait_for_status(
        self, subscription: dict, status: str, count: int = 1, within: float = PATIENCE_S
    ) -> list[dict]:
        """The subscription's deliveries of a status, as soon as there are so many."""
        def found() -> list[dict]:
            rows = self.deliveries(subscription, f"?status={status}&limit=250")
            return rows if len(rows) >= count else []
        return eventually(found, f"{count} deliveries {status}", within)

    def act(self, subscription: dict, action: str, body: Any = None) -> dict:
        return self.expect(200, self.api.post(f"{path_of(subscription)}/{action}", body))


class OwnHubCase(HubCase):
    """Each test has a hub of its own, which it ends and starts as it likes."""

    @classmethod
    def setUpClass(cls) -> None:
        """There is no hub for the class."""

    def setUp(self) -> None:
        self.hub = self.make_hub()
        self.hub.start()
        super().setUp()

    def make_hub(self, **options) -> Hub:
        hub = Hub(self.engine, **options)
        self.addCleanup(hub.remove)
        return hub


def path_of(subscription: dict) -> str:
    return f"/api/v1/webhooks/subscriptions/{subscription['id']}"
