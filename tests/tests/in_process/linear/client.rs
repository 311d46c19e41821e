//! What clients do to a slot and its reservations.

use domain::{Status, slot::SlotStatus};
use http::Method;
use local::api::visit_request;
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

use super::{
    door::{Reply, Who},
    history::{History, Known},
    model::{Acted, Op, Reserved, SlotAnswer, View, Wanted},
};

impl Reply {
    fn problem(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("/problems/")
    }

    fn unexpected(&self) -> ! {
        panic!("not an answer of the contract: {} {}", self.status, self.body)
    }
}

/// A value of an answer.
pub fn of<T: std::str::FromStr>(body: &Value, name: &str) -> T {
    let parsed = body[name].as_str().and_then(|text| text.parse().ok());
    parsed.unwrap_or_else(|| panic!("no {name} in {body}"))
}

/// A number of an answer.
pub fn count<T: TryFrom<u64>>(body: &Value, name: &str) -> T {
    let parsed = body[name].as_u64().and_then(|number| number.try_into().ok());
    parsed.unwrap_or_else(|| panic!("no {name} in {body}"))
}

fn slot_status(body: &Value) -> SlotStatus {
    serde_json::from_value(body["status"].clone()).unwrap()
}

fn view(body: &Value) -> View {
    View {
        capacity: count(body, "capacity"),
        remaining: count(body, "remaining"),
        waiting: count(body, "waiting"),
        status: slot_status(body),
        note: body["note"].as_str().map(str::to_owned),
    }
}

fn reserved(reply: &Reply) -> Option<Reserved> {
    match (reply.status, reply.problem()) {
        (201 | 202, _) if reply.replayed => Some(Reserved::Replayed(of(&reply.body, "status"))),
        (201 | 202, _) => Some(Reserved::New(of(&reply.body, "status"))),
        (409, "slot-full") => Some(Reserved::Full),
        (409, "slot-disabled") => Some(Reserved::Disabled),
        (503, _) => None,
        _ => reply.unexpected(),
    }
}

fn acted(reply: &Reply, to: Status) -> Option<Acted> {
    match (reply.status, reply.problem()) {
        (200, _) if to == Status::Pending && reply.body["status"] == "waiting" => {
            Some(Acted::Waits)
        }
        (200, _) => {
            assert_eq!(reply.body["status"], to.as_str());
            let sequence = reply.body["sequence"].as_u64().map(|_| count(&reply.body, "sequence"));
            Some(Acted::Is { sequence })
        }
        (404, _) => Some(Acted::NotFound),
        (409, "state-conflict") => Some(Acted::Conflict(of(&reply.body, "current_status"))),
        (409, "slot-full") => Some(Acted::Full),
        (409, "slot-disabled") => Some(Acted::Disabled),
        (503, _) => None,
        _ => reply.unexpected(),
    }
}

impl History {
    /// Asks for a visit.
    pub async fn reserve(&self, client: usize, portal: bool, would_wait: bool) {
        self.request(client, self.next_id(), portal, would_wait).await;
    }

    /// Sends one request twice at once, as a caller does who lost patience.
    pub async fn twice_at_once(&self, client: usize) {
        let id = self.next_id();
        let once = || self.request(client, id, false, true);
        futures::join!(once(), once());
    }

    /// Repeats a request of anybody.
    pub async fn repeat(&self, client: usize, random: &mut StdRng) {
        if let Some(known) = self.any(random) {
            self.request(client, known.id, known.portal, known.would_wait).await;
        }
    }

    async fn request(&self, client: usize, id: usize, portal: bool, would_wait: bool) {
        let mut body = visit_request(self.door.facility().as_str(), self.slot_id.as_str());
        // What the nursery reads tells which of the requests of the history it is.
        body["message_to_facility"] = id.to_string().into();
        body["waiting_list"] = would_wait.into();
        body["applicant"] = tests::family(&format!("{} {id}", self.name));
        let (who, path) = match portal {
            true => (Who::Anybody, "/v1/portal/reservations"),
            false => (Who::Site, "/v1/reservations"),
        };
        let key = format!("{} {id}", self.name);
        let header = Some(("idempotency-key", key.as_str()));
        let request = self.door.call(&who, Method::POST, path, Some(body), header);
        let told =
            |reply: &Reply| vec![Op::Reserve { id, portal, would_wait, answer: reserved(reply) }];
        let reply = self.timed(client, request, told).await;
        if let Some(Reserved::New(_)) = reserved(&reply) {
            let number = of(&reply.body, "reservation_number");
            self.known.lock().unwrap().push(Known { id, number, portal, would_wait });
        }
    }

