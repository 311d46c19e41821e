//! The mails, in Japanese: each is a letter of the same layout, as plain text and as HTML.

use askama::Template;
use domain::{
    Applicant, Facility, Instant, Reservation, Status, applicant::Email, municipality,
    reservation::Change,
};
use runtime::Mail;
use store::{Asking, Digest};

/// Why a letter cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be written")]
pub struct LetterError(#[from] askama::Error);

/// What a letter says, in the order in which it says it.
#[derive(Debug, Clone, Default)]
struct Letter {
    subject: String,
    salutation: Option<String>,
    opening: Vec<String>,
    facts: Vec<Fact>,
    entries: Vec<Entry>,
    comment: Option<String>,
    link: Option<String>,
    closing: Vec<String>,
}

#[derive(Debug, Clone)]
struct Fact {
    label: &'static str,
    value: String,
}

#[derive(Debug, Clone)]
struct Entry {
    title: String,
    lines: Vec<String>,
    link: String,
}

/// The two forms of a letter.
macro_rules! forms {
    ($($name:ident = $path:literal),*) => {$(
        #[derive(Template)]
        #[template(path = $path)]
        struct $name<'a> {
            #[allow(dead_code, reason = "only HTML has a title")]
            subject: &'a str,
            salutation: Option<&'a str>,
            opening: &'a [String],
            facts: &'a [Fact],
            entries: &'a [Entry],
            comment: Option<&'a str>,
            link: Option<&'a str>,
            closing: &'a [String],
        }

        impl<'a> From<&'a Letter> for $name<'a> {
            fn from(letter: &'a Letter) -> Self {
                Self {
                    subject: &letter.subject,
                    salutation: letter.salutation.as_deref(),
                    opening: &letter.opening,
                    facts: &letter.facts,
                    entries: &letter.entries,
                    comment: letter.comment.as_deref(),
                    link: letter.link.as_deref(),
                    closing: &letter.closing,
                }
            }
        }
    )*};
}
forms!(Text = "letter.txt", Html = "letter.html");

impl Letter {
    fn to(self, to: Vec<Email>) -> Result<Mail, LetterError> {
        let (text, html) = (Text::from(&self).render()?, Html::from(&self).render()?);
        Ok(Mail { to, subject: self.subject, text, html })
    }
}

fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into() }
}

/// When and where the visit is, for everyone.
fn visit(reservation: &Reservation, facility: &Facility) -> Vec<Fact> {
    let ends = reservation.ends_at.local();
    vec![
        fact("予約番号", reservation.reservation_number.to_string()),
        fact("施設", format!("{}（{}）", facility.facility_name, facility.municipality)),
        fact(
            "見学日時",
            format!("{}〜{:02}:{:02}", reservation.starts_at.ja(), ends.hour(), ends.minute()),
        ),
        fact("見学人数", format!("{}人", reservation.party_size.get())),
    ]
}

fn change_of(reservation: &Reservation, sequence: u32) -> Option<&Change> {
    reservation.history.iter().find(|change| change.sequence == sequence)
}

/// Tells the parent of a change of their reservation. The mail about the request restates all that
/// was entered (RSV-11); a result carries the nursery's word (RSV-03).
pub fn to_parent(
    reservation: &Reservation,
    sequence: u32,
    facility: &Facility,
    applicant: &Applicant,
) -> Result<Mail, LetterError> {
    let change = change_of(reservation, sequence);
    let status = change.map_or(Status::Pending, |change| change.to);
    let mut facts = visit(reservation, facility);
    let (subject, opening, closing) = match status {
        Status::Pending => {
            let contact = &applicant.contact;
            facts.push(fact("お名前", contact.name.reveal()));
            facts.push(fact("電話番号", contact.phone.reveal()));
            facts.push(fact("メールアドレス", contact.email.reveal()));
            if let Some(month) = &applicant.child_birth_month {
                facts.push(fact("お子さまの生年月", month.reveal()));
            }
            if let Some(message) = &applicant.message_to_facility {
                facts.push(fact("施設への連絡事項", message.reveal()));
            }
            facts.push(fact("同意した規約", reservation.consent.version.clone()));
            (
                "見学予約の申請を受け付けました（承認待ち）",
                "見学予約の申請を受け付けました。まだ予約は確定していません。施設が確認し、結果をメールでお知らせします。",
                "内容に誤りがあるときは、申請したサイトから取り消して、もう一度お申し込みください。",
            )
        }
        Status::Approved => (
            "見学予約が承認されました",
            "見学予約が承認されました。当日お待ちしています。",
            "ご都合が悪くなったときは、お早めに申請したサイトから取り消してください。",
        ),
        Status::Declined => (
            "見学予約は見送りとなりました",
            "申し訳ありませんが、この見学予約はお受けできませんでした。",
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
        Status::CancelledByParent => (
            "見学予約を取り消しました",
            "見学予約の取り消しを受け付けました。施設にもお知らせしています。",
            "お心当たりがないときは、申請したサイトの窓口へご連絡ください。",
        ),
        Status::CancelledByFacility => (
            "見学予約が施設の都合で取り消されました",
            "申し訳ありませんが、施設の都合によりこの見学予約は取り消されました。",
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
    };
    let comment = change.and_then(|change| change.comment.as_ref());
    Letter {
        subject: format!("【保活】{subject} {}", facility.facility_name),
        salutation: Some(applicant.contact.name.reveal().to_owned()),
        opening: vec![opening.into()],
        facts,
        comment: comment.map(|comment| comment.as_str().to_owned()),
        closing: vec![closing.into()],
        ..Letter::default()
    }
    .to(vec![applicant.contact.email.clone()])
}

/// Tells the nursery of a request or of a parent's cancellation. Who the applicant is stands only
/// on the screen that the link leads to.
pub fn to_facility(
    reservation: &Reservation,
    sequence: u32,
    facility: &Facility,
    console_url: String,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let (subject, opening) = match change_of(reservation, sequence) {
        None => (
            "見学予約の申請が届きました",
            "見学予約の申請が届きました。次のリンクから、承認または見送りの回答をお願いします。",
        ),
        Some(_) => (
            "見学予約が取り消されました",
            "保護者が見学予約を取り消しました。枠は空きに戻っています。",
        ),
    };
    Letter {
        subject: format!("【保活】{subject} {}", reservation.starts_at.ja()),
        opening: vec![format!("{} ご担当者さま", facility.facility_name), opening.into()],
        facts: visit(reservation, facility),
        link: Some(console_url),
        ..Letter::default()
    }
    .to(to)
}

/// `1日3時間`, rounded down.
fn age(since: Instant, now: Instant) -> String {
    let hours = now.since(since).as_hours();
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours}時間"),
        (days, 0) => format!("{days}日"),
        (days, hours) => format!("{days}日{hours}時間"),
    }
}

