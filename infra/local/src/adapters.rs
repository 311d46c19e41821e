use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use data_encoding::BASE64;
use domain::{Sealed, Timestamp, applicant::Email};
use runtime::{Mail, MailError, Mailer, Purpose, Seal, SealError};
use serde::{Deserialize, Serialize};
use vendor_push::{Answer, Delivery, DeliveryError, HttpDelivery, Request};

use crate::{
    clock::LocalClock,
    fault::{Dependency, Faults},
    state::{State, StateError},
};

/// Seals with a key of this machine, in place of AWS KMS.
#[derive(Clone)]
pub struct LocalSeal(Arc<ChaCha20Poly1305>);

impl std::fmt::Debug for LocalSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalSeal")
    }
}

impl LocalSeal {
    /// With this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Arc::new(ChaCha20Poly1305::new(&key.into())))
    }

    fn seal_bytes(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; 12] = rand::random();
        let sealed = self
            .0
            .encrypt(&nonce.into(), Payload { msg: plain, aad: context.as_bytes() })
            .map_err(|_| SealError::UnknownForm("not sealed".into()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open_bytes(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let unknown = || SealError::UnknownForm("not sealed for this".into());
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(unknown)?;
        self.0
            .decrypt(&(*nonce).into(), Payload { msg: sealed, aad: context.as_bytes() })
            .map_err(|_| unknown())
    }
}

fn context(purpose: &Purpose<'_>) -> String {
    format!("{}:{}", purpose.name(), purpose.subject())
}

#[async_trait]
impl Seal for LocalSeal {
    async fn seal(&self, purpose: Purpose<'_>, plain: &[u8]) -> Result<Sealed, SealError> {
        self.seal_bytes(&context(&purpose), plain).map(Sealed)
    }

    async fn open(&self, purpose: Purpose<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        self.open_bytes(&context(&purpose), &sealed.0)
    }
}

/// Keeps mails instead of sending them: in memory for who looks at them, and sealed for the next run. Cloning shares.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    kept: Arc<Mutex<Vec<Kept>>>,
    state: State,
    seal: LocalSeal,
    clock: LocalClock,
    faults: Faults,
}

/// A mail as `GET /_local/mail` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) attachments: Vec<serde_json::Value>,
    pub(crate) sent_at: Timestamp,
}

impl Mailbox {
    /// With the mails of earlier runs.
    pub(crate) fn open(
        state: State,
        seal: LocalSeal,
        clock: LocalClock,
        faults: Faults,
    ) -> Result<Self, MailError> {
        let unavailable = |error: StateError| MailError::Unavailable(error.into());
        let unknown = || MailError::Unavailable("a kept mail cannot be opened".into());
        let earlier: Vec<(String, String)> = state.all("mail").map_err(unavailable)?;
        let open = |(_, sealed): &(String, String)| {
            let sealed = BASE64.decode(sealed.as_bytes()).map_err(|_| unknown())?;
            let plain = seal.open_bytes("mail", &sealed).map_err(|_| unknown())?;
            serde_json::from_slice(&plain).map_err(|_| unknown())
        };
        let kept = earlier.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { kept: Arc::new(Mutex::new(kept)), state, seal, clock, faults })
    }

    /// Every mail, newest first.
    pub(crate) fn all(&self) -> Vec<Kept> {
        self.kept().iter().rev().cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, to: &Email, mail: &Mail) -> Result<(), MailError> {
        if self.faults.strike(Dependency::Mail) {
            return Err(MailError::Unavailable("made to fail".into()));
        }
        let unavailable =
            |error: Box<dyn std::error::Error + Send + Sync>| MailError::Unavailable(error);
        let kept = Kept {
            to: vec![to.reveal().to_owned()],
            subject: mail.subject.clone(),
            text: mail.text.clone(),
            html: mail.html.clone(),
            attachments: Vec::new(),
            sent_at: self.clock.now(),
        };
        let plain = serde_json::to_vec(&kept).map_err(|error| unavailable(error.into()))?;
        let sealed =
            self.seal.seal_bytes("mail", &plain).map_err(|error| unavailable(error.into()))?;
        let id = crate::queue::next_id();
        let result = self.state.put("mail", &id, &BASE64.encode(&sealed));
        result.map_err(|error| unavailable(error.into()))?;
        self.kept().push(kept);
        Ok(())
    }
}

/// Posts webhooks, and fails as the faults say.
#[derive(Debug)]
pub(crate) struct LocalDelivery {
    pub(crate) http: HttpDelivery,
    pub(crate) faults: Faults,
}

#[async_trait]
impl Delivery for LocalDelivery {
    async fn send(&self, request: Request) -> Result<Answer, DeliveryError> {
        if self.faults.strike(Dependency::Webhook) {
            return Err(DeliveryError::NoAnswer("made to fail".into()));
        }
        self.http.send(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_sealed_for_one_is_not_opened_for_another() {
        let seal = LocalSeal::new([3; 32]);
        let (mine, other) = ("R-7K3M-9QXD".parse().unwrap(), "R-7K3M-9QXE".parse().unwrap());
        let sealed = seal.seal(Purpose::Applicant(&mine), b"secret").await.unwrap();
        assert!(!sealed.0.windows(6).any(|window| window == b"secret"));
        assert_eq!(seal.open(Purpose::Applicant(&mine), &sealed).await.unwrap(), b"secret");
        assert!(seal.open(Purpose::Applicant(&other), &sealed).await.is_err());
        assert!(seal.open(Purpose::CancelReason(&mine), &sealed).await.is_err());
    }
}
