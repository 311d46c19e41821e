//! Lists of facilities: the hub's own, those of ここdeサーチ, and 自治体標準オープンデータセット 子育て施設一覧.

mod plan;
mod read;
#[cfg(test)]
mod tests;

pub use plan::plan;
pub use read::{possible_ids, read};
