use std::{
    fmt::{self, Debug},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_sesv2::{
    Client,
    types::{Body, Content, Destination, EmailContent, Message},
};
use domain::applicant::Email;

use crate::{ConfigError, aws, variable};

/// A mail, ready to be sent. Its `Debug` shows nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Mail {
    /// To whom; each gets it alone.
    pub to: Vec<Email>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

impl Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mail to {}", self.to.len())
    }
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Not now: try again.
    #[error("the mail service is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Never: the service refuses this mail.
    #[error("the mail service refuses this mail")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the hub needs of a mail service.
#[async_trait]
pub trait Mailer: Debug + Send + Sync {
    /// Sends a mail to one of its recipients.
    async fn send(&self, to: &Email, mail: &Mail) -> Result<(), MailError>;
}

/// An address as mail servers write it. What carriers handed out with dots in a row or at an end must stand in
/// quotation marks there (RFC 5321).
pub fn mailbox(address: &Email) -> String {
    let address = address.reveal();
    match address.rsplit_once('@') {
        Some((local, host)) if local.split('.').any(str::is_empty) => format!("\"{local}\"@{host}"),
        _ => address.to_owned(),
    }
}

/// An address from how mail servers write it; none where it is not one of those that the hub writes to.
pub fn of_mailbox(text: &str) -> Option<Email> {
    let unquoted = text.strip_prefix('"').and_then(|rest| rest.split_once("\"@"));
    match unquoted {
        Some((local, host)) => format!("{local}@{host}").parse().ok(),
        None => text.parse().ok(),
    }
}

/// Amazon SES.
#[derive(Debug, Clone)]
pub struct SesMailer {
    ses: Client,
    sender: String,
    configuration_set: String,
}

impl SesMailer {
    /// With the sender that `MAIL_SENDER` names, and the configuration set `CONFIGURATION_SET`, which
    /// tells what becomes of each mail.
    pub fn start() -> Result<Self, ConfigError> {
        // A mail whose answer comes too late is sent twice, so this waits longer than other calls.
        let timeouts = aws::timeouts(Duration::from_secs(5));
        let config = aws::config()?.into_builder().timeout_config(timeouts).build();
        Ok(Self {
            ses: Client::new(&config),
            sender: variable("MAIL_SENDER")?,
            configuration_set: variable("CONFIGURATION_SET")?,
        })
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, to: &Email, mail: &Mail) -> Result<(), MailError> {
        let refused = |error: aws_sdk_sesv2::error::BuildError| MailError::Rejected(error.into());
        let utf8 = |text: &str| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder()
            .text(utf8(&mail.text).map_err(refused)?)
            .html(utf8(&mail.html).map_err(refused)?)
            .build();
        let message =
            Message::builder().subject(utf8(&mail.subject).map_err(refused)?).body(body).build();
        let result = self
            .ses
            .send_email()
            .from_email_address(&self.sender)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().to_addresses(mailbox(to)).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await;
        match result {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_message_rejected() || e.is_bad_request_exception()) =>
            {
                // The cause may quote the address.
                Err(MailError::Rejected("rejected by the service".into()))
            }
            Err(error) => Err(MailError::Unavailable(
                format!("{:?}", aws_sdk_sesv2::error::ProvideErrorMetadata::code(&error)).into(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_part_with_odd_dots_is_quoted() {
        let written = |address: &str| mailbox(&address.parse().unwrap());
        assert_eq!(written("hanako.h@example.jp"), "hanako.h@example.jp");
        assert_eq!(written("a..b.@docomo.ne.jp"), "\"a..b.\"@docomo.ne.jp");
        for odd in ["a..b@docomo.ne.jp", "ab.@docomo.ne.jp", ".ab@docomo.ne.jp"] {
            let (local, host) = odd.split_once('@').unwrap();
            assert_eq!(written(odd), format!("\"{local}\"@{host}"));
            let read = of_mailbox(&written(odd)).unwrap();
            assert_eq!(read.reveal(), odd, "and is known again when it bounces");
        }
        assert_eq!(of_mailbox("hanako@example.jp").unwrap().reveal(), "hanako@example.jp");
        assert!(of_mailbox("\"a b\"@example.jp").is_none());
    }
}
