//! Reports as tables for spreadsheets, with the words that staff use.

use domain::{
    Timestamp,
    report::{
        ItemUse, LeadTimes, NewRequests, OnlineByMonth, OriginCounts, PendingRequests,
        RequestTimes, ReviewTimes, Share, SlotUse, SlotUseByMonth, StateCounts, StatesByMonth,
    },
    slot::DayOfWeek,
};

use hub_http::Row;

use crate::Content;

/// The table of a report; its first row are the headings.
pub(crate) fn of(content: &Content) -> Vec<Row> {
    match content {
        Content::Pending(report) => pending(report),
        Content::New(report) => new_requests(report),
        Content::States(report) => states(report),
        Content::SlotUse(report) => slot_use(report),
        Content::RequestTimes(report) => request_times(report),
        Content::ReviewTimes(report) => review_times(report),
        Content::LeadTimes(report) => lead_times(report),
        Content::Online(report) => online(report),
        Content::Items(report) => items(report),
    }
}

fn row<const CELLS: usize>(cells: [&str; CELLS]) -> Row {
    cells.map(str::to_owned).to_vec()
}

fn counts<const CELLS: usize>(first: String, counts: [u32; CELLS]) -> Row {
    [first].into_iter().chain(counts.map(|count| count.to_string())).collect()
}

fn percent(share: Share) -> String {
    share.percent().map(|percent| percent.to_string()).unwrap_or_default()
}

fn minute(at: Timestamp) -> String {
    at.local().strftime("%Y-%m-%d %H:%M").to_string()
}

const TOTAL: &str = "計";

fn items(report: &ItemUse) -> Vec<Row> {
    let headings = row([
        "項目",
        "項目名（JSON）",
        "入力している施設",
        "入力率（％）",
        "非公表の施設",
        "期間内に更新した施設",
        "うち施設による更新",
    ]);
    let rows = report.items.iter().map(|item| {
        vec![
            item.heading.to_owned(),
            item.field.to_owned(),
            item.stated.count.to_string(),
            percent(item.stated),
            item.withheld.to_string(),
            item.changed.to_string(),
            item.changed_by_facility.to_string(),
        ]
    });
    [headings].into_iter().chain(rows).collect()
}

fn pending(report: &PendingRequests) -> Vec<Row> {
    let headings = row([
        "予約番号",
        "区市町村コード",
        "施設ID",
        "施設名",
        "申請日時",
        "承認待ちの開始日時",
        "見学希望日時",
        "確認の連絡回数",
    ]);
    let rows = report.requests.iter().map(|one| {
        vec![
            one.reservation_number.to_string(),
            one.municipality_code.to_string(),
            one.facility_id.to_string(),
            one.facility_name.clone(),
            minute(one.requested_at),
            minute(one.pending_since),
            minute(one.starts_at),
            one.reminders.to_string(),
        ]
    });
    [headings].into_iter().chain(rows).collect()
}

fn new_requests(report: &NewRequests) -> Vec<Row> {
    vec![
        row(["項目", "件数"]),
        counts("直近7日間の申請".into(), [report.last_7_days]),
        counts("累積の申請".into(), [report.total]),
    ]
}

fn states(report: &StatesByMonth) -> Vec<Row> {
    let headings = row([
        "申請月",
        "見学予約総数",
        "予約承認数",
        "予約見送り数",
        "予約キャンセル数",
        "うち保護者によるキャンセル",
        "うち施設によるキャンセル",
        "期限切れ数",
        "未確定数",
    ]);
    let row = |month: String, of: &StateCounts| {
        counts(
            month,
            [
                of.requested,
                of.approved,
                of.declined,
                of.cancelled,
                of.cancelled_by_parent,
                of.cancelled_by_facility,
                of.expired,
                of.open,
            ],
        )
    };
    let months = report.months.iter().map(|one| row(one.month.to_string(), &one.counts));
    [headings].into_iter().chain(months).chain([row(TOTAL.into(), &report.total)]).collect()
}

