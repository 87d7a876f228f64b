"""What the end-to-end tests stand on: a real server, real databases, receivers that misbehave on purpose."""
from harness.api import Api, Reply
from harness.case import HubCase, OwnHubCase, eventually, on_both_engines
from harness.hub import Hub, HubFailed
from harness.receiver import Receiver, Request

__all__ = ["Api", "Hub", "HubCase", "HubFailed", "OwnHubCase", "Receiver", "Reply", "Request", "eventually",
           "on_both_engines"]
