"""The few API calls that the harness itself makes: setting up, asking for what waits."""
import http.client
import json

from oracle import ENDPOINTS, TENANTS

BOOTSTRAP_KEY = "cdk_crashcrashcrashcrashcrash"
TIMEOUT_S = 5  # of a delivery attempt; answers of the receiver are far below it
RETRIES_MAX = 20
RETRY_S = 1


class ApiError(Exception):
    pass


class Api:
    def __init__(self, port: int):
        self._port = port

    def call(self, method: str, path: str, key: str = "", body: dict | None = None, tenant: str = "") -> dict:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        if tenant:
            headers["X-Tenant-Id"] = tenant
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return json.loads(content)

    def ready(self) -> bool:
        try:
            return self.call("GET", "/readyz")["status"] == "ok"
        except (OSError, http.client.HTTPException, ApiError, ValueError):
            return False

    def make_tenant(self, slug: str) -> tuple[str, str]:
        """Its id and a key of its administrator."""
        tenant = self.call("POST", "/api/v1/tenants", BOOTSTRAP_KEY, {"name": slug, "slug": slug})
        wanted = {"name": "crash", "role": "admin"}
        made = self.call("POST", "/api/v1/api-keys", BOOTSTRAP_KEY, wanted, slug)
        return tenant["id"], made["key"]

    def subscribe(self, key: str, name: str, url: str, patterns: tuple[str, ...],
                  ordering: str) -> tuple[str, str]:
        """The subscription's id and its signing secret."""
        wanted = {"name": name, "url": url, "event_types": list(patterns), "timeout_seconds": TIMEOUT_S,
                  "max_retries": RETRIES_MAX, "retry_intervals": [RETRY_S], "ordering": ordering}
        made = self.call("POST", "/api/v1/webhooks/subscriptions", key, wanted)
        return made["id"], made["secret_key"]

    def waiting(self, keys: list[str], inbound: bool = False) -> bool:
        """Whether any delivery waits or is under way; inbound: or anything that was received."""
        paths = ["/api/v1/webhooks/deliveries?status=PENDING,RETRYING,HELD&limit=1"]
        if inbound:
            paths.append("/api/v1/webhooks/received?status=PENDING&limit=1")
        return any(self.call("GET", path, key)["data"] for key in keys for path in paths)


class Setting:
    """What was made in the server: tenants, their keys, one subscription for each endpoint."""

    def __init__(self, api: Api, receiver_port: int, ordering: str):
        made = [api.make_tenant(f"crash-{number}") for number in range(TENANTS)]
        self.tenants = {tenant_id: number for number, (tenant_id, _) in enumerate(made)}
        self.keys = [key for _, key in made]
        self.subscriptions: dict[str, int] = {}
        self.secrets: dict[int, str] = {}
        for endpoint in ENDPOINTS:
            url = f"http://127.0.0.1:{receiver_port}/hook/{endpoint.number}"
            key, name = self.keys[endpoint.tenant], f"endpoint {endpoint.number}"
            subscription, secret = api.subscribe(key, name, url, endpoint.patterns, ordering)
            self.subscriptions[subscription] = endpoint.number
            self.secrets[endpoint.number] = secret
