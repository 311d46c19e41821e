//! The mails, in Japanese: each is a letter of the same layout, as plain text and as HTML.

use askama::Template;
use domain::{
    Applicant, Facility, Reservation, Slot, Status, Timestamp,
    applicant::Email,
    municipality,
    reservation::{Actor, Change},
};
use jiff::civil::Date;
use runtime::Mail;
use store::{Digest, PendingReminder, PlanDigest};

/// Why a letter cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be written")]
pub struct LetterError(#[from] askama::Error);

/// What a letter says, in the order in which it says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) salutation: Option<String>,
    pub(crate) opening: Vec<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) comment: Option<String>,
    pub(crate) times: Vec<String>,
    pub(crate) link: Option<String>,
    pub(crate) closing: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Fact {
    label: &'static str,
    value: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Entry {
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
            times: &'a [String],
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
                    times: &letter.times,
                    link: letter.link.as_deref(),
                    closing: &letter.closing,
                }
            }
        }
    )*};
}
forms!(Text = "letter.txt", Html = "letter.html");

impl Letter {
    pub(crate) fn to(self, to: Vec<Email>) -> Result<Mail, LetterError> {
        let (text, html) = (Text::from(&self).render()?, Html::from(&self).render()?);
        // Names stand in it, and nobody reads a subject to its second line.
        Ok(Mail { to, subject: domain::text::on_one_line(&self.subject), text, html })
    }
}

pub(crate) fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: value.into() }
}

/// When and where the visit is, for everyone.
fn visit(reservation: &Reservation, facility: &Facility) -> Vec<Fact> {
    vec![
        fact("予約番号", reservation.reservation_number.to_string()),
        venue(facility),
        time(reservation),
        fact("見学人数", format!("{}人", reservation.party_size.get())),
    ]
}

fn venue(facility: &Facility) -> Fact {
    fact("施設", format!("{}（{}）", facility.facility_name, facility.municipality))
}

fn time(reservation: &Reservation) -> Fact {
    let (starts, ends) = (reservation.starts_at.ja(), reservation.ends_at.local());
    fact("見学日時", format!("{starts}〜{:02}:{:02}", ends.hour(), ends.minute()))
}

fn change_of(reservation: &Reservation, sequence: u32) -> Option<&Change> {
    reservation.history.iter().find(|change| change.sequence == sequence)
}

/// What a letter to a parent needs to know beside the change.
#[derive(Debug)]
pub struct ToParent<'a> {
    /// The nursery.
    pub facility: &'a Facility,
    /// The parent.
    pub applicant: &'a Applicant,
    /// The nursery's word to the parent.
    pub comment: Option<String>,
    /// Where the parent sees, confirms and cancels the reservation.
    pub link: String,
    /// Other times of the nursery that are free, for who did not get this one.
    pub other_times: &'a [Slot],
}

impl ToParent<'_> {
    fn letter(self, subject: &str, opening: String, facts: Vec<Fact>) -> (Letter, Vec<Email>) {
        let letter = Letter {
            subject: format!("【保活】{subject} {}", self.facility.facility_name),
            salutation: Some(self.applicant.contact.name.reveal().to_owned()),
            opening: vec![opening],
            facts,
            comment: self.comment,
            times: self.other_times.iter().map(|slot| slot.starts_at.ja()).collect(),
            link: Some(self.link),
            ..Letter::default()
        };
        (letter, vec![self.applicant.contact.email.clone()])
    }
}

/// The state that a change led to, and the one before it; none before the request itself.
fn states(reservation: &Reservation, sequence: u32) -> (Option<Status>, Status) {
    match change_of(reservation, sequence) {
        Some(change) => (Some(change.from), change.to),
        None => (None, reservation.first_status()),
    }
}

