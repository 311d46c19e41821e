use proptest::prelude::*;

use super::*;

/// Text that parses as this type.
fn text<T: std::fmt::Debug + std::str::FromStr<Err: std::fmt::Debug>>(
    pattern: &'static str,
) -> impl Strategy<Value = T> + use<T> {
    pattern.prop_map(|text| text.parse().unwrap())
}

fn facility() -> impl Strategy<Value = FacilityId> {
    text("fac_[0-9a-hjkmnp-tv-z]{12}")
}

fn slot() -> impl Strategy<Value = SlotId> {
    text("slt_[0-9a-hjkmnp-tv-z]{14}")
}

fn number() -> impl Strategy<Value = ReservationNumber> {
    text("R-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
}

fn client() -> impl Strategy<Value = ClientId> {
    text("[A-Za-z0-9._-]{1,128}")
}

fn code() -> impl Strategy<Value = MunicipalityCode> {
    prop::sample::select(vec!["131199", "011002"]).prop_map(|code| code.parse().unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0_i64..10_000_000_000_000).prop_map(|ms| Timestamp::from_epoch_ms(ms).unwrap())
}

fn day() -> impl Strategy<Value = Date> {
    time().prop_map(Timestamp::date)
}

fn month() -> impl Strategy<Value = Month> {
    day().prop_map(|day| Month(day.first_of_month()))
}

fn base_month() -> impl Strategy<Value = calendar::Month> {
    text("20[2-9][0-9]-(0[1-9]|1[0-2])")
}

fn procedure() -> impl Strategy<Value = ProcedureId> {
    text("prc_[0-9a-hjkmnp-tv-z]{12}")
}

fn family() -> impl Strategy<Value = FamilyFingerprint> {
    "[A-Za-z0-9_-]{22}".prop_map(FamilyFingerprint)
}

fn change_request() -> impl Strategy<Value = ChangeRequestId> {
    text("chg_[0-9a-hjkmnp-tv-z]{12}")
}

fn change_status() -> impl Strategy<Value = ChangeStatus> {
    prop::sample::select(ChangeStatus::ALL.to_vec())
}

fn kind() -> impl Strategy<Value = VendorKind> {
    prop::sample::select(vec![VendorKind::SearchSite, VendorKind::Ict])
}

/// A key of any kind.
fn key() -> impl Strategy<Value = Key> {
    let feed = || prop::sample::select(Feed::ALL.to_vec());
    let of_facility = prop_oneof![
        facility().prop_map(Key::Facility),
        facility().prop_map(Key::Settings),
        (facility(), slot()).prop_map(|(facility, slot)| Key::Slot(facility, slot)),
        (facility(), slot(), number()).prop_map(|(f, slot, number)| Key::Over(f, slot, number)),
        (facility(), family()).prop_map(|(facility, family)| Key::Family(facility, family)),
        (facility(), client()).prop_map(|(facility, client)| Key::Link(facility, client)),
        facility().prop_map(Key::PendingCount),
        (facility(), time()).prop_map(|(facility, at)| Key::PendingReminder(facility, Hour(at))),
        (facility(), month()).prop_map(|(facility, month)| Key::SlotPlanReminder(facility, month)),
        (facility(), day()).prop_map(|(facility, day)| Key::InformationReminder(facility, day)),
        (facility(), base_month())
            .prop_map(|(facility, month)| Key::FacilityVacancy(facility, month)),
    ];
    let of_others = prop_oneof![
        number().prop_map(Key::Reservation),
        client().prop_map(Key::Vendor),
        (client(), text("whe_[0-9a-hjkmnp-tv-z]{12}"))
            .prop_map(|(client, id)| Key::WebhookEndpoint(client, id)),
        (kind(), client()).prop_map(|(kind, client)| Key::ListedVendor(kind, client)),
        client().prop_map(Key::EndpointsAdded),
        (client(), facility()).prop_map(|(client, facility)| Key::LinkedFacility(client, facility)),
        code().prop_map(Key::Municipality),
        (code(), facility()).prop_map(|(code, facility)| Key::ListedFacility(code, facility)),
        (code(), day(), 1_usize..9).prop_map(|(code, day, part)| Key::digest(code, day, part)),
        (code(), day(), 1_usize..9)
            .prop_map(|(code, day, part)| Key::change_digest(code, day, part)),
        (code(), month()).prop_map(|(code, month)| Key::PlanDigest(code, month)),
        (code(), base_month(), facility())
            .prop_map(|(code, month, facility)| Key::Vacancy(code, month, facility)),
        (code(), text("20[2-9][0-9]"), procedure())
            .prop_map(|(code, year, id)| Key::Procedure(code, year, id)),
    ];
    let of_the_hub = prop_oneof![
        (code(), time(), number()).prop_map(|(code, at, number)| Key::Fact(code, at, number)),
        (client(), time(), text("evt_[0-9A-Z]{8}_[1-9]"))
            .prop_map(|(client, at, id)| Key::Event(client, at, id)),
        (time(), text("evt_[0-9A-Z]{8}_[1-9]")).prop_map(|(at, id)| Key::PublicEvent(at, id)),
        (time(), number()).prop_map(|(at, number)| Key::Deadline(at, number)),
        (time(), facility(), slot()).prop_map(|(at, f, slot)| Key::SlotLeaves(at, f, slot)),
        (time(), facility(), base_month())
            .prop_map(|(at, f, month)| Key::VacancyLeaves(at, f, month)),
        (time(), code(), text("20[2-9][0-9]"), procedure())
            .prop_map(|(at, code, year, id)| Key::ProcedureTurns(at, code, year, id)),
        Just(Key::FeedBuild()),
        feed().prop_map(Key::FeedCount),
        (feed(), 0_u64..1 << 53).prop_map(|(feed, number)| Key::FeedEntry(feed, number)),
        (feed(), slot()).prop_map(|(feed, slot)| Key::FeedPlace(feed, slot.to_string())),
        facility().prop_map(|id| Key::search_entry(&id)),
        facility().prop_map(|id| Key::SearchGroupVersions(SearchBucket::of(&id).0)),
        Just(Key::SearchComplete()),
        code().prop_map(|code| Key::OldSearchVersions(Prefecture::of(code))),
        Just(Key::OldestSearchVersions()),
        code().prop_map(Key::OldSearchShard),
        Just(Key::SlotCount()),
        any::<[u8; 16]>().prop_map(Key::Once),
        any::<[u8; 16]>().prop_map(Key::Attempts),
        any::<[u8; 16]>().prop_map(Key::Suppression),
    ];
    let of_changes = prop_oneof![
        change_request().prop_map(Key::ChangeRequest),
        (facility(), time(), change_request())
            .prop_map(|(facility, at, id)| Key::ChangeRequestOfFacility(facility, at, id)),
        (facility(), time(), change_request())
            .prop_map(|(facility, at, id)| Key::ChangeOfFacility(facility, at, id)),
        (change_status(), code(), time(), change_request())
            .prop_map(|(status, code, at, id)| Key::ListedChangeRequest(status, code, at, id)),
        Just(Key::ChangeRequestCount()),
    ];
    prop_oneof![of_facility, of_others, of_the_hub, of_changes]
}

proptest! {
    #[test]
    fn key_parses_back_to_what_it_was_built_of(key in key()) {
        let (pk, sk) = key.text();
        prop_assert_eq!(Key::parse(&pk, &sk), Some(key));
    }

    #[test]
    fn no_key_parses_as_another(one in key(), other in key()) {
        prop_assert_eq!(one.text() == other.text(), one == other);
    }

    #[test]
    fn what_parses_is_written_as_it_was_read(
        pk in "(FAC|CHG|CLI|MUN|RSV|FACT|DUE|FEED|SEARCH|COUNT|ONCE|VAC|PRC|IMP)(#[0-9a-z_A-Z-]{0,16})?",
        sk in "[A-Z]{0,8}(#?[0-9a-z_A-Z-]{0,16}){0,3}",
    ) {
        if let Some(key) = Key::parse(&pk, &sk) {
            prop_assert_eq!(key.text(), (pk, sk));
        }
    }

    #[test]
    fn keys_of_a_partition_are_in_the_order_of_time(one in time(), other in time(), number in number()) {
        let text = |at| Key::Deadline(at, number.clone()).text();
        prop_assert_eq!(text(one).cmp(&text(other)), one.cmp(&other));
    }

    #[test]
    fn member_of_a_waiting_list_says_who_waits_and_since_when(since in time(), number in number()) {
        prop_assert_eq!(
            member::parse_waiting(&member::waiting(since, &number)),
            Some((since, number))
        );
    }

    #[test]
    fn member_of_a_family_says_which_request_is_open(slot in slot(), number in number(), site in prop::option::of(client())) {
        let open = domain::family::OpenRequest { slot_id: slot, reservation_number: number, site };
        prop_assert_eq!(member::parse_open_request(&member::open_request(&open)), Some(open));
    }
}

#[test]
fn key_that_no_version_wrote_yet_is_none_of_ours() {
    for (pk, sk) in [
        ("FAC#fac_7k3m9qxd2abc", "ITEM#water"),
        ("FAC#fac_7k3m9qxd2abc", "SLOT"),
        ("FAC#fac_7k3m9qxd2abc#more", "FAC"),
        ("RSV#R-7K3M-9QXD", "RSV#2"),
        ("DUE", "5#R-7K3M-9QXD"),
        ("NEW#thing", "NEW"),
    ] {
        assert_eq!(Key::parse(pk, sk), None, "{pk} {sk}");
    }
}
