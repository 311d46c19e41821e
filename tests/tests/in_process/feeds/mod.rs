//! The feeds: who follows one has every thing as it is, whoever tells at the same time, however often and in whatever order.

mod items;
mod restored;
mod slots;

use std::collections::BTreeMap;

use domain::feed::Feed;
use serde_json::Value;
use tests::{Answer, As, World};

/// Somebody who keeps a copy of a feed.
struct Reader {
    feed: Feed,
    next: String,
    seen: u64,
    items: usize,
    copy: BTreeMap<String, Value>,
}

impl Reader {
    /// From the beginning, by pages of this size.
    fn new(feed: Feed, limit: usize) -> Self {
        let next = format!("/v1/feeds/{}?limit={limit}", feed.name());
        Self { feed, next, seen: 0, items: 0, copy: BTreeMap::new() }
    }

    /// Reads on to the last page.
    async fn read_on(&mut self, world: &World) {
        loop {
            let page = self.read_page(world).await;
            assert_eq!(page.status, 200, "{}", page.shown());
            if page.body["items"] == Value::Array(Vec::new()) {
                return;
            }
        }
    }

    /// Reads a page; the answer to it.
    async fn read_page(&mut self, world: &World) -> Answer {
        let page = world.get(&As::Anyone, &self.next).await;
        if page.status != 200 {
            return page;
        }
        let next = page.body["next"].as_str().unwrap().strip_prefix("https://hub.example.jp");
        let items = page.body["items"].as_array().unwrap();
        for item in items {
            assert_eq!(item["kind"], self.feed.kind());
            let number = item["modified"].as_u64().unwrap();
            assert!(number > self.seen, "{number} after {}", self.seen);
            self.seen = number;
            let id = item["id"].as_str().unwrap().to_owned();
            match item["state"].as_str().unwrap() {
                "updated" => drop(self.copy.insert(id, item["data"].clone())),
                _ => {
                    assert_eq!((&item["state"], item.get("data")), (&"deleted".into(), None));
                    self.copy.remove(&id);
                }
            }
        }
        if items.is_empty() {
            assert_eq!(next.unwrap(), self.next, "the last page is its own next");
        }
        self.items += items.len();
        self.next = next.unwrap().to_owned();
        page
    }
}