/// Asks a nursery about the requests that wait, each with its age and a link (RSV-18).
pub fn asking(
    asking: &Asking,
    facility: &Facility,
    console_url: impl Fn(&domain::ReservationNumber) -> String,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let entries = asking.requests.iter().map(|request| Entry {
        title: format!("{} の見学（{}）", request.starts_at.ja(), request.reservation_number),
        lines: vec![format!(
            "申請 {}　回答をお待ちして {}",
            request.requested_at.ja(),
            age(request.requested_at, asking.at)
        )],
        link: console_url(&request.reservation_number),
    });
    Letter {
        subject: format!("【保活】回答をお待ちしている見学予約が{}件あります", asking.requests.len()),
        opening: vec![
            format!("{} ご担当者さま", facility.facility_name),
            "申請から1日を過ぎた見学予約があります。リンクから、承認または見送りの回答をお願いします。".into(),
        ],
        entries: entries.collect(),
        closing: vec!["回答されるまで、1日に1回このメールでお知らせします。".into()],
        ..Letter::default()
    }
    .to(to)
}

/// Tells a municipality what its nurseries were asked about twice or more without an answer.
pub fn digest(
    digest: &Digest,
    facilities: &[Facility],
    console_url: impl Fn(&domain::ReservationNumber) -> String,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let name = |request: &store::Listed| {
        facilities
            .iter()
            .find(|facility| facility.facility_id == request.facility_id)
            .map_or_else(|| request.facility_id.to_string(), |f| f.facility_name.clone())
    };
    let entries = digest.requests.iter().map(|request| Entry {
        title: format!("{}（{}）", name(request), request.reservation_number),
        lines: vec![
            format!("見学 {}", request.starts_at.ja()),
            format!(
                "申請から {}　施設へのお知らせ {}回",
                age(request.requested_at, digest.at),
                request.asked_count
            ),
        ],
        link: console_url(&request.reservation_number),
    });
    let municipality = municipality::name_of(digest.municipality_code).unwrap_or("区市町村");
    Letter {
        subject: format!("【保活】回答のない見学予約 {municipality} {}件", digest.requests.len()),
        opening: vec![
            format!("{municipality} 保育担当者さま"),
            "施設に2回以上お知らせしても回答のない見学予約です。施設への確認をお願いします。"
                .into(),
        ],
        entries: entries.collect(),
        ..Letter::default()
    }
    .to(to)
}

/// Tells a vendor that its webhook endpoint is sent to no longer.
pub fn endpoint_disabled(url: &str, to: Email) -> Result<Mail, LetterError> {
    Letter {
        subject: "【保活】Webhookの配信を停止しました / Webhook endpoint disabled".into(),
        opening: vec![
            "次の宛先へ通知を繰り返し送りましたが、成功しなかったため、配信を停止しました。復旧後に宛先を登録し直してください。".into(),
            "Every attempt to deliver to this endpoint failed, so it was disabled. Create it again when it is back.".into(),
        ],
        facts: vec![fact("URL", url)],
        ..Letter::default()
    }
    .to(vec![to])
}
