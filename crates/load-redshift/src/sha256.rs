//! By what contents are recognised.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// SHA-256 over the parts one after the other, in hex.
pub(crate) fn sha256_hex<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let digest = parts.into_iter().fold(Sha256::new(), |sha256, part| sha256.chain_update(part)).finalize();
    digest.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_as_one_text() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(["abc"]), expected);
        assert_eq!(sha256_hex(["a", "bc"]), expected);
    }
}
