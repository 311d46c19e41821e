//! `docs/checklist.md` shows for each row of the checklist which tests prove it. It is made from the names of
//! the tests, which begin with the ids: `rsv_04_…` is for RSV-04.
//!
//! `UPDATE_DOCS=1 cargo test --workspace --test in_process checklist` writes it anew.

use std::{collections::BTreeMap, env, fs};

use crate::sources;

/// What each row asks for, in a few words.
const ROWS: &[(&str, &str)] = &[
    ("SLOT-01", "Parents ask only for times that the nursery opened"),
    ("SLOT-02", "Slots are added, seen, changed and disabled"),
    ("SLOT-03", "A slot is copied to another day"),
    ("SLOT-04", "Slots have numbers: TS-00000000"),
    ("SLOT-05", "A slot shows its free places and all of them"),
    ("SLOT-06", "Days without a free place can be told from the others"),
    ("SLOT-07", "A slot takes several parties"),
    ("SLOT-08", "By the 10th, slots to the end of the third month ahead"),
    ("SLOT-09", "Who opens no slots says why in a message to parents"),
    ("SLOT-10", "The municipality learns who opened none"),
    ("SLOT-11", "Counting slots never fails"),
    ("SLOT-12", "Slot use: approved visits by offered places"),
    ("SLOT-13", "The nursery's note is shown before booking"),
    ("RSV-01", "A request is provisional until it is approved"),
    ("RSV-02", "The nursery approves or declines"),
    ("RSV-03", "Its word reaches the parent, in the mail too"),
    ("RSV-04", "The parent cancels"),
    ("RSV-05", "The nursery cancels, and the record says so"),
    ("RSV-06", "A booking by telephone is entered and takes a place"),
    ("RSV-07", "A number is given out in place of personal data"),
    ("RSV-08", "The states, and the reservations in each"),
    ("RSV-09", "Staff take notes"),
    ("RSV-10", "A parent's words to the nursery, and how many come"),
    ("RSV-11", "The mail about the request restates what was entered"),
    ("RSV-12", "On the portal a mail address is enough"),
    ("RSV-13", "No request without consent to the terms"),
    ("RSV-14", "A request is confirmed before it counts"),
    ("RSV-15", "Staff see what waits, and who comes today"),
    ("RSV-16", "What waits is asked about before the visit"),
    ("RSV-17", "More than one person of the nursery is told"),
    ("RSV-18", "Who lets a request wait for more than a day is asked again"),
    ("RSV-19", "Requests are approved automatically where the nursery wants it"),
    ("RSV-20", "A forgotten request is caught by the hub, not by a rule"),
    ("RSV-21", "A nursery that books elsewhere shows where"),
    ("RSV-22", "How long before the visit families ask"),
    ("FAC-01", "The export of ここdeサーチ fills the hub"),
    ("FAC-02", "A municipality corrects its list before the hub opens"),
    ("FAC-09", "How much of what anybody may know is stated"),
    ("FAC-19", "Which items nurseries state and keep up"),
    ("FAC-20", "One person acts for several nurseries of a corporation"),
    ("FAC-21", "Photos, and how much each nursery tells"),
    ("FAC-12", "Every item says how it is entered"),
    ("FAC-14", "Nurseries that take no requests keep their page"),
    ("FAC-15", "What was prepared elsewhere is brought over"),
    ("FAC-16", "Who takes part is told and asked for visits"),
    ("FAC-03", "A nursery asks for a change: ACR-0000000000"),
    ("FAC-04", "Its municipality approves or rejects"),
    ("FAC-05", "Nothing of a change shows before it is approved"),
    ("FAC-06", "Who approved what, and when"),
    ("FAC-07", "The municipality corrects and approves"),
    ("FAC-08", "A change is submitted as it is entered"),
    ("FAC-10", "The municipality is asked to decide what it left undecided"),
    ("FAC-11", "Values are checked as they are entered"),
    ("FAC-13", "What was changed of a nursery, and by whom"),
    ("FAC-17", "A change over what somebody else changed is told"),
    ("FAC-18", "Items that a nursery shows to nobody but staff"),
    (
        "PRC-01",
        "The guide and the file of a municipality for each fiscal year, while they are published",
    ),
    ("PRC-02", "Where families apply"),
    ("PRC-03", "How it went a year before, by age"),
    ("PRC-04", "A new fiscal year stands beside the old one"),
    ("PRC-05", "The page of a municipality: nurseries, free places, where to apply"),
    ("PRC-06", "Items that a later version adds survive an earlier one"),
    ("IMP-01", "A list is imported, or each of its wrong values is told"),
    ("IMP-02", "What waits for a decision as a file for spreadsheets"),
    ("IMP-03", "The nurseries that take part, as a file"),
    ("IMP-05", "All of a municipality goes to another hub and loses nothing"),
    ("IMP-06", "Tables for programs, by facility, month and age"),
    ("IMP-04", "To import again changes nothing, and what is cut off goes on"),
    ("PRC-07", "A municipality's site shows the hub's table instead of one of its own"),
    ("VAC-01", "Free places of a month by age class, with the combined class, a note and marks"),
    ("VAC-02", "A month shows everywhere as soon as its list is imported"),
    ("VAC-03", "Shown for a nursery and for a whole municipality"),
    ("VAC-04", "A table that was published is a file that can be edited and imported"),
    ("API-04", "Procedures are searched by municipality and fiscal year"),
    ("ADD-10", "The table as CSV, JSON and a frame"),
    ("NTF-07", "The hourly asking about requests that wait"),
    ("REP-01", "Requests that wait, by age"),
    ("REP-02", "Requests of the last seven days, and in all"),
    ("REP-05", "Requests, approvals, declines and cancellations by month"),
    ("REP-06", "Slot use"),
    ("REP-07", "Requests by hour and by weekday"),
    ("REP-08", "How long nurseries take to answer, in business hours"),
    ("REP-09", "How long before the visit families ask"),
    ("REP-16", "The share of visits that were booked online"),
    ("API-01", "Nurseries are searched for by what parents ask"),
    ("POR-02", "Parents filter, sort and count what they find"),
    ("POR-03", "The page of a nursery shows every data item"),
    ("ADD-11", "Parents search near several places at once"),
];

