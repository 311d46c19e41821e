use std::{fmt, sync::Arc};

use domain::{
    FacilityId, Reservation, Timestamp,
    applicant::Email,
    keys::{KeyRing, Links, Notices},
    visit_token::TokenKind,
};
use store::Store;

use crate::{Environment, Start, StartError, aws, telemetry::ErrorChain, variable};

/// Tells the time: the machine's in AWS, the hub's own in the local hub and in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn machine() -> Self {
        Self::new(machine_time)
    }

    /// A clock of one's own.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What the machine's clock says: for what browsers, token issuers and receivers compare with theirs. All else reads
/// the hub's [`Clock`].
pub fn machine_time() -> Timestamp {
    jiff::Timestamp::now().into()
}

/// What almost every function needs.
#[derive(Debug, Clone)]
pub struct Hub {
    /// The table.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Where people and systems reach the hub, without a slash at the end.
    pub base_url: Arc<str>,
}

impl Start<Environment> for Hub {
    /// By `TABLE_NAME` and `BASE_URL`. Makes one cheap read, so that the first request meets a connection that stands.
    async fn start(environment: &Environment) -> Result<Self, StartError> {
        let base_url = variable("BASE_URL")?.trim_end_matches('/').into();
        let db = aws_sdk_dynamodb::Client::new(&aws::config()?);
        let store = Store::new(db, variable("TABLE_NAME")?);
        if let Err(error) = store.warm_up(environment.first_read).await {
            tracing::warn!(error = %ErrorChain(&error), "the first read failed");
        }
        Ok(Self { store, clock: Clock::machine(), base_url })
    }
}

impl Hub {
    /// The screen where staff act on a reservation.
    pub fn console_url(&self, number: &domain::ReservationNumber) -> String {
        format!("{}/staff/reservations/{number}", self.base_url)
    }

    /// The page where the parent sees, confirms and cancels the reservation. Its token stands in the fragment,
    /// which no server, proxy or mail scanner sees.
    pub fn visit_url(&self, reservation: &Reservation, links: &KeyRing<Links>) -> String {
        let number = &reservation.reservation_number;
        let token = links.token(TokenKind::Link, number, self.clock.now());
        format!("{}/visit#{token}", self.base_url)
    }
    /// The page where a new notice address says that it wants the nursery's mails. Its token stands in the fragment.
    pub fn notice_url(
        &self,
        facility: &FacilityId,
        address: &Email,
        notices: &KeyRing<Notices>,
    ) -> String {
        let token = notices.notice_token(facility, address, self.clock.now());
        format!("{}/notice#{token}", self.base_url)
    }
}
