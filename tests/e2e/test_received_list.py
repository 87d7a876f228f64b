"""The list of what came: its filters are those of the other lists."""
import unittest
from urllib.parse import quote

from harness import on_both_engines
from harness.endpoints import ENDPOINTS, RECEIVED, EndpointCase

load_tests = on_both_engines

PATHS = {"event_type": "json:type", "event_id": "json:id"}


class Filters(EndpointCase):
    def send_one(self, endpoint: dict, type: str) -> dict:
        """What became of a request of this type."""
        body = f'{{"type": "{type}", "id": "{self.id()}-{type}"}}'.encode()
        id = self.expect(200, self.send(endpoint, body))["id"]
        return self.wait_processed(id, "IGNORED" if type.startswith("dull") else "PROCESSED")

    def ids(self, **filters: str) -> list[str]:
        """Of the rows that are listed, as the sender named them."""
        query = "&".join(f"{quote(name)}={quote(text)}" for name, text in filters.items())
        return [row["event_type"] for row in reversed(self.received(f"?{query}"))]

    def test_by_time_on_both_sides(self):
        endpoint = self.make_endpoint(paths=PATHS)
        rows = [self.send_one(endpoint, f"order.n{n}") for n in range(3)]
        types = [row["event_type"] for row in rows]
        moment = rows[1]["received_at"]

        before, between = ([type for type, row in zip(types, rows) if fits(row["received_at"])]
                           for fits in (lambda at: at < moment, lambda at: at == moment))
        after = types[len(before) + len(between):]
        self.assertEqual(self.ids(**{"received_at[gte]": moment}), between + after)
        self.assertEqual(self.ids(**{"received_at[gt]": moment}), after)
        self.assertEqual(self.ids(**{"received_at[lte]": moment}), before + between)
        self.assertEqual(self.ids(**{"received_at[lt]": moment}), before)
        self.assertEqual(self.ids(**{"received_at[gte]": moment, "received_at[lte]": moment}), between)
        for name in ("gte", "gt", "lte", "lt"):
            self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{RECEIVED}?received_at[{name}]=noon"))

    def test_by_endpoint_type_pattern_and_several_states(self):
        shop = self.make_endpoint("shop", paths=PATHS, event_types=["order.*", "workitem_*"])
        other = self.make_endpoint("other", paths=PATHS)
        for type in ("order.made", "workitem_moved", "dull"):
            self.send_one(shop, type)
        self.send_one(other, "order.paid")

        self.assertEqual(self.ids(endpoint_id=shop["id"]), ["order.made", "workitem_moved", "dull"])
        self.assertEqual(self.ids(event_type="order.*"), ["order.made", "order.paid"])
        self.assertEqual(self.ids(event_type="workitem_*"), ["workitem_moved"])
        self.assertEqual(self.ids(event_type="order.*", endpoint_id=other["id"]), ["order.paid"])
        self.assertEqual(self.ids(status="IGNORED"), ["dull"])
        self.assertEqual(self.ids(status="IGNORED,PROCESSED", endpoint_id=shop["id"]),
                         ["order.made", "workitem_moved", "dull"])
        self.expect(200, self.api.patch(f"{ENDPOINTS}/{other['id']}", {"status": "PAUSED"}))
        self.expect(200, self.send(other, b'{"type": "order.late", "id": "late"}'))
        self.assertEqual(self.ids(status="PENDING,IGNORED"), ["dull", None])
        problem = self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{RECEIVED}?status=FAILED,DONE"))
        self.assertIn("PENDING, PROCESSED, FAILED, IGNORED or CONFLICT", problem["detail"])
        self.expect_problem(400, "BAD_REQUEST", self.api.get(f"{RECEIVED}?endpoint_id=shop"))


if __name__ == "__main__":
    unittest.main()
