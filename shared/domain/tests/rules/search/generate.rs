//! Nurseries and queries that differ as real ones do, always the same for a seed.

use domain::{
    Facility, FacilityId, Timestamp,
    facility::{ChildCapacity, ITEMS, Location},
    item::Item,
    municipality,
    search::{Entry, VacancySummary},
    vacancy::Mark,
};
use jiff::SignedDuration;

pub const NOW: &str = "2026-12-01T10:00:00+09:00";

/// Numbers that look random (SplitMix64).
pub struct Odd(pub u64);

impl Odd {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn words(&mut self, of: &str, count: u64) -> String {
        let letters: Vec<char> = of.chars().collect();
        (0..count).map(|_| *self.pick(&letters)).collect()
    }
}

const KANA: &str = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわがぎぐござじだでばびぶべぼ";
const KANJI: &str =
    "板橋足立調布桜若葉緑青空光星風花虹森林川山田中上下東西南北大小台丘原谷町本木石松竹梅";
const SUFFIXES: [&str; 5] = ["保育園", "保育所", "こども園", "ナーサリー", "キッズガーデン"];
pub const STATIONS: [&str; 6] = [
    "東武東上線 大山駅",
    "都営三田線 板橋本町駅",
    "京王線 調布駅",
    "北千住駅",
    "市ケ谷駅",
    "西新井駅",
];

/// A number with the check digit of a 法人番号.
fn corporate_number(odd: &mut Odd) -> String {
    let rest = format!("{:012}", odd.below(1_000_000_000_000));
    let digits = rest.bytes().rev().map(|b| u64::from(b - b'0'));
    let sum: u64 = digits.zip([1, 2].iter().cycle()).map(|(digit, n)| digit * n).sum();
    format!("{}{rest}", 9 - sum % 9)
}

/// A cell that an item takes.
fn cell(odd: &mut Odd, item: &Item<Facility>) -> String {
    if item.field.ends_with("_amount") {
        return format!("{}円", 100 * odd.below(90));
    }
    if !item.one_line {
        return odd.words(&[KANA, KANJI].concat(), 120);
    }
    match item.field {
        "facility_name" => {
            format!("{}{}{}", odd.words(KANJI, 2), odd.words(KANA, 3), odd.pick(&SUFFIXES))
        }
        "facility_name_kana" => odd.words(KANA, 16),
        "street_address" => {
            format!("{}{}-{}-{}", odd.words(KANJI, 3), odd.below(9), odd.below(40), odd.below(20))
        }
        "building" => format!("{}ビル{}階", odd.words(KANJI, 4), odd.below(9) + 1),
        "corporation_name" => format!("社会福祉法人{}会", odd.words(KANJI, 4)),
        "corporation_name_kana" => odd.words(KANA, 22),
        "corporation_type" => "社会福祉法人".into(),
        "nearest_station" => odd.pick(&STATIONS).to_string(),
        "nearest_bus_stop" => odd.words(KANJI, 6),
        "substitute_playground_name" => format!("{}公園", odd.words(KANJI, 4)),
        "accepts_text" => {
            let from = odd.pick(&["生後57日", "生後6か月", "満1歳", "3歳", "要相談"]).to_string();
            format!("{from}～{}", odd.pick(&["就学前", "2歳児クラス", "5歳児クラス", ""]))
        }
        "location" => {
            let east = 139.2 + odd.below(7_000_000) as f64 / 1e7;
            format!("{},{east}", 35.5 + odd.below(4_000_000) as f64 / 1e7)
        }
        "phone" => format!("03-{:04}-{:04}", odd.below(10_000), odd.below(10_000)),
        "postal_code" => format!("{:07}", odd.below(10_000_000)),
        "corporate_number" => corporate_number(odd),
        "office_number" => format!("{:013}", odd.below(10_000_000_000_000)),
        "facility_type" => odd
            .pick(&["保育所", "小規模A型", "認証保育所", "家庭的保育", "認定こども（幼保）"])
            .to_string(),
        "establishment_body" => odd.pick(&["公立", "私立"]).to_string(),
        "open_weekdays" => {
            odd.pick(&["月火水木金", "月火水木金土", "月～日", "月～日・祝"]).to_string()
        }
        "accepts_disabled_children" => odd.pick(&["有", "無", "要相談"]).to_string(),
        "website_url" => format!("https://nursery-{}.example.jp/", odd.below(100_000)),
        "social_url" | "photo_urls" => {
            format!("https://social.example/{}", odd.words("abcdefgh", 12))
        }
        field if field.ends_with("opens_at") => {
            format!("{:02}:{:02}", 6 + odd.below(3), 15 * odd.below(4))
        }
        field if field.ends_with("closes_at") => {
            format!("{:02}:{:02}", 17 + odd.below(4), 15 * odd.below(4))
        }
        _ => {
            let mut probe = blank(0, "あ");
            let yes_no = item.read(&mut probe, "無").is_ok();
            if yes_no { odd.pick(&["有", "無"]).to_string() } else { odd.below(100).to_string() }
        }
    }
}

