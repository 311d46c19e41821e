//! Packs the document once, where it is built: no reader waits for it, and no function pays for it.

use std::{env, error::Error, fs, io::Write, path::Path};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

const DOCUMENT: &str = "../../docs/openapi.json";
const STYLE: &str = "src/style.css";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    println!("cargo::rerun-if-changed={STYLE}");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);

    let document: serde_json::Value = serde_json::from_slice(&fs::read(DOCUMENT)?)?;
    let document = serde_json::to_vec(&document)?;
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&document)?;
    fs::write(out.join("openapi.json.gz"), packed.finish()?)?;
    let hash = BASE64URL_NOPAD.encode(&Sha256::digest(&document)[..18]);
    println!("cargo::rustc-env=DOCUMENT_MARK={hash}");
    fs::write(out.join("openapi.json"), document)?;

    // The browser takes this style and no other.
    let style = BASE64.encode(&Sha256::digest(fs::read(STYLE)?));
    println!("cargo::rustc-env=STYLE_HASH={style}");
    Ok(())
}
