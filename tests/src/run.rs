//! What the hub does by itself: the stream, what is due, and the mails.

use super::*;

impl World {
    /// Tells all that changed and does all that is due, until there is nothing more.
    pub async fn settle(&self) -> keep_deadlines::Report {
        let mut total = keep_deadlines::Report::default();
        loop {
            // Boxed: what a test waits for is part of its own future, and a test's stack is small.
            Box::pin(self.relay_changes()).await;
            let now = self.hub.clock.now();
            let report = Box::pin(keep_deadlines::run(self.store(), now)).await.unwrap();
            if report.due == 0 {
                return total;
            }
            total.add(&report);
        }
    }

    /// The next changes that were not told.
    pub async fn unrelayed(&self) -> StreamEvent {
        self.stream.lock().await.next().unwrap()
    }

    /// Tells all that changed, as the stream does.
    pub async fn relay_changes(&self) {
        let mut stream = self.stream.lock().await;
        let mut failed = 0;
        loop {
            let event = stream.next().unwrap();
            if event.records.is_empty() {
                return;
            }
            let read = Stream::numbers(&event);
            let response = Box::pin(self.relay().handle(event)).await;
            stream.acknowledge(&read, &response);
            let told = response.batch_item_failures.is_empty();
            failed = if told { 0 } else { failed + 1 };
            assert!(failed < self.deliveries, "not told, delivered {failed} times");
        }
    }

    /// Runs the imports of which the stream tells: of each change once.
    pub async fn run_imports(&self) {
        let mut stream = self.import_stream.lock().await;
        let importer = Importer { hub: self.hub.clone() };
        loop {
            let event = stream.next().unwrap();
            if event.records.is_empty() {
                return;
            }
            importer.handle(&event).await.unwrap();
            stream.acknowledge(&Stream::numbers(&event), &DynamoDbEventResponse::default());
        }
    }

    /// What takes the files that came.
    pub fn taker(&self) -> TakeUpload {
        TakeUpload { hub: self.hub.clone(), uploads: Arc::new(self.uploads.clone()) }
    }

    /// Moves the clock, tells, and does what is due then.
    pub async fn settle_at(&self, to: &str) -> keep_deadlines::Report {
        self.set(to);
        self.settle().await
    }

    /// Tells all that changed, does all that is due, and sends the mails that come of it: those.
    pub async fn send_mails(&self) -> Vec<Mail> {
        Box::pin(self.settle()).await;
        // A mail to several recipients comes back once for each.
        loop {
            let orders = std::mem::take(&mut *self.mails.0.lock().unwrap());
            if orders.is_empty() {
                break;
            }
            for order in orders {
                let event = queue_event(std::slice::from_ref(&order), 1);
                let response = Box::pin(self.send_mail().handle(event)).await.unwrap();
                assert!(response.batch_item_failures.is_empty(), "{order}");
            }
        }
        std::mem::take(&mut *self.mailbox.0.lock().unwrap())
    }

    /// Runs the hourly job.
    pub async fn ping(&self, at: &str) -> ping_pending::Report {
        self.set(at);
        ping_pending::run(self.store(), at.parse().unwrap()).await.unwrap()
    }

    /// The handler of the stream.
    pub fn relay(&self) -> Relay {
        Relay {
            store: self.store().clone(),
            clock: self.hub.clock.clone(),
            mails: self.mail_queues(),
            pushes: self.pushes.clone(),
            parked: self.parked.clone(),
            search: self.search.clone(),
        }
    }

    /// The queues of mails: one, for both kinds.
    pub fn mail_queues(&self) -> MailQueues {
        MailQueues { awaited: self.mails.clone(), routine: self.mails.clone() }
    }

    /// The handler of mails.
    pub fn send_mail(&self) -> SendMail {
        SendMail {
            hub: self.hub.clone(),
            seal: self.seal.clone(),
            links: self.keys.links.clone(),
            notices: self.keys.notices.clone(),
            addresses: self.keys.addresses.clone(),
            mailer: self.mailbox.clone(),
            queues: self.mail_queues(),
            pace: Arc::new(Pace::unlimited()),
        }
    }
}
