use data_encoding::HEXLOWER;
use domain::keys::{Addresses, Cursors, Families, IdKey, KeyRing, Links, NoKeys, Notices, Purpose};
use runtime::Keys;

/// The keys of a hub for every purpose. A deployed function has only those that it uses.
#[derive(Debug, Clone)]
pub struct HubKeys {
    /// Numbers, ids and the marks of idempotency keys.
    pub ids: IdKey,
    /// Links in mails, and sessions.
    pub links: Keys<Links>,
    /// Links in mails to new notice addresses.
    pub notices: Keys<Notices>,
    /// Marks of families.
    pub families: Keys<Families>,
    /// Cursors.
    pub cursors: Keys<Cursors>,
    /// Marks of addresses.
    pub addresses: Keys<Addresses>,
}

impl HubKeys {
    /// All of them, made of one; or of several, each of which came into use after the one before it.
    pub fn made_of(roots: &[[u8; 32]]) -> Result<Self, NoKeys> {
        Ok(Self {
            ids: json(roots, IdKey::VARIABLE).parse()?,
            links: keys(roots)?,
            notices: keys(roots)?,
            families: keys(roots)?,
            cursors: keys(roots)?,
            addresses: keys(roots)?,
        })
    }
}

fn keys<P: Purpose>(roots: &[[u8; 32]]) -> Result<Keys<P>, NoKeys> {
    Ok(Keys::fixed(json(roots, P::VARIABLE).parse::<KeyRing<P>>()?))
}

/// The keys of a purpose, as they are kept.
fn json(roots: &[[u8; 32]], purpose: &str) -> String {
    let key = |root: &[u8; 32]| format!("{}{purpose}", HEXLOWER.encode(root)).into();
    let keys = roots.iter().enumerate().map(|(id, root)| (id.to_string(), key(root)));
    serde_json::Value::Object(keys.collect()).to_string()
}