fn blank(place: usize, name: &str) -> Facility {
    let of = &municipality::known()[place];
    Facility {
        facility_id: FacilityId::derive(None, &of.code, name),
        office_number: None,
        facility_name: name.into(),
        facility_name_kana: None,
        facility_type: None,
        establishment_body: None,
        municipality_code: of.code,
        municipality: of.name.into(),
        prefecture: of.prefecture.into(),
        postal_code: None,
        street_address: None,
        phone: None,
        location: None,
        capacity: ChildCapacity::default(),
        bookable: false,
        message_to_parents: None,
        external_booking_url: None,
        booking_closes_hours_before: 24,
        details: Default::default(),
        notes: Default::default(),
        updated_at: NOW.parse().unwrap(),
    }
}

/// A nursery of which one item in so many is not stated; 0 for none.
pub fn facility(odd: &mut Odd, not_stated: u64) -> Facility {
    let place = odd.below(municipality::known().len() as u64) as usize;
    let mut facility = blank(place, &odd.next().to_string());
    for item in ITEMS {
        let derived = ["_jpy", "accepts_from_", "accepts_to"];
        let is_derived = derived.iter().any(|part| item.field.contains(part));
        let stated = item.field == "facility_name" || not_stated == 0 || !odd.one_in(not_stated);
        if stated && !is_derived {
            let cell = cell(odd, item);
            item.read(&mut facility, &cell)
                .unwrap_or_else(|e| panic!("{}: {cell}: {e}", item.field));
        }
    }
    facility.derive_items();
    facility.bookable = !odd.one_in(4);
    facility.booking_closes_hours_before = *odd.pick(&[0, 24, 72]);
    if not_stated == 0 || odd.one_in(9) {
        let words = odd.words(KANA, 30);
        facility.message_to_parents = words.parse().ok();
    }
    if not_stated > 0 && odd.one_in(9) {
        facility.external_booking_url = "https://nursery.example.jp/booking".parse().ok();
        facility.notes.withheld = ["phone".into(), "weekday_opens_at".into()].into();
    }
    facility
}

fn vacancy(odd: &mut Odd) -> VacancySummary {
    let mut number = || (!odd.one_in(2)).then(|| odd.below(4) as u32);
    let (a, b, c, d, e) = (number(), number(), number(), number(), number());
    let sign = |odd: &mut Odd| {
        let signs = [Mark::Open, Mark::Few, Mark::None];
        odd.one_in(3).then(|| *odd.pick(&signs))
    };
    VacancySummary {
        base_month: "2026-12".into(),
        age_0: a,
        age_1: b,
        age_3: c,
        age_5: d,
        age_0_2: e,
        mark_2: sign(odd),
        mark_4: sign(odd),
        mark_5: sign(odd),
        mark_0_2: sign(odd),
        ..VacancySummary::default()
    }
}

/// A nursery with all that a search knows of it.
#[derive(Clone)]
pub struct Known {
    pub facility: Facility,
    pub free: Vec<Timestamp>,
    pub vacancy: Option<VacancySummary>,
}

pub fn known(odd: &mut Odd, not_stated: u64, slots: u64) -> Known {
    let facility = facility(odd, not_stated);
    let now: Timestamp = NOW.parse().unwrap();
    let slots = if slots == 0 { 0 } else { odd.below(slots) };
    let mut free: Vec<Timestamp> = (0..slots)
        .map(|_| now + SignedDuration::from_mins(15 * odd.below(60 * 96) as i64))
        .collect();
    free.sort();
    free.dedup();
    let vacancy = (not_stated == 0 || !odd.one_in(3)).then(|| vacancy(odd));
    Known { facility, free, vacancy }
}

impl Known {
    pub fn entry(&self) -> Entry {
        let mut entry = Entry::new(self.facility.clone());
        entry.put_free(self.free.iter().copied().collect());
        if let Some(vacancy) = self.vacancy.clone() {
            entry.put_vacancy(vacancy);
        }
        entry
    }
}

/// Somewhere in Tokyo.
pub fn place(odd: &mut Odd) -> Location {
    Location { lat: 35.5 + odd.below(400) as f64 / 1e3, lon: 139.2 + odd.below(700) as f64 / 1e3 }
}
