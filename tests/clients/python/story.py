"""The story of a visit, told through a client that was generated from the OpenAPI document: each answer is read as what
the document says it is."""

import datetime
import sys
from uuid import uuid4

import httpx
import rdflib
from hokatsu_client import AuthenticatedClient, Client
from hokatsu_client.api.ict import ict_list_reservations, ict_new_count
from hokatsu_client.api.public import get_facility, list_slots, search_facilities, slots_feed
from hokatsu_client.api.search_site import (
    cancel_reservation,
    get_reservation,
    list_reservations,
    request_reservation,
)
from hokatsu_client.api.staff import (
    dashboard,
    get_settings,
    open_slots,
    staff_approve,
    staff_get_reservation,
)
from hokatsu_client.api.vendor import create_webhook_endpoint, list_webhook_endpoints
from hokatsu_client.models import (
    Cancel,
    Consent,
    Contact,
    CreateWebhookEndpoint,
    DayOfWeek,
    FacilityType,
    OpenSlots,
    Origin,
    Problem,
    RequestVisit,
    Review,
    SlotStatus,
    Status,
    TimeOfDay,
)


def read(status, response):
    """What an answer says, which has to come with this status and has to be in the document."""
    assert response.status_code == status, (response.status_code, response.content)
    assert response.parsed is not None, response.content
    return response.parsed


def main(url):
    local = httpx.get(f"{url}/_local/credentials").json()
    anyone = Client(base_url=url, raise_on_unexpected_status=True)

    def client(kind):
        known = next(c for c in local["clients"] if c["kind"] == kind)
        token = httpx.post(
            f"{url}/oauth2/token",
            auth=(known["client_id"], known["client_secret"]),
            data={"grant_type": "client_credentials"},
        ).json()["access_token"]
        return AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True), known

    def user(role):
        known = next(u for u in local["users"] if u["role"] == role)
        token = known["access_token"]
        return AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True), known

    (site, _), (ict, linked) = client("search_site"), client("ict")
    (staff, nursery), (city, _) = user("facility"), user("municipality")
    facility_id = nursery["facility_ids"][0]
    assert facility_id in linked["facility_ids"]

    found = read(200, search_facilities.sync_detailed(client=anyone, type_=FacilityType.NURSERY, limit=100))
    assert {item.facility_type for item in found.items} == {FacilityType.NURSERY}
    facility = read(200, get_facility.sync_detailed(facility_id, client=anyone))
    assert facility.facility_id == facility_id and facility.postal_code is None

    day = datetime.date.today() + datetime.timedelta(days=60)
    pattern = OpenSlots(
        from_=day,
        to=day + datetime.timedelta(days=6),
        weekdays=[DayOfWeek(name) for name in ("mon", "tue", "wed", "thu", "fri")],
        times=[TimeOfDay(starts="14:00", ends="14:45")],
        capacity=1,
        include_holidays=True,
    )
    opened = read(
        201, open_slots.sync_detailed(facility_id, client=staff, body=pattern, idempotency_key=str(uuid4()))
    )
    assert opened.created == 5, opened
    slots = read(200, list_slots.sync_detailed(facility_id, client=anyone, from_=day))
    slot = next(slot for slot in slots.items if slot.capacity == 1)
    assert slot.status is SlotStatus.OPEN

    visit = RequestVisit(
        facility_id=facility_id,
        slot_id=slot.slot_id,
        applicant=Contact(name="保活 花子", phone="０３−３９６２−１２３４", email="hanako@example.jp"),
        party_size=2,
        consent=Consent(version="2026-10", agreed_at=datetime.datetime(2026, 10, 1, tzinfo=datetime.timezone.utc)),
    )
    key = str(uuid4())
    asked = read(201, request_reservation.sync_detailed(client=site, body=visit, idempotency_key=key))
    assert (asked.status, asked.origin, asked.comment) == (Status.PENDING, Origin.SEARCH_SITE, None)
    again = read(201, request_reservation.sync_detailed(client=site, body=visit, idempotency_key=key))
    assert again == asked
    full = read(409, request_reservation.sync_detailed(client=site, body=visit, idempotency_key=str(uuid4())))
    assert isinstance(full, Problem) and full.type_ == "/problems/slot-full", full
    visit.applicant.name = ""
    wrong = read(400, request_reservation.sync_detailed(client=site, body=visit, idempotency_key=str(uuid4())))
    assert [error.pointer for error in wrong.errors] == ["/applicant/name"]

    count = read(200, ict_new_count.sync_detailed(facility_id, client=ict))
    assert count.count >= 1 and count.as_of.tzinfo is not None
    seen = read(200, ict_list_reservations.sync_detailed(facility_id, client=ict, from_=day))
    assert asked.reservation_number in {item.reservation_number for item in seen.items}

    number = asked.reservation_number
    approved = read(200, staff_approve.sync_detailed(number, client=staff, body=Review(comment="上履きをお持ちください。")))
    assert (approved.status, approved.comment) == (Status.APPROVED, "上履きをお持ちください。")
    known = read(200, staff_get_reservation.sync_detailed(number, client=staff))
    assert known.applicant.phone == "03-3962-1234" and known.history[0].from_ is None
    mine = read(200, get_reservation.sync_detailed(number, client=site))
    assert mine.sequence == 2
    listed = read(200, list_reservations.sync_detailed(client=site, status=Status.APPROVED))
    assert number in {item.reservation_number for item in listed.items}
    cancelled = read(200, cancel_reservation.sync_detailed(number, client=site, body=Cancel(reason="都合により")))
    assert cancelled.status is Status.CANCELLED_BY_PARENT
    late = read(409, staff_approve.sync_detailed(number, client=staff, body=Review()))
    assert late.current_status == Status.CANCELLED_BY_PARENT.value

    endpoint = CreateWebhookEndpoint(url="http://127.0.0.1:9/hook")
    created = read(
        201, create_webhook_endpoint.sync_detailed(client=site, body=endpoint, idempotency_key=str(uuid4()))
    )
    assert created.secret.startswith("whsec_")
    endpoints = read(200, list_webhook_endpoints.sync_detailed(client=site))
    assert [item.secret for item in endpoints.items] == [None]

    settings = read(200, get_settings.sync_detailed(facility_id, client=staff))
    assert settings.booking_opens_days_before == 90
    assert read(200, dashboard.sync_detailed(client=city)).municipalities
    feed = read(200, slots_feed.sync_detailed(client=anyone, limit=500))
    assert any(item.data.slot_id == slot.slot_id for item in feed.items) or len(feed.items) == 500
    # The catalogue is RDF for whoever collects open data.
    address = f"{url}/v1/catalog.jsonld"
    graph = rdflib.Graph().parse(data=httpx.get(address).text, format="json-ld", publicID=address)
    dcat = rdflib.Namespace("http://www.w3.org/ns/dcat#")
    (catalogue,) = graph.subjects(rdflib.RDF.type, dcat.Catalog)
    datasets = set(graph.objects(catalogue, dcat.dataset))
    assert len(datasets) == 4 and all(any(graph.objects(one, dcat.distribution)) for one in datasets)
    for address in graph.objects(None, dcat.downloadURL):
        assert httpx.get(str(address)).status_code == 200, address
    print("Python: every answer was what the document says.")


main(sys.argv[1])
