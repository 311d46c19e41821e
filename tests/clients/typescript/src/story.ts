// The story of a visit, told through types that were generated from the OpenAPI document. The compiler checks that what is
// asked and compared is of the document; here it is checked that the hub speaks so.

import { strict as assert } from "node:assert";
import { randomUUID } from "node:crypto";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
type Credentials = {
  clients: { kind: string; client_id: string; client_secret: string; facility_ids: string[] }[];
  users: { role: string; access_token: string; facility_ids: string[] }[];
};

const baseUrl = process.argv[2] ?? "http://127.0.0.1:8080";
const credentials = (await (await fetch(`${baseUrl}/_local/credentials`)).json()) as Credentials;

function as(token: string) {
  const client = createClient<paths>({ baseUrl });
  const bearer: Middleware = {
    onRequest: ({ request }) => request.headers.set("authorization", `Bearer ${token}`),
  };
  client.use(bearer);
  return client;
}

async function asClient(kind: string) {
  const known = credentials.clients.find((client) => client.kind === kind);
  assert(known);
  const basic = Buffer.from(`${known.client_id}:${known.client_secret}`).toString("base64");
  const answer = await fetch(`${baseUrl}/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
    body: "grant_type=client_credentials",
  });
  return as(((await answer.json()) as { access_token: string }).access_token);
}

/** What an answer says, which has to come with this status. */
function read<T>(status: number, answer: { data?: T; error?: unknown; response: Response }): T {
  assert.equal(answer.response.status, status, JSON.stringify(answer.error));
  assert(answer.data !== undefined);
  return answer.data;
}

/** The problem that an answer is. */
function refused(status: number, answer: { error?: Schemas["Problem"]; response: Response }): Schemas["Problem"] {
  assert.equal(answer.response.status, status);
  assert(answer.error);
  assert.equal(answer.error.status, status);
  return answer.error;
}

const user = credentials.users.find((user) => user.role === "facility");
const facility_id = user?.facility_ids[0];
assert(user && facility_id);
const [anyone, site, ict, staff] = [
  createClient<paths>({ baseUrl }),
  await asClient("search_site"),
  await asClient("ict"),
  as(user.access_token),
];
const key = () => ({ "Idempotency-Key": randomUUID() });

const found = read(200, await anyone.GET("/v1/facilities", { params: { query: { type: "nursery", limit: 100 } } }));
assert(found.items.length > 0);
for (const item of found.items) {
  assert(item.facility_type === "nursery");
}
const facility = read(200, await anyone.GET("/v1/facilities/{facility_id}", { params: { path: { facility_id } } }));
const postal_code: string | null = facility.postal_code;
assert.equal(postal_code, null);

const date = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const pattern: Schemas["OpenSlots"] = {
  from: date(70),
  to: date(76),
  weekdays: ["mon", "tue", "wed", "thu", "fri"],
  times: [{ starts: "15:00", ends: "15:45" }],
  capacity: 1,
  include_holidays: true,
};
const opened = read(
  201,
  await staff.POST("/v1/staff/facilities/{facility_id}/slots/bulk", {
    params: { path: { facility_id }, header: key() },
    body: pattern,
  }),
);
assert.equal(opened.created, 5);
const slots = read(
  200,
  await anyone.GET("/v1/facilities/{facility_id}/slots", {
    params: { path: { facility_id }, query: { from: date(70) } },
  }),
);
const slot = slots.items.find((slot) => slot.capacity === 1);
assert(slot?.status === "open");

// Without `waiting_list`, which a request may leave out.
const visit: Schemas["RequestVisit"] = {
  facility_id,
  slot_id: slot.slot_id,
  applicant: { name: "保活 花子", phone: "+81 3 3962 1234", email: "hanako@example.jp" },
  party_size: 2,
  consent: { version: "2026-10", agreed_at: "2026-10-01T09:00:00+09:00" },
};
const header = key();
const asked = read(201, await site.POST("/v1/reservations", { params: { header }, body: visit }));
assert.deepEqual(read(201, await site.POST("/v1/reservations", { params: { header }, body: visit })), asked);
const full = refused(409, await site.POST("/v1/reservations", { params: { header: key() }, body: visit }));
assert.equal(full.type, "/problems/slot-full");
const wrong = refused(
  400,
  await site.POST("/v1/reservations", { params: { header: key() }, body: { ...visit, party_size: 0 } }),
);
assert.deepEqual(wrong.errors?.map((error) => error.pointer), ["/party_size"]);

const count = read(
  200,
  await ict.GET("/v1/ict/facilities/{facility_id}/new-count", { params: { path: { facility_id } } }),
);
assert(count.count >= 1);
const path = { reservation_number: asked.reservation_number };
const approved = read(
  200,
  await staff.POST("/v1/staff/reservations/{reservation_number}/approve", { params: { path }, body: {} }),
);
assert.equal(approved.status, "approved");
const seen = read(200, await staff.GET("/v1/staff/reservations/{reservation_number}", { params: { path } }));
assert.equal(seen.applicant?.phone, "03-3962-1234");
assert.deepEqual(seen.history.map((change) => change.to), ["pending", "approved"] satisfies Schemas["Status"][]);
const cancelled = read(200, await site.POST("/v1/reservations/{reservation_number}/cancel", { params: { path }, body: {} }));
assert.equal(cancelled.status, "cancelled_by_parent");
const late = refused(
  409,
  await staff.POST("/v1/staff/reservations/{reservation_number}/decline", { params: { path }, body: {} }),
);
assert.equal(late.current_status, "cancelled_by_parent");

const created = read(
  201,
  await ict.POST("/v1/webhook-endpoints", { params: { header: key() }, body: { url: "http://127.0.0.1:9/hook" } }),
);
assert(created.secret?.startsWith("whsec_"));
const settings = read(
  200,
  await staff.GET("/v1/staff/facilities/{facility_id}/settings", { params: { path: { facility_id } } }),
);
assert.equal(settings.booking_opens_days_before, 90);
console.log("TypeScript: every answer was what the document says.");
