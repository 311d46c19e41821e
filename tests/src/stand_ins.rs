//! What stands for the queues and the mail service, and what the embedded store reads.

use std::sync::Mutex;

use async_trait::async_trait;
use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::applicant::Email;
use runtime::{Mail, MailError, Mailer, Outgoing, Queue, QueueError};
use serde_json::Value;

/// A queue that only remembers.
#[derive(Debug, Default)]
pub struct Messages(pub Mutex<Vec<Value>>);

#[async_trait]
impl Queue for Messages {
    async fn send(&self, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let values = messages.iter().map(|message| serde_json::from_str(&message.body).unwrap());
        self.0.lock().unwrap().extend(values);
        Ok(())
    }
}

/// A mail service that only remembers.
#[derive(Debug, Default)]
pub struct Mailbox(pub Mutex<Vec<Mail>>);

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, to: &Email, mail: &Mail) -> Result<(), MailError> {
        self.0.lock().unwrap().push(Mail { to: vec![to.clone()], ..mail.clone() });
        Ok(())
    }
}

/// An event of a queue with these bodies.
pub fn queue_event(bodies: &[Value], receives: usize) -> SqsEvent {
    let mut event = SqsEvent::default();
    for (place, body) in bodies.iter().enumerate() {
        let mut message = SqsMessage::default();
        message.message_id = Some(format!("message-{place}"));
        message.receipt_handle = Some(format!("receipt-{place}"));
        message.body = Some(body.to_string());
        let count = receives.to_string();
        message.attributes.insert("ApproximateReceiveCount".into(), count);
        event.records.push(message);
    }
    event
}

/// A value as the embedded store has it.
pub(crate) fn embedded(
    value: aws_sdk_dynamodb::types::AttributeValue,
) -> dynoxide::types::AttributeValue {
    use aws_sdk_dynamodb::types::AttributeValue as Sdk;
    use dynoxide::types::AttributeValue as Embedded;
    match value {
        Sdk::S(text) => Embedded::S(text),
        Sdk::N(number) => Embedded::N(number),
        Sdk::B(bytes) => Embedded::B(bytes.into_inner()),
        Sdk::Bool(truth) => Embedded::BOOL(truth),
        Sdk::Null(null) => Embedded::NULL(null),
        Sdk::Ss(texts) => Embedded::SS(texts),
        Sdk::L(list) => Embedded::L(list.into_iter().map(embedded).collect()),
        Sdk::M(map) => Embedded::M(map.into_iter().map(|(n, v)| (n, embedded(v))).collect()),
        other => panic!("no item of the hub has {other:?}"),
    }
}
