//! What every endpoint shares.
//!
//! A handler takes a caller ([`caller`]) or what it reads for one ([`access`]), a key ([`IdempotencyKey`]), a query
//! ([`Query`]) and a body ([`Body`]) that are already right, and answers with a shape ([`view`]) or a [`Problem`]. What is
//! the same for all answers (ETags, problem texts, the log line) is done around it by [`finish`]. The handlers of a
//! function and what they need are a [`Function`].

pub mod access;
mod browser;
pub mod caller;
mod cdn;
mod comment;
mod csv_file;
mod etag;
mod finish;
mod function;
mod idempotency;
mod input;
mod json;
pub mod openapi;
mod packed;
mod page;
mod problem;
mod reserving;
pub mod slots;
mod source;
pub mod view;
pub mod visits;

pub use self::{
    browser::{Page, acts_on_our_page},
    comment::{open_comment, seal_comment},
    csv_file::{Row, as_file, csv_bytes, csv_file, file_headers},
    etag::{IfMatch, etag_of, etag_with, is_based_on},
    finish::finish,
    function::{Function, Route, Routes, run},
    idempotency::{Created, Creation, IdempotencyKey, replay},
    input::{Body, Path, PathValue, Query, QueryParams, given, some_date},
    packed::{ANSWER_AT_MOST, packed, takes_gzip},
    page::{CursorSeal, Limit, List, PageQuery},
    problem::{KINDS, Kind, Language, Problem, settled},
    reserving::{Made, Reserving, approve_at_once, under_a_number},
    source::Source,
};

/// Why a function ended.
pub use lambda_http::Error;
#[doc(hidden)]
pub use pastey::paste as __paste;
