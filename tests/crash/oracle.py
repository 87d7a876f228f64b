"""Who should get what: subscriptions and their patterns, evaluated by rules of their own.

The rules are written from the API's documentation, not from the server's code.
"""
from dataclasses import dataclass

TENANTS = 2


@dataclass(frozen=True)
class Endpoint:
    """One subscription and the receiver behind it; its number names it in ledgers and URLs."""
    number: int
    tenant: int
    patterns: tuple[str, ...]


PATTERNS = (("order.*",), ("invoice.created", "invoice.paid"), ("stock.*", "order.line.*"))
ENDPOINTS = tuple(Endpoint(tenant * len(PATTERNS) + i, tenant, patterns)
                  for tenant in range(TENANTS) for i, patterns in enumerate(PATTERNS))

# Type and share. One matches two patterns, one looks like a match but is not, one matches none.
EVENT_TYPES = (("order.created", 40), ("order.line.added", 15), ("invoice.created", 20), ("invoice.paid", 10),
               ("stock.changed", 8), ("order", 3), ("customer.moved", 4))
REFUSED_TYPE = "order..created"  # an empty part: no event type at all


def matches(pattern: str, event_type: str) -> bool:
    """"*" is every type, "a.*" every type below a but not a itself, anything else that type."""
    wanted, parts = pattern.split("."), event_type.split(".")
    if wanted == ["*"]:
        return True
    if wanted[-1] == "*":
        return len(parts) >= len(wanted) and parts[:len(wanted) - 1] == wanted[:-1]
    return wanted == parts


def expected_endpoints(tenant: int, event_type: str) -> tuple[int, ...]:
    return tuple(endpoint.number for endpoint in ENDPOINTS if endpoint.tenant == tenant
                 and any(matches(pattern, event_type) for pattern in endpoint.patterns))