fn slot_use(report: &SlotUseByMonth) -> Vec<Row> {
    let headings = row(["見学月", "予約枠数", "受入可能組数", "予約承認数", "利用率（%）"]);
    let row = |month: String, of: &SlotUse| {
        let mut row = counts(month, [of.slots, of.places, of.approved]);
        row.push(percent(of.used));
        row
    };
    let months = report.months.iter().map(|one| row(one.month.to_string(), &one.counts));
    [headings].into_iter().chain(months).chain([row(TOTAL.into(), &report.total)]).collect()
}

fn request_times(report: &RequestTimes) -> Vec<Row> {
    let line = |kind: &str, value: String, count: u32| vec![kind.into(), value, count.to_string()];
    let mut table = vec![row(["区分", "値", "申請数"])];
    let hours = report.hours.iter();
    table.extend(hours.map(|of| line("時間帯", format!("{}時台", of.hour), of.requests)));
    let weekdays = report.weekdays.iter();
    table.extend(weekdays.map(|of| line("曜日", weekday(of.weekday).into(), of.requests)));
    table.push(line("休業日", "土日祝".into(), report.on_holidays.count));
    table.push(line("営業時間外", "平日7時～19時以外".into(), report.outside_business_hours.count));
    table
}

fn weekday(day: DayOfWeek) -> &'static str {
    match day {
        DayOfWeek::Mon => "月",
        DayOfWeek::Tue => "火",
        DayOfWeek::Wed => "水",
        DayOfWeek::Thu => "木",
        DayOfWeek::Fri => "金",
        DayOfWeek::Sat => "土",
        DayOfWeek::Sun => "日",
    }
}

/// A line of a table of figures: what it is, the figure, and its part of all.
fn figure(name: impl Into<String>, value: Option<u32>, of: Option<u32>) -> Row {
    let part = value.zip(of).map(|(count, of)| percent(Share { count, of }));
    let value = value.map(|value| value.to_string());
    vec![name.into(), value.unwrap_or_default(), part.unwrap_or_default()]
}

fn review_times(report: &ReviewTimes) -> Vec<Row> {
    let all = Some(report.answered);
    let mut table = vec![
        row(["項目（営業時間：平日7時～19時）", "値", "割合（%）"]),
        figure("施設が審査した予約", all, None),
        figure("自動承認された予約", Some(report.answered_by_hub), None),
        figure("3時間以内", Some(report.within_3_hours.count), all),
        figure("24時間以内", Some(report.within_24_hours.count), all),
        figure("中央値（分）", report.p50_minutes, None),
        figure("99パーセンタイル（分）", report.p99_minutes, None),
    ];
    table.extend(report.distribution.iter().map(|band| {
        let over = match band.over_hours {
            0 => String::new(),
            over => format!("{over}時間超"),
        };
        let up_to = band.up_to_hours.map(|up_to| format!("{up_to}時間以内"));
        figure(format!("分布：{over}{}", up_to.unwrap_or_default()), Some(band.answers), all)
    }));
    table
}

fn lead_times(report: &LeadTimes) -> Vec<Row> {
    let all = Some(report.requested);
    let mut table = vec![
        row(["項目（申請日から見学希望日まで）", "値", "割合（%）"]),
        figure("見学予約総数", all, None),
        figure("1週間以内", Some(report.within_a_week.count), all),
        figure("30日以上先", Some(report.from_30_days.count), all),
        figure("最長（日）", report.longest_days, None),
    ];
    table.extend(report.distribution.iter().map(|band| {
        let to = band.to_days.map(|to| format!("{to}日"));
        let name = format!("分布：{}日～{}", band.from_days, to.unwrap_or_default());
        figure(name, Some(band.requests), all)
    }));
    table
}

fn online(report: &OnlineByMonth) -> Vec<Row> {
    let headings =
        row(["申請月", "検索サイト", "保活ポータル", "電話・窓口", "オンライン申請率（%）"]);
    let row = |month: String, of: &OriginCounts| {
        let mut row = counts(month, [of.search_site, of.portal, of.off_system]);
        row.push(percent(of.online));
        row
    };
    let months = report.months.iter().map(|one| row(one.month.to_string(), &one.counts));
    [headings].into_iter().chain(months).chain([row(TOTAL.into(), &report.total)]).collect()
}
