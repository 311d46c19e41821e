//! What a caller may read. Reading is the check: a handler names the caller and the thing, [`For<FacilityStaff, Slot>`](For),
//! and gets the thing only if it is theirs. What is somebody else's is answered like what does not exist.

use axum::extract::{FromRef, FromRequestParts, RawPathParams};
use domain::{
    ChangeRequest, ChangeRequestId, Facility, FacilityId, ImportId, MunicipalityCode, Reservation,
    ReservationNumber, Slot, SlotId, WebhookEndpointId, import::Import, item::Visibility,
    vendor::WebhookEndpoint,
};
use futures::TryFutureExt;
use http::request::Parts;
use jiff::SignedDuration;
use runtime::Hub;
use store::SLOTS_LOOKED_AT;

use crate::{
    Problem,
    caller::{Anyone, Authority, FacilityStaff, IctSystem, Scope, SearchSite, Staff, Vendor},
    view::FacilityDetailView,
};

/// What the path of a request names, read for a caller who may read it. There is no other way to make one.
#[derive(Debug)]
#[non_exhaustive]
pub struct For<C, T> {
    /// Who asks.
    pub caller: C,
    /// The thing that the path names.
    pub found: T,
}

/// Callers who may read such a thing, if it is theirs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` reads no `{T}`",
    note = "`shared/http/src/access.rs` says who reads what, and how the hub knows whose it is"
)]
pub trait Reads<T>: Sized {
    /// Reads the thing that the path names; [`Problem::NotFound`] if it is not theirs.
    fn read(&self, hub: &Hub, path: &PathIds) -> impl Future<Output = Result<T, Problem>> + Send;
}

impl<S, C, T> FromRequestParts<S> for For<C, T>
where
    S: Send + Sync,
    Hub: FromRef<S>,
    C: FromRequestParts<S, Rejection = Problem> + Reads<T> + Send,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Who may not ask at all is told so, whether the thing exists or not.
        let caller = C::from_request_parts(parts, state).await?;
        let path = RawPathParams::from_request_parts(parts, state).await;
        let path = PathIds(path.map_err(|_| Problem::NotFound)?);
        let found = caller.read(&Hub::from_ref(state), &path).await?;
        Ok(Self { caller, found })
    }
}

/// The ids in a path, for [`Reads`] alone. One that cannot be an id is the id of nothing.
#[derive(Debug)]
pub struct PathIds(RawPathParams);

impl PathIds {
    /// `{facility_id}`
    pub fn facility(&self) -> Result<FacilityId, Problem> {
        self.get("facility_id")
    }

    /// `{slot_id}`
    pub fn slot(&self) -> Result<SlotId, Problem> {
        self.get("slot_id")
    }

    /// `{change_request_id}`
    pub fn change_request(&self) -> Result<ChangeRequestId, Problem> {
        self.get("change_request_id")
    }

    /// `{reservation_number}`
    pub fn reservation(&self) -> Result<ReservationNumber, Problem> {
        self.get("reservation_number")
    }

    /// `{import_id}`
    pub fn import(&self) -> Result<ImportId, Problem> {
        self.get("import_id")
    }

    fn get<T: std::str::FromStr>(&self, name: &str) -> Result<T, Problem> {
        let value = self.0.iter().find(|(parameter, _)| *parameter == name);
        value.and_then(|(_, value)| value.parse().ok()).ok_or(Problem::NotFound)
    }
}

/// A reservation as it is at this moment, for who is about to change it. Read like this it costs twice as much as to
/// look at it.
pub struct Current(pub Reservation);

/// A facility is public. Whether there is one is seen beside what is asked about it.
impl Reads<FacilityId> for Anyone {
    async fn read(&self, _: &Hub, path: &PathIds) -> Result<FacilityId, Problem> {
        path.facility()
    }
}

/// A search site reads the reservations that it made.
impl<S: Scope> Reads<Reservation> for SearchSite<S> {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Reservation, Problem> {
        let found = hub.store.reservation(&path.reservation()?, false).await?;
        self.own(found)
    }
}

/// And changes them.
impl<S: Scope> Reads<Current> for SearchSite<S> {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Current, Problem> {
        let found = hub.store.reservation(&path.reservation()?, true).await?;
        self.own(found).map(Current)
    }
}

impl<S> SearchSite<S> {
    fn own(&self, found: Option<Reservation>) -> Result<Reservation, Problem> {
        let is_own = |reservation: &Reservation| reservation.client_id() == Some(&self.id);
        found.filter(is_own).ok_or(Problem::NotFound)
    }
}

/// An ICT system reads of the facilities that are linked to it.
impl<S: Scope> Reads<FacilityId> for IctSystem<S> {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<FacilityId, Problem> {
        let facility = path.facility()?;
        is_linked(hub, self, &facility).await?;
        Ok(facility)
    }
}

/// An ICT system answers the reservations of the facilities that are linked to it.
impl<S: Scope> Reads<Current> for IctSystem<S> {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Current, Problem> {
        let reservation = confirmed(hub, path, true).await?;
        is_linked(hub, self, &reservation.facility_id).await?;
        Ok(Current(reservation))
    }
}

/// A vendor reads its own webhook endpoints.
impl<S: Scope> Reads<WebhookEndpoint> for Vendor<S> {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<WebhookEndpoint, Problem> {
        let id: WebhookEndpointId = path.get("id")?;
        // The key of an endpoint has its owner.
        hub.store.endpoint(&self.id, &id).await?.ok_or(Problem::NotFound)
    }
}

