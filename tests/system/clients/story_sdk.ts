// A customer's story, played with the functions that @hey-api/openapi-ts generates: API OWNER CUSTOMER.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createClient } from "./sdk/client/index.js";
import * as daybook from "./sdk/sdk.gen.js";

const [api, owner, customer] = process.argv.slice(2);
const as = (token: string | undefined) => createClient({ baseUrl: api!, auth: () => token });
const key = () => ({ "Idempotency-Key": randomUUID() });
type Answer<T> = { data?: T; error?: unknown; response?: Response };

/** The answer, its version and its position; fails for a problem. */
function got<T>({ data, error, response }: Answer<T>) {
  assert.ok(data !== undefined && response !== undefined, JSON.stringify(error));
  return { data, version: response.headers.get("etag")!, at: response.headers.get("daybook-position")! };
}

async function openShop(name: string): Promise<string> {
  const client = as(owner);
  const provider = got(await daybook.createProvider({ client, body: { name: "Ada", timezone: "Europe/Paris" } }));
  const path = { provider_id: provider.data.id };
  const headers = { "Daybook-Position": provider.at };
  const schedule = got(await daybook.getSchedule({ client, path, headers }));
  const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
  const weekly = days.map((day) => ({ day, from: "09:00", to: "17:00" }));
  const body = { timezone: "Europe/Paris", weekly };
  got(await daybook.replaceSchedule({ client, path, headers: { "If-Match": schedule.version }, body }));
  const terms = { name, duration: 30, currency: "EUR", price: 3500, provider_id: provider.data.id };
  return got(await daybook.createService({ client, body: terms })).at;
}

async function visit(name: string, position: string): Promise<void> {
  const client = as(customer);
  let headers = { "Daybook-Position": position };
  const found = got(await daybook.listServices({ client, query: { q: name }, headers }));
  const service = found.data.items[0]!;
  const day = (n: number) => new Date(Date.now() + n * 86_400_000).toISOString().slice(0, 19) + "Z";
  const query = { service_id: service.id, from: day(2), to: day(4) };
  const free = got(await daybook.findStarts({ client, query, headers })).data.starts;
  const [one, other] = [free[0]!, free[1]!];

  const wish = { service_id: service.id, start: one.start };
  const hold = got(await daybook.placeHold({ client, headers: key(), body: wish })).data;
  const booking = { ...wish, hold_id: hold.id, note: "By the window, please." };
  const booked = got(await daybook.bookAppointment({ client, headers: key(), body: booking }));
  assert.equal(booked.data.status, "booked");

  const path = { appointment_id: booked.data.id };
  const move = { client, path, headers: { "If-Match": booked.version }, body: { start: other.start } };
  const moved = got(await daybook.rescheduleAppointment(move));
  assert.equal(moved.data.start, other.start);
  const cancel = { client, path, headers: { "If-Match": moved.version }, body: { reason: "Ill." } };
  const cancelled = got(await daybook.cancelAppointment(cancel));
  headers = { "Daybook-Position": cancelled.at };
  const read = got(await daybook.getAppointment({ client, path, headers }));
  assert.equal(read.data.status, "cancelled");
  assert.equal(read.data.cancelled?.reason, "Ill.");
  assert.equal(read.version, cancelled.version);
  const history = got(await daybook.getAppointmentHistory({ client, path, headers }));
  assert.equal(history.data.items.length, 3);
}

const name = `Haircut ${randomUUID()}`;
await visit(name, await openShop(name));