    /// Answers, cancels or confirms any reservation.
    pub async fn act_on_any(&self, client: usize, random: &mut StdRng, to: Status) {
        let Some(known) = self.any(random) else { return };
        let number = &known.number;
        let by_parent = || Who::Parent(number.clone());
        let staff = format!("/v1/staff/reservations/{number}");
        let ict = format!("/v1/ict/reservations/{number}");
        let (who, path) = match to {
            Status::Approved if random.random() => (Who::Ict, format!("{ict}/approve")),
            Status::Approved => (Who::Staff, format!("{staff}/approve")),
            Status::Declined if random.random() => (Who::Ict, format!("{ict}/decline")),
            Status::Declined => (Who::Staff, format!("{staff}/decline")),
            Status::CancelledByFacility => (Who::Staff, format!("{staff}/cancel")),
            Status::CancelledByParent if known.portal => {
                (by_parent(), format!("/v1/visits/{number}/cancel"))
            }
            Status::CancelledByParent => (Who::Site, format!("/v1/reservations/{number}/cancel")),
            Status::Pending if self.door.has_parents() => {
                (by_parent(), format!("/v1/visits/{number}/confirm"))
            }
            _ => return,
        };
        let id = known.id;
        let acting = self.door.call(&who, Method::POST, &path, Some(json!({})), None);
        let told = |reply: &Reply| vec![Op::Act { id, to, answer: acted(reply, to) }];
        self.timed(client, acting, told).await;
    }

    fn slot_path(&self) -> String {
        format!("/v1/staff/facilities/{}/slots/{}", self.door.facility(), self.slot_id)
    }

    /// Looks at the slot as staff do: the view, and its ETag.
    pub async fn look(&self, client: usize) -> (View, String) {
        let path = self.slot_path();
        let looking = self.door.call(&Who::Staff, Method::GET, &path, None, None);
        let reply = self.timed(client, looking, |reply| vec![Op::Look(view(&reply.body))]).await;
        (view(&reply.body), reply.etag)
    }

    /// Looks at the slot in the public list.
    pub async fn look_as_anybody(&self, client: usize) -> Value {
        let day = self.starts_at.date();
        let path = format!("/v1/facilities/{}/slots?from={day}&to={day}", self.door.facility());
        let looking = self.door.call(&Who::Anybody, Method::GET, &path, None, None);
        let own = |reply: &Reply| -> Value {
            let mut items = reply.body["items"].as_array().into_iter().flatten();
            let own = items.find(|slot| slot["slot_id"] == self.slot_id.as_str());
            own.cloned().unwrap_or_else(|| reply.unexpected())
        };
        let told = |reply: &Reply| {
            let slot = own(reply);
            let (capacity, remaining) = (count(&slot, "capacity"), count(&slot, "remaining"));
            vec![Op::LookAsAnybody { capacity, remaining, status: slot_status(&slot) }]
        };
        let reply = self.timed(client, looking, told).await;
        own(&reply)
    }

    /// Reads any reservation, as its site does.
    pub async fn read_any(&self, client: usize, random: &mut StdRng) {
        let Some(known) = self.any(random).filter(|known| !known.portal) else { return };
        let path = format!("/v1/reservations/{}", known.number);
        let reading = self.door.call(&Who::Site, Method::GET, &path, None, None);
        let told = |reply: &Reply| {
            let (status, sequence) = (of(&reply.body, "status"), count(&reply.body, "sequence"));
            vec![Op::Read { id: known.id, status, sequence }]
        };
        self.timed(client, reading, told).await;
    }

    /// Changes the capacity, and sometimes opens or closes the slot, over what was seen.
    pub async fn change_slot(&self, client: usize, random: &mut StdRng) {
        let (seen, etag) = self.look(client).await;
        let to = Wanted {
            capacity: random.random_range(1..=4),
            disabled: random.random_bool(0.5).then(|| random.random_bool(0.2)),
            note: self.next_note(),
        };
        let mut body = json!({"capacity": to.capacity, "note": to.note});
        if let Some(disabled) = to.disabled {
            body["disabled"] = disabled.into();
        }
        let path = self.slot_path();
        let if_match = Some(("if-match", etag.as_str()));
        let changing = self.door.call(&Who::Staff, Method::PUT, &path, Some(body), if_match);
        let told = |reply: &Reply| {
            let answer = match (reply.status, reply.problem()) {
                (200, _) => Some(SlotAnswer::Done),
                (409, "capacity-below-taken") => Some(SlotAnswer::BelowTaken),
                (412, _) => Some(SlotAnswer::Stale),
                (503, _) => None,
                _ => reply.unexpected(),
            };
            let mut ops = vec![Op::Change { seen: seen.clone(), to: to.clone(), answer }];
            if answer == Some(SlotAnswer::Done) {
                // At some moment it still was as it had been seen, and at some moment as it is told.
                ops.extend([Op::Look(seen.clone()), Op::Look(view(&reply.body))]);
            }
            ops
        };
        self.timed(client, changing, told).await;
    }

    /// Closes the slot, whatever anybody else makes of it.
    pub async fn disable(&self, client: usize) {
        let path = format!("{}/disable", self.slot_path());
        let disabling = self.door.call(&Who::Staff, Method::POST, &path, None, None);
        let told = |reply: &Reply| match reply.status {
            200 => vec![Op::Disable { answer: Some(()) }, Op::Look(view(&reply.body))],
            503 => vec![Op::Disable { answer: None }],
            _ => reply.unexpected(),
        };
        self.timed(client, disabling, told).await;
    }
}