/// Their own facility, without a read of the table.
impl Reads<FacilityId> for FacilityStaff {
    async fn read(&self, _: &Hub, path: &PathIds) -> Result<FacilityId, Problem> {
        self.own(path.facility()?)
    }
}

/// Their own facility.
impl Reads<Facility> for FacilityStaff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Facility, Problem> {
        facility(hub, &self.own(path.facility()?)?).await
    }
}

/// A slot of their own facility.
impl Reads<Slot> for FacilityStaff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Slot, Problem> {
        let own = self.own(path.facility()?)?;
        // The key of a slot has its facility.
        hub.store.slot(&own, &path.slot()?, true).await?.ok_or(Problem::NotFound)
    }
}

/// A change request of their own facility, as it is at this moment.
impl Reads<ChangeRequest> for FacilityStaff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<ChangeRequest, Problem> {
        let own = self.own(path.facility()?)?;
        let found = hub.store.change_request(&path.change_request()?, true).await?;
        found.filter(|request| request.facility_id == own).ok_or(Problem::NotFound)
    }
}

/// A change request that is theirs to decide, as it is at this moment.
impl Reads<ChangeRequest> for Authority {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<ChangeRequest, Problem> {
        change_request(hub, self, &path.change_request()?).await
    }
}

/// A reservation at their own facility.
impl Reads<Current> for FacilityStaff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Current, Problem> {
        let reservation = confirmed(hub, path, true).await?;
        self.of(&reservation.facility_id)?;
        Ok(Current(reservation))
    }
}

/// A facility that the person looks after.
impl Reads<Facility> for Staff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Facility, Problem> {
        let facility = facility(hub, &path.facility()?).await?;
        self.look_after(&facility.facility_id, facility.municipality_code)?;
        Ok(facility)
    }
}

/// A reservation at a facility that the person looks after.
impl Reads<Reservation> for Staff {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Reservation, Problem> {
        let reservation = confirmed(hub, path, false).await?;
        self.look_after(&reservation.facility_id, reservation.municipality_code)?;
        Ok(reservation)
    }
}

/// An import: municipal staff read those of their own municipality.
impl Reads<Import> for Authority {
    async fn read(&self, hub: &Hub, path: &PathIds) -> Result<Import, Problem> {
        let import = hub.store.import(&path.import()?).await?;
        let may_see = |import: &Import| match self {
            Self::Municipality(staff) => import.municipality == Some(staff.municipality),
            Self::Operator(_) => true,
        };
        import.filter(may_see).ok_or(Problem::NotFound)
    }
}

impl FacilityStaff {
    fn own(&self, facility: FacilityId) -> Result<FacilityId, Problem> {
        self.of(&facility).map(|()| facility)
    }
}

impl Staff {
    fn look_after(
        &self,
        facility: &FacilityId,
        municipality: MunicipalityCode,
    ) -> Result<(), Problem> {
        match self {
            Self::Facility(staff) => staff.of(facility),
            Self::Municipality(staff) if staff.municipality != municipality => {
                Err(Problem::NotFound)
            }
            Self::Municipality(_) | Self::Operator(_) => Ok(()),
        }
    }
}

/// A change request that is theirs to decide, as it is at this moment.
pub async fn change_request(
    hub: &Hub,
    authority: &Authority,
    id: &ChangeRequestId,
) -> Result<ChangeRequest, Problem> {
    let request = hub.store.change_request(id, true).await?.ok_or(Problem::NotFound)?;
    authority.municipality(Some(request.municipality_code))?;
    Ok(request)
}

/// A facility, and what anybody sees of it.
pub async fn public_facility(
    hub: &Hub,
    id: &FacilityId,
) -> Result<(Facility, FacilityDetailView), Problem> {
    let (store, now) = (&hub.store, hub.clock.now());
    let until = now + SignedDuration::from_hours(366 * 24);
    let slots = store.slots(id, now, until, SLOTS_LOOKED_AT, None).map_err(Problem::from);
    let vacancy = store.latest_vacancy(id).map_err(Problem::from);
    let (facility, slots, vacancy) = futures::try_join!(facility(hub, id), slots, vacancy)?;
    let next = match facility.takes_requests() {
        true => store.next_free_slot(&facility, slots, now, until).await?,
        false => None,
    };
    let next = next.map(|slot| slot.starts_at);
    let shown = FacilityDetailView::new(facility.clone(), Visibility::Public, next, vacancy);
    Ok((facility, shown))
}

/// A facility, for who may read it.
pub async fn facility(hub: &Hub, id: &FacilityId) -> Result<Facility, Problem> {
    hub.store.facility(id).await?.ok_or(Problem::NotFound)
}

/// A reservation for the side of the nursery. For them a request does not exist before the family has confirmed it.
async fn confirmed(hub: &Hub, path: &PathIds, consistent: bool) -> Result<Reservation, Problem> {
    let found = hub.store.reservation(&path.reservation()?, consistent).await?;
    found.filter(Reservation::is_confirmed).ok_or(Problem::NotFound)
}

async fn is_linked<S>(
    hub: &Hub,
    system: &IctSystem<S>,
    facility: &FacilityId,
) -> Result<(), Problem> {
    let linked = hub.store.is_linked(&system.id, facility).await?;
    if linked { Ok(()) } else { Err(Problem::NotFound) }
}
