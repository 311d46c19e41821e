use encoding_rs::SHIFT_JIS;
use proptest::prelude::*;

use super::*;

/// What is read below the headings: each record's line and cells.
type Read = Vec<(u64, Vec<String>)>;

fn read(bytes: &[u8]) -> Result<Read, Vec<RowError>> {
    let sheet = Sheet::open(bytes)?;
    let (mut read, mut errors) = (vec![], vec![]);
    for record in sheet.records() {
        match record {
            Ok(record) => {
                let cells = sheet.columns().map(|column| record.cell(column).to_owned());
                read.push((record.line, cells.collect()));
            }
            Err(wrong) => errors.extend(wrong),
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(errors) }
}

/// The line, the column and what is wrong, of each error.
fn errors(bytes: &[u8]) -> Vec<(u64, String, String)> {
    let errors = read(bytes).unwrap_err();
    errors.into_iter().map(|error| (error.line, error.column, error.detail)).collect()
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn the_same_rows_and_lines_come_out_of_every_encoding_separator_and_line_end() {
    const LIST: &str = "\n\n施設の名称;備考;\n\nかないくぼ保育園;\"一行目\n二行目;\n\n\"\"園\"\"\";\n;;\n\n\nひまわり;;\n\n";
    let note = |line_end: &str, separator: &str| {
        format!("一行目{line_end}二行目{separator}{line_end}{line_end}\"園\"")
    };
    for line_end in ["\n", "\r\n", "\r"] {
        for separator in [",", "\t"] {
            let text = LIST.replace('\n', line_end).replace(';', separator);
            let expected = vec![
                (5, vec!["かないくぼ保育園".to_owned(), note(line_end, separator)]),
                (12, vec!["ひまわり".to_owned(), String::new()]),
            ];
            let marked = format!("\u{feff}{text}");
            let ended = text.trim_end_matches(line_end);
            for (encoding, bytes) in [
                ("UTF-8", text.clone().into_bytes()),
                ("UTF-8 without a last line end", ended.into()),
                ("UTF-8 with a mark", marked.clone().into_bytes()),
                ("CP932", SHIFT_JIS.encode(&text).0.into()),
                ("UTF-16LE", utf_16(&text, u16::to_le_bytes)),
                ("UTF-16BE", utf_16(&text, u16::to_be_bytes)),
                ("UTF-16LE with a mark", utf_16(&marked, u16::to_le_bytes)),
                ("UTF-16BE with a mark", utf_16(&marked, u16::to_be_bytes)),
            ] {
                let told = format!("{encoding} {line_end:?} {separator:?}");
                assert_eq!(read(&bytes).as_ref(), Ok(&expected), "{told}");
                assert_eq!(Sheet::open(&bytes).unwrap().line(), 3, "{told}");
            }
        }
    }
}

#[test]
fn half_width_kana_of_any_number_are_decoded() {
    let list = format!("ﾅﾏｴ\n{}\n", "ﾎｲｸｴﾝ".repeat(1000));
    let read = read(&SHIFT_JIS.encode(&list).0).unwrap();
    assert_eq!(read[0].1, ["ﾎｲｸｴﾝ".repeat(1000)]);
}

#[test]
fn headings_may_vary_in_width_and_separator_and_others_are_kept() {
    let list = "行,施設の連絡先　電話番号,施設の名称（ふりがな）,\"0歳\n利用定員数\",独自の列,,誤り\n3,03,かな,6,x,,y\n";
    let sheet = Sheet::open(list.as_bytes()).unwrap();
    let record = sheet.records().next().unwrap().unwrap();
    for (heading, cell) in [
        ("施設の連絡先_電話番号", "03"),
        ("施設の名称 (ふりがな)", "かな"),
        ("０歳_利用定員数", "6"),
        ("独自の列", "x"),
    ] {
        assert_eq!(record.cell(sheet.column(heading).unwrap()), cell, "{heading}");
    }
    assert_eq!(sheet.column("名称"), None);
    assert_eq!(sheet.column("行"), None, "the hub itself added it");
    let headings: Vec<_> = sheet.columns().map(|column| sheet.heading(column)).collect();
    let sent = ["施設の連絡先　電話番号", "施設の名称（ふりがな）", "0歳 利用定員数", "独自の列"];
    assert_eq!(headings, sent);
}

#[test]
fn a_heading_twice_is_told() {
    let twice = errors("名称,電話_番号,電話　番号,,\n".as_bytes());
    assert_eq!(twice, [(1, "電話　番号".into(), Invalid::Repeated.ja())]);
}

#[test]
fn a_sheet_may_have_no_records_but_has_headings() {
    assert_eq!(read(b"a,b"), Ok(vec![]));
    assert_eq!(read(b"a,b\r\n,\r\n"), Ok(vec![]));
    for empty in ["", "\u{feff}", "\r\n\r\n", ",,\n1,2,3\n", "行,誤り\n1,x\n"] {
        assert_eq!(errors(empty.as_bytes()), [(1, String::new(), Invalid::NoHeadings.ja())]);
    }
}

#[test]
fn a_row_has_as_many_cells_as_there_are_headings() {
    let count = |cells| Invalid::CellCount { headings: 2, cells }.ja();
    let list = b"a,b,\n1,2\n1\n1,2,,,\n1,2,,4,\n1,2,3\n,,x\n";
    let told = [(3, count(1)), (5, count(4)), (6, count(3)), (7, count(3))];
    assert_eq!(errors(list), told.map(|(line, detail)| (line, String::new(), detail)));
    assert_eq!(errors(b"a,,b\n1,,3\n1,2,3\n"), [(3, String::new(), Invalid::NoHeading.ja())]);
}

#[test]
fn a_quote_that_is_not_closed_is_told() {
    for (list, line) in [
        ("a,b\n1,\"2\n3,4\n", 2),
        ("a,b\n1,\"2\n", 2),
        ("a,b\n1,2\n\"", 3),
        ("a,b\n1,\"2\"x\n", 2),
        ("a,\"b\n1,2\n", 1),
    ] {
        let told = errors(list.as_bytes());
        assert_eq!(told, [(line, String::new(), Invalid::OpenQuote.ja())], "{list:?}");
    }
    let inside = read(b"a,b\n1 \"x\",\"2\" \n").unwrap();
    assert_eq!(inside[0].1, ["1 \"x\"", "2"]);
}

#[test]
fn control_characters_are_refused_but_breaks_and_tabs_are_not() {
    let breaks = read("a,b\n\"x\r\ny\tz\",\u{b}\n".as_bytes()).unwrap();
    assert_eq!(breaks[0].1, ["x\r\ny\tz", "\u{b}"]);
    for control in ["\0", "\u{1}", "\u{1b}", "\u{7f}", "\u{9f}"] {
        let list = format!("a,b\nx{control},y{control}\n1,\n");
        let refused = Invalid::ControlCharacter.ja();
        let told = [(2, "a".into(), refused.clone()), (2, "b".into(), refused)];
        assert_eq!(errors(list.as_bytes()), told, "{control:?}");
    }
}

#[test]
fn a_file_of_another_kind_is_told_as_such() {
    for (file, kind) in [
        (&b"PK\x03\x04\x14\0\x06\0[Content_Types].xml"[..], "an Excel workbook or a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x1f\x8b\x08\0", "gzip within gzip"),
        (b"\xef\xbb\xbf \r\n<!DOCTYPE html><table>", "a web page"),
        (b"<HTML xmlns:x=\"urn:schemas-microsoft-com:office:excel\">", "a web page"),
    ] {
        let told = errors(file);
        assert_eq!(told, [(1, String::new(), Invalid::OtherFile(kind).ja())], "{kind}");
        let told_in_its_words = Invalid::OtherFile(kind).ja() != Invalid::OtherFile("").ja();
        assert!(told_in_its_words, "{kind}");
    }
    let encoding = [(1, String::new(), Invalid::Encoding.ja())];
    for file in [&b"a,b\n\xff\xff\n"[..], b"\xff\xfea", b"\xef\xbb\xbf\x8e{\x90\xdd,a\n"] {
        assert_eq!(errors(file), encoding, "{file:?}");
    }
}

#[test]
fn a_long_value_is_cut_where_it_is_told() {
    let list = format!("a\n{}\0\n", "あ".repeat(300));
    let value = &read(list.as_bytes()).unwrap_err()[0].value;
    assert_eq!(*value, format!("{}…", "あ".repeat(200)));
}

#[test]
fn breaks_and_tabs_in_a_cell_become_one_space() {
    for (cell, line, changed) in [
        ("板橋\r\n\r\nビル", "板橋 ビル", true),
        ("板橋 \t ビル", "板橋 ビル", true),
        ("板橋\u{2028}ビル", "板橋 ビル", true),
        ("\n板橋  ビル\t", "板橋  ビル", false),
        ("\n", "", false),
    ] {
        assert_eq!(one_line(cell), (line.to_owned(), changed), "{cell:?}");
    }
}

#[test]
fn bad_rows_are_returned_as_sent_and_can_be_sent_again() {
    let list = "名称\t備考\nあ\t=1+1\nい\t\"a,b\n\"\"c\"\"\"\nう\t\0\n\nえ\n";
    let mut errors = read(list.as_bytes()).unwrap_err();
    errors.push(RowError::new(3, "名称", "い", &Invalid::Format("ん")));
    errors.push(RowError::new(3, "備考", "", &Invalid::Missing));
    errors.push(RowError::new(1, "住所", "", &Invalid::Missing));
    let returned = errors_csv(list.as_bytes(), &errors);
    let expected = "\u{feff}行,誤り,名称,備考\r
1,住所: 入力してください。\r
3,名称「い」: 形式が正しくありません（ん）。 備考: 入力してください。,い,\"a,b\n\"\"c\"\"\"\r
5,備考「\0」: 使えない制御文字が含まれています。,う,\0\r
7,列の数が見出しと合いません（見出し2列、この行1列）。,え\r\n";
    assert_eq!(returned, expected);

    let corrected = returned.replace(",\0", ",").replace(",え", ",え,");
    let corrected = corrected.replace("「\0」", "");
    let read_again = read(corrected.as_bytes()).unwrap();
    let names: Vec<_> = read_again.iter().map(|(_, cells)| cells[0].as_str()).collect();
    assert_eq!(names, ["い", "う", "え"]);
    assert_eq!(read_again[0].1[1], "a,b\n\"c\"");

    let again = errors_csv(returned.as_bytes(), &[RowError::new(6, "", "", &Invalid::NoHeading)]);
    let expected = "\u{feff}行,誤り,名称,備考\r\n6,見出しのない列に値があります。,え\r\n";
    assert_eq!(again, expected, "columns that the hub added are added once");
}

#[test]
fn a_file_that_cannot_be_read_is_returned_as_its_errors() {
    let errors = read(b"%PDF-1.7").unwrap_err();
    let returned = errors_csv(b"%PDF-1.7", &errors);
    assert!(returned.starts_with("\u{feff}行,誤り\r\n1,PDF"), "{returned}");
}

/// Cells with all that a cell can have, among other characters.
fn cells() -> impl Strategy<Value = String> {
    let odd = prop::sample::select("\",,\"\t\n\r 　あ葛\u{e0100}ｱ1=-".chars().collect::<Vec<_>>());
    let any = prop::char::any().prop_filter("refused", |c| !is_refused(*c));
    prop::collection::vec(prop_oneof![4 => odd, 1 => any], 0..6)
        .prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn what_was_written_is_read_with_its_lines(
        rows in prop::collection::vec((prop::collection::vec(cells(), 3), 0_usize..3), 0..12),
        line_end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        separator in prop::sample::select(vec![",", "\t"]),
        marked in any::<bool>(),
    ) {
        let mut written = ["a", "b", "c"].join(separator);
        let mut expected = vec![];
        for (cells, blank_lines) in rows {
            written.push_str(&line_end.repeat(blank_lines + 1));
            // Lines as an editor counts them.
            let line = written.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() + 1;
            let quoted = |cell: &String| {
                if cell.contains(['"', ',', '\t', '\r', '\n']) {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell.clone()
                }
            };
            written.push_str(&cells.iter().map(quoted).collect::<Vec<_>>().join(separator));
            if cells.iter().any(|cell| !cell.trim().is_empty()) {
                expected.push((line as u64, cells));
            }
        }
        let bytes = if marked { format!("\u{feff}{written}") } else { written };
        prop_assert_eq!(read(bytes.as_bytes()), Ok(expected));
    }

    #[test]
    fn any_bytes_are_read_or_told(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(errors) = read(&bytes) {
            let returned = errors_csv(&bytes, &errors);
            prop_assert!(returned.contains("行,誤り"), "{}", returned);
        }
    }
}