/// The ids that a test's name begins with.
fn ids(name: &str) -> Vec<String> {
    let (mut ids, mut rest) = (Vec::new(), name);
    while let Some((family, after)) = rest.split_once('_') {
        let number = after.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        let Some(number) = number.filter(|_| {
            ["slot", "rsv", "fac", "imp", "prc", "vac", "api", "add", "ntf", "rep", "por"]
                .contains(&family)
        }) else {
            break;
        };
        ids.push(format!("{}-{number}", family.to_uppercase()));
        rest = after[2..].trim_start_matches('_');
    }
    ids
}

/// For each id the tests that prove it, each with its file.
fn tests_by_id() -> BTreeMap<String, Vec<String>> {
    let mut tests = BTreeMap::<String, Vec<String>>::new();
    for (name, place) in sources::tests() {
        for id in ids(&name) {
            tests.entry(id).or_default().push(format!("`{name}` in [{place}](../{place})"));
        }
    }
    tests
}

#[test]
fn every_row_has_a_test_and_the_page_shows_it() {
    let tests = tests_by_id();
    let without: Vec<_> = ROWS.iter().filter(|(id, _)| !tests.contains_key(*id)).collect();
    assert!(without.is_empty(), "rows without a test: {without:?}");
    let known: Vec<_> = ROWS.iter().map(|(id, _)| *id).collect();
    let unknown: Vec<_> = tests.keys().filter(|id| !known.contains(&id.as_str())).collect();
    assert!(unknown.is_empty(), "tests for rows that this page does not have: {unknown:?}");

    let mut page = String::from(
        "# What proves each row of the checklist\n\n\
         Made from the names of the tests, which begin with the ids; \
         `UPDATE_DOCS=1 cargo test --workspace --test in_process checklist` writes it anew.\n\n\
         | row | what it asks for | tests |\n|---|---|---|\n",
    );
    for (id, asks) in ROWS {
        page += &format!("| {id} | {asks} | {} |\n", tests[*id].join("<br>"));
    }
    let file = sources::root().join("docs/checklist.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap() == page,
        "docs/checklist.md is old; see this file's head"
    );
}
