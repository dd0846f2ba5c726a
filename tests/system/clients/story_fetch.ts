// A customer's story, played with openapi-fetch over the types that openapi-typescript generates: API OWNER CUSTOMER.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [api, owner, customer] = process.argv.slice(2);
const client = (token: string | undefined) =>
  createClient<paths>({ baseUrl: api!, headers: { Authorization: `Bearer ${token}` } });
const key = () => ({ "Idempotency-Key": randomUUID() });
type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The answer, its version and its position; fails for a problem. */
function got<T>({ data, error, response }: Answer<T>) {
  assert.ok(data !== undefined, JSON.stringify(error));
  return { data, version: response.headers.get("etag")!, at: response.headers.get("daybook-position")! };
}

async function openShop(name: string): Promise<string> {
  const shop = client(owner);
  const body = { name: "Ada", timezone: "Europe/Paris" };
  const provider = got(await shop.POST("/v1/providers", { body, params: {} }));
  const path = { provider_id: provider.data.id };
  const header = { "Daybook-Position": provider.at };
  const schedule = got(await shop.GET("/v1/providers/{provider_id}/schedule", { params: { path, header } }));
  const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
  const weekly = days.map((day) => ({ day, from: "09:00", to: "17:00" }));
  got(
    await shop.PUT("/v1/providers/{provider_id}/schedule", {
      params: { path, header: { "If-Match": schedule.version } },
      body: { timezone: "Europe/Paris", weekly },
    }),
  );
  const terms = { name, duration: 30, currency: "EUR", price: 3500, provider_id: provider.data.id };
  return got(await shop.POST("/v1/services", { body: terms, params: {} })).at;
}

async function visit(name: string, position: string): Promise<void> {
  const me = client(customer);
  let header = { "Daybook-Position": position };
  const found = got(await me.GET("/v1/services", { params: { query: { q: name }, header } }));
  const service = found.data.items[0]!;
  const day = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 19) + "Z";
  const query = { service_id: service.id, from: day(2), to: day(4) };
  const free = got(await me.GET("/v1/availability", { params: { query, header } })).data.starts;
  const [one, other] = [free[0]!, free[1]!];

  const wish = { service_id: service.id, start: one.start };
  const hold = got(await me.POST("/v1/holds", { params: { header: key() }, body: wish })).data;
  const booking = { ...wish, hold_id: hold.id, note: "By the window, please." };
  const booked = got(await me.POST("/v1/appointments", { params: { header: key() }, body: booking }));
  assert.equal(booked.data.status, "booked");

  const path = { appointment_id: booked.data.id };
  const moved = got(
    await me.POST("/v1/appointments/{appointment_id}/reschedule", {
      params: { path, header: { "If-Match": booked.version } },
      body: { start: other.start },
    }),
  );
  assert.equal(moved.data.start, other.start);
  const cancelled = got(
    await me.POST("/v1/appointments/{appointment_id}/cancel", {
      params: { path, header: { "If-Match": moved.version } },
      body: { reason: "Ill." },
    }),
  );
  header = { "Daybook-Position": cancelled.at };
  const read = got(await me.GET("/v1/appointments/{appointment_id}", { params: { path, header } }));
  assert.equal(read.data.status, "cancelled");
  assert.equal(read.data.cancelled?.reason, "Ill.");
  assert.equal(read.version, cancelled.version);
  const history = got(await me.GET("/v1/appointments/{appointment_id}/history", { params: { path, header } }));
  assert.equal(history.data.items.length, 3);
}

const name = `Haircut ${randomUUID()}`;
await visit(name, await openShop(name));
