use std::fmt::{self, Debug};

use async_trait::async_trait;
use aws_sdk_sesv2::{
    Client,
    types::{Body, Content, Destination, EmailContent, Message},
};
use domain::applicant::Email;

use crate::{ConfigError, aws, variable};

/// A mail, ready to be sent. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// To whom; each recipient sees the others.
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
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the hub needs of a mail service.
#[async_trait]
pub trait Mailer: Debug + Send + Sync {
    /// Sends one mail.
    async fn send(&self, mail: Mail) -> Result<(), MailError>;
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
        Ok(Self {
            ses: Client::new(&aws::config()?),
            sender: variable("MAIL_SENDER")?,
            configuration_set: variable("CONFIGURATION_SET")?,
        })
    }
}

#[async_trait]
impl Mailer for SesMailer {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        let refused = |error: aws_sdk_sesv2::error::BuildError| MailError::Refused(error.into());
        let utf8 = |text: String| Content::builder().data(text).charset("UTF-8").build();
        let body = Body::builder()
            .text(utf8(mail.text).map_err(refused)?)
            .html(utf8(mail.html).map_err(refused)?)
            .build();
        let message =
            Message::builder().subject(utf8(mail.subject).map_err(refused)?).body(body).build();
        let to = mail.to.iter().map(|email| email.reveal().to_owned()).collect();
        let result = self
            .ses
            .send_email()
            .from_email_address(&self.sender)
            .configuration_set_name(&self.configuration_set)
            .destination(Destination::builder().set_to_addresses(Some(to)).build())
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
                Err(MailError::Refused("rejected by the service".into()))
            }
            Err(error) => Err(MailError::Unavailable(
                format!("{:?}", aws_sdk_sesv2::error::ProvideErrorMetadata::code(&error)).into(),
            )),
        }
    }
}
