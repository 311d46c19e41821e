//! What a file is, and its text.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE};

use crate::Invalid;

/// How files begin that are no text with separators, whatever their names say, and what they are. Workbooks of today's
/// Excel are ZIP archives, those until 2003 are not; one layer of gzip has been unpacked already.
const OTHER_FILES: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"PK\x05\x06", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"%PDF-", "a PDF document"),
    (b"\x1f\x8b", "gzip within gzip"),
];

/// The text of a file, without its byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, Invalid> {
    if let Some((_, kind)) = OTHER_FILES.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(Invalid::OtherFile(kind));
    }
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, bom)) => decode(encoding, &bytes[bom..]),
        None => match utf_16_without_mark(bytes) {
            Some(encoding) => decode(encoding, bytes),
            None => decode(UTF_8, bytes).or_else(|| decode(SHIFT_JIS, bytes)),
        },
    };
    let text = text.ok_or(Invalid::Encoding)?;
    let beginning: String = text.trim_start().chars().take(9).collect();
    let beginning = beginning.to_ascii_lowercase();
    if ["<!doctype", "<html", "<?xml"].iter().any(|tag| beginning.starts_with(tag)) {
        return Err(Invalid::OtherFile("a web page"));
    }
    Ok(text)
}

/// UTF-8 is borrowed. Other text is copied into half as much room again, which all but half-width kana fit into:
/// `Encoding::decode` takes three times as much.
fn decode<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    if encoding == UTF_8 {
        return str::from_utf8(bytes).ok().map(Cow::Borrowed);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (mut text, mut rest) = (String::with_capacity(bytes.len() / 2 * 3), bytes);
    loop {
        let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut text, true);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return Some(text.into()),
            DecoderResult::OutputFull => text.reserve(rest.len() + 16),
            DecoderResult::Malformed(..) => return None,
        }
    }
}

/// Told by the separators and line breaks at the beginning, most of which have a zero byte beside them. Zero bytes alone
/// say little: 一 has one in UTF-16, and a stray NUL is one.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    const BEGINNING: usize = 1024;
    let beginning = &bytes[..bytes.len().min(BEGINNING)];
    let divides = |byte: &u8| b",\t\r\n".contains(byte);
    let units = || beginning.as_chunks::<2>().0.iter();
    let little = units().filter(|[low, high]| *high == 0 && divides(low)).count();
    let big = units().filter(|[high, low]| *high == 0 && divides(low)).count();
    let most = beginning.iter().filter(|byte| divides(byte)).count() / 2;
    if little > most {
        Some(UTF_16LE)
    } else if big > most {
        Some(UTF_16BE)
    } else {
        None
    }
}