/// Tells the parent of a change of their reservation. The mail about the request restates all that
/// was entered (RSV-11); a result carries the nursery's word (RSV-03) and says if it came automatically
/// (RSV-19).
pub fn to_parent(
    reservation: &Reservation,
    sequence: u32,
    about: ToParent<'_>,
) -> Result<Mail, LetterError> {
    let change = change_of(reservation, sequence);
    let (from, to) = states(reservation, sequence);
    if to == Status::Unconfirmed {
        return to_confirm(reservation, about);
    }
    let mut facts = visit(reservation, about.facility);
    if matches!(to, Status::Waiting | Status::Pending) {
        facts.extend(entered(reservation, about.applicant));
    }
    let until = reservation.expires_at.map_or_else(String::new, Timestamp::ja);
    let automatic = change.is_some_and(|change| change.by == Actor::Hub);
    let (subject, opening, closing) = match (from, to) {
        (_, Status::Waiting) => (
            "見学のキャンセル待ちを受け付けました",
            "見学のキャンセル待ちを受け付けました。空きが出たときは、順番にメールでお知らせします。".into(),
            "キャンセル待ちの取り消しは、上のリンクまたは申請したサイトから行えます。",
        ),
        (_, Status::Offered) => (
            "見学の空きが出ました（確認してください）",
            format!("キャンセル待ちの見学に空きが出ました。{until}までに次のリンクを開いて申し込んでください。期限を過ぎると、次にお待ちの方へご案内します。"),
            "見学されないときは、上のリンクから取り消してください。",
        ),
        (_, Status::Pending) => (
            "見学予約の申請を受け付けました（承認待ち）",
            "見学予約の申請を受け付けました。まだ予約は確定していません。施設が確認し、結果をメールでお知らせします。".into(),
            "内容に誤りがあるときは、上のリンクまたは申請したサイトから取り消して、もう一度お申し込みください。",
        ),
        (_, Status::Approved) if automatic => (
            "見学予約が承認されました",
            "施設の設定により、見学予約は自動で承認されました。当日お待ちしています。".into(),
            "ご都合が悪くなったときは、お早めに上のリンクまたは申請したサイトから取り消してください。",
        ),
        (_, Status::Approved) => (
            "見学予約が承認されました",
            "見学予約が承認されました。当日お待ちしています。".into(),
            "ご都合が悪くなったときは、お早めに上のリンクまたは申請したサイトから取り消してください。",
        ),
        (_, Status::Declined) => (
            "見学予約は見送りとなりました",
            "申し訳ありませんが、この見学予約はお受けできませんでした。".into(),
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
        (_, Status::CancelledByParent) => (
            "見学予約を取り消しました",
            "見学予約の取り消しを受け付けました。".into(),
            "お心当たりがないときは、申請したサイトの窓口へご連絡ください。",
        ),
        (_, Status::CancelledByFacility) => (
            "見学予約が施設の都合で取り消されました",
            "申し訳ありませんが、施設の都合によりこの見学予約は取り消されました。".into(),
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
        (Some(Status::Waiting), _) => (
            "見学のキャンセル待ちを終了しました",
            "申し訳ありませんが、空きが出ないまま受付の期限となったため、キャンセル待ちを終了しました。".into(),
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
        (Some(Status::Offered), _) => (
            "見学のご案内を終了しました",
            "期限までにお申し込みがなかったため、空きのご案内を終了しました。".into(),
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
        // Nothing else is told.
        (_, Status::Unconfirmed | Status::Expired | Status::Completed | Status::NoShow) => (
            "見学予約は成立しませんでした",
            format!("申し訳ありません。{}からの見学について、その1時間前までに施設からの回答がなかったため、この見学予約は成立しませんでした。お越しにならないようお願いします。", reservation.starts_at.ja()),
            "ほかの日時や施設の見学も、申請したサイトからお申し込みいただけます。",
        ),
    };
    let over = to.is_final();
    let (letter, to) = about.letter(subject, opening, facts);
    let link = letter.link.filter(|_| !over);
    Letter { link, closing: vec![closing.into()], ..letter }.to(to)
}

/// Asks who is said to have made a request on the portal whether they did. Nobody has confirmed the address yet, so
/// the mail bears nothing that was typed: else strangers could have the hub write their words to anybody.
fn to_confirm(reservation: &Reservation, about: ToParent<'_>) -> Result<Mail, LetterError> {
    let until = reservation.expires_at.map_or_else(String::new, Timestamp::ja);
    let wish = if reservation.would_wait {
        "見学のキャンセル待ちの申請"
    } else {
        "見学予約の申請"
    };
    Letter {
        subject: format!("【保活】{wish}を確定してください {}", about.facility.facility_name),
        opening: vec![format!(
            "{wish}はまだ終わっていません。{until}までに次のリンクを開いて確定してください。確定されない場合、申請はなかったものとなります。"
        )],
        facts: vec![venue(about.facility), time(reservation)],
        link: Some(about.link),
        closing: vec!["お心当たりがないときは、このメールを破棄してください。".into()],
        ..Letter::default()
    }
    .to(vec![about.applicant.contact.email.clone()])
}

/// Reminds the parent of the visit of the next day.
pub fn visit_reminder(reservation: &Reservation, about: ToParent<'_>) -> Result<Mail, LetterError> {
    let mut facts = visit(reservation, about.facility);
    if let Some(phone) = &about.facility.phone {
        facts.push(fact("施設の電話番号", phone.clone()));
    }
    let opening = "明日の見学についてお知らせします。お気をつけてお越しください。".into();
    let (letter, to) = about.letter("明日は見学の日です", opening, facts);
    let closing =
        "ご都合が悪くなったときは、お早めに上のリンクまたは申請したサイトから取り消してください。";
    Letter { closing: vec![closing.into()], ..letter }.to(to)
}

/// All that was entered, for the parent to check (RSV-11).
fn entered(reservation: &Reservation, applicant: &Applicant) -> Vec<Fact> {
    let contact = &applicant.contact;
    let mut facts = vec![
        fact("お名前", contact.name.reveal()),
        fact("電話番号", contact.phone.reveal()),
        fact("メールアドレス", contact.email.reveal()),
    ];
    if let Some(month) = &applicant.child_birth_month {
        facts.push(fact("お子さまの生年月", month.reveal()));
    }
    if let Some(message) = &applicant.message_to_facility {
        facts.push(fact("施設への連絡事項", message.reveal()));
    }
    if let Some(consent) = &reservation.consent {
        facts.push(fact("同意した規約", consent.version.clone()));
    }
    facts
}

/// Tells the nursery of a request, and of what became of it without the nursery. Who the applicant is
/// stands only on the screen that the link leads to.
pub fn to_facility(
    reservation: &Reservation,
    sequence: u32,
    facility: &Facility,
    console_url: String,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let (subject, opening) = match states(reservation, sequence).1 {
        Status::Approved => (
            "見学予約を自動で承認しました",
            "施設の設定により、見学予約を自動で承認しました。お受けできないときは、保護者へ連絡のうえ、次のリンクから取り消してください。",
        ),
        Status::CancelledByParent => (
            "見学予約が取り消されました",
            "保護者が見学予約を取り消しました。枠は空きに戻っています。",
        ),
        Status::Expired => (
            "見学予約は回答がないまま終了しました",
            "見学の1時間前までに回答がなかったため、この見学予約は終了しました。保護者にはお詫びのメールをお送りしています。",
        ),
        _ => (
            "見学予約の申請が届きました",
            "見学予約の申請が届きました。次のリンクから、承認または見送りの回答をお願いします。",
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
fn age(since: Timestamp, now: Timestamp) -> String {
    let hours = now.since(since).as_hours();
    match (hours / 24, hours % 24) {
        (0, hours) => format!("{hours}時間"),
        (days, 0) => format!("{days}日"),
        (days, hours) => format!("{days}日{hours}時間"),
    }
}

/// Asks a nursery about the requests that wait, each with its age and a link (RSV-18).
pub fn pending_reminder(
    pending_reminder: &PendingReminder,
    facility: &Facility,
    console_url: impl Fn(&domain::ReservationNumber) -> String,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let entries = pending_reminder.requests.iter().map(|request| Entry {
        title: format!(
            "{}{} の見学（{}）",
            if request.urgent { "【至急】" } else { "" },
            request.starts_at.ja(),
            request.reservation_number
        ),
        lines: vec![format!(
            "申請 {}　回答をお待ちして {}",
            request.requested_at.ja(),
            age(request.requested_at, pending_reminder.at)
        )],
        link: console_url(&request.reservation_number),
    });
    let count = pending_reminder.requests.len();
    let urgent = pending_reminder.requests.iter().any(|request| request.urgent);
    Letter {
        subject: if urgent {
            format!("【保活】【至急】見学が迫っている、回答のない見学予約があります（{count}件）")
        } else {
            format!("【保活】回答をお待ちしている見学予約が{count}件あります")
        },
        opening: vec![
            format!("{} ご担当者さま", facility.facility_name),
            if urgent {
                "見学の日が迫っているのに、回答のない見学予約があります。リンクから、承認または見送りの回答をすぐにお願いします。"
            } else {
                "申請から1日を過ぎた見学予約があります。リンクから、承認または見送りの回答をお願いします。"
            }
            .into(),
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
                request.reminder_count
            ),
        ],
        link: console_url(&request.reservation_number),
    });
    let municipality = municipality::name_of(digest.municipality_code).unwrap_or("区市町村");
    let part = if digest.parts > 1 {
        format!("（{}/{}通目）", digest.part, digest.parts)
    } else {
        String::new()
    };
    Letter {
        subject: format!(
            "【保活】回答のない見学予約 {municipality} {}件{part}",
            digest.requests.len()
        ),
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

/// `2027年3月`.
fn month_ja(month: Date) -> String {
    format!("{}年{}月", month.year(), month.month())
}

/// Asks a nursery to open slots for a month, or to tell parents why there are none (SLOT-08, SLOT-09).
pub fn slot_plan_reminder(
    month: Date,
    facility: &Facility,
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let month = month_ja(month);
    Letter {
        subject: format!("【保活】{month}の見学の枠を登録してください"),
        opening: vec![
            format!("{} ご担当者さま", facility.facility_name),
            format!("{month}に見学できる枠がまだありません。毎月10日までに、3か月先の月末までの枠を登録してください。"),
            "枠を設けられないときは、その理由を「保護者へのメッセージ」に書いてください。".into(),
        ],
        ..Letter::default()
    }
    .to(to)
}

/// Tells a municipality which of its nurseries have opened no slots for a month (SLOT-10).
pub fn plan_digest(
    digest: &PlanDigest,
    facilities: &[Facility],
    to: Vec<Email>,
) -> Result<Mail, LetterError> {
    let month = month_ja(digest.month);
    let municipality = municipality::name_of(digest.municipality_code).unwrap_or("区市町村");
    let mut names: Vec<&str> =
        facilities.iter().map(|facility| facility.facility_name.as_str()).collect();
    names.sort_unstable();
    Letter {
        subject: format!("【保活】{month}の見学の枠がない施設 {municipality} {}件", names.len()),
        opening: vec![
            format!("{municipality} 保育担当者さま"),
            format!("{month}に見学できる枠も、保護者へのメッセージもない施設です。施設にも登録をお願いしています。"),
        ],
        facts: names.into_iter().map(|name| fact("施設", name)).collect(),
        ..Letter::default()
    }
    .to(to)
}

/// Asks an address that a nursery has added whether it wants the nursery's mails.
pub fn new_notice_address(
    facility: &Facility,
    link: String,
    to: Email,
) -> Result<Mail, LetterError> {
    Letter {
        subject: format!("【保活】お知らせの送り先の確認 {}", facility.facility_name),
        opening: vec![
            "見学予約のお知らせの送り先として、このメールアドレスが登録されました。7日以内に次のリンクを開いて確認してください。確認されるまで、お知らせは送りません。".into(),
        ],
        facts: vec![venue(facility)],
        link: Some(link),
        closing: vec!["お心当たりがないときは、このメールを破棄してください。".into()],
        ..Letter::default()
    }
    .to(vec![to])
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
