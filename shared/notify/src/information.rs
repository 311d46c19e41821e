//! The mails about the information of facilities, in Japanese (FAC-10).

use domain::{
    Facility, Timestamp,
    applicant::Email,
    information::{FacilityDue, OverdueChange},
    municipality,
};
use runtime::Mail;
use store::{ChangeDigest, InformationReminder};

use crate::letter::{Fact, Letter, LetterError, fact};

/// Whole days.
fn days(since: Timestamp, now: Timestamp) -> i64 {
    now.since(since).as_hours() / 24
}

fn change(change: &OverdueChange, more: &str) -> Fact {
    fact("変更依頼", format!("{}{more}", change.change_request_number))
}

/// Asks a nursery to submit or withdraw its drafts, or to look through its information.
pub fn reminder(
    reminder: &InformationReminder,
    facility: &Facility,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let (subject, asks, facts, ends) = match &reminder.due {
        FacilityDue::Drafts(drafts) => {
            let left = |draft: &OverdueChange| {
                let days = days(draft.since, reminder.at);
                change(draft, &format!("（最後の編集から{days}日）"))
            };
            (
                format!("申請していない施設情報の変更が{}件あります", drafts.len()),
                "編集したまま7日以上申請していない、施設情報の変更依頼があります。申請するか、取り下げてください。申請されるまで、変更は区市町村に届きません。".to_owned(),
                drafts.iter().map(left).collect(),
                "申請または取下げまで、毎週月曜日にこのメールでお知らせします。",
            )
        }
        FacilityDue::StatedAt(at) => {
            let day = at.date();
            let day = format!("{}年{}月{}日", day.year(), day.month(), day.day());
            (
                "施設情報が今も正しいか確認してください".to_owned(),
                format!(
                    "公開している施設情報は、{day}を最後に1年以上変わっていません。今も正しいか確認し、変わったところは変更を申請してください。変わりがないときは、その旨を確認として登録してください。"
                ),
                Vec::new(),
                "変更の申請または確認の登録まで、毎週月曜日にこのメールでお知らせします。",
            )
        }
    };
    Letter {
        subject: format!("【保活】{subject}"),
        opening: vec![format!("{} ご担当者さま", facility.facility_name), asks],
        facts,
        closing: vec![ends.into()],
        ..Letter::default()
    }
    .to(to)
}

/// Asks a municipality to decide the change requests that it left undecided.
pub fn change_digest(
    digest: &ChangeDigest,
    facilities: &[Facility],
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let listed = |listed: &OverdueChange| {
        let found = facilities.iter().find(|facility| facility.facility_id == listed.facility_id);
        let name = found.map_or(listed.facility_id.as_str(), |found| &found.facility_name);
        change(listed, &format!(" {name}（申請から{}日）", days(listed.since, digest.at)))
    };
    let municipality = municipality::name_of(digest.municipality_code).unwrap_or("区市町村");
    let part = if digest.parts > 1 {
        format!("（{}/{}通目）", digest.part, digest.parts)
    } else {
        String::new()
    };
    Letter {
        subject: format!(
            "【保活】承認をお待ちしている施設情報の変更 {municipality} {}件{part}",
            digest.changes.len()
        ),
        opening: vec![
            format!("{municipality} 保育担当者さま"),
            "申請から7日以上、承認も却下もされていない施設情報の変更依頼です。内容を確認して、承認または却下してください。".into(),
        ],
        facts: digest.changes.iter().map(listed).collect(),
        closing: vec!["承認または却下まで、毎週月曜日にこのメールでお知らせします。".into()],
        ..Letter::default()
    }
    .to(to)
}
