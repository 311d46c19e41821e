//! The browser takes the style of the page and no other: by its hash.

use std::{error::Error, fs};

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

const STYLE: &str = "src/style.css";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={STYLE}");
    let style = BASE64.encode(&Sha256::digest(fs::read(STYLE)?));
    println!("cargo::rustc-env=STYLE_HASH={style}");
    Ok(())
}
