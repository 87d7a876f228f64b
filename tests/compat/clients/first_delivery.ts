// What a user of the generated types writes first: subscribe, publish, read what became of it. It must compile strictly.
import createClient from "openapi-fetch";

import type { operations, paths } from "./crossdock.js";

/** The receiver's URL and the hub; resolves with the delivery as soon as it has ended. */
export async function firstDelivery(baseUrl: string, key: string, receiver: string) {
  const hub = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${key}` } });
  const subscribed = await hub.POST("/api/v1/webhooks/subscriptions", {
    body: {
      name: "typescript",
      url: receiver,
      event_types: ["typescript.*"],
      filter: { and: [{ field: "data.number", op: "gte", value: 1 }, { not: { field: "data.test", op: "exists" } }] },
    },
  });
  if (!subscribed.data) throw new Error(subscribed.error.detail);
  const published = await hub.POST("/api/v1/events", { body: { type: "typescript.tried", data: { number: 42 } } });
  if (!published.data) throw new Error(published.error.detail);
  for (;;) {
    const found = await hub.GET("/api/v1/webhooks/deliveries", {
      params: { query: { subscription_id: subscribed.data.id, status: ["DELIVERED"] } },
    });
    if (!found.data) throw new Error(found.error.detail);
    const delivery = found.data.data[0];
    if (delivery) return { subscription: subscribed.data, event: published.data, delivery };
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Each operation has a type of its own: a name that is missing does not compile. */
export type Answer<Name extends keyof operations> = operations[Name]["responses"];
