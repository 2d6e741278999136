//! A job's text as it lies in Redis: JSON, or a Zstandard frame of it when it is large.
//!
//! The two are told apart by their first bytes: no JSON text begins like a frame. Scripts never look inside.

use std::borrow::Cow;
use std::io::Read;

use booster_core::JobError;

/// The first bytes of a Zstandard frame (RFC 8878, section 3.1.1).
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Quick rather than small: source code shrinks to a fifth at any level.
const LEVEL: i32 = 1;
/// Largest window that a frame may ask for, as a power of two: 8 MiB, what RFC 8878 asks decoders to support.
const WINDOW_LOG: u32 = 23;

/// The bytes to store for a job's text.
pub(crate) fn pack(text: String, compress_above: usize) -> Vec<u8> {
    if text.len() <= compress_above {
        return text.into_bytes();
    }
    // Compressing into memory cannot fail; if it did, the text itself would be as good.
    match zstd::bulk::compress(text.as_bytes(), LEVEL) {
        Ok(packed) if packed.len() < text.len() => packed,
        _ => text.into_bytes(),
    }
}

/// The text in what is stored. A frame unfolds to at most `limit` bytes; what is no frame is as long as it is.
///
/// # Errors
/// [`JobError::TooLarge`] for a frame beyond the limit, [`JobError::NotJson`] for a damaged one or bytes that are
/// no UTF-8.
pub(crate) fn unpack(stored: &[u8], limit: usize) -> Result<Cow<'_, str>, JobError> {
    if !stored.starts_with(&MAGIC) {
        return std::str::from_utf8(stored).map(Cow::Borrowed).map_err(not_json);
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(stored).map_err(not_json)?;
    decoder.window_log_max(WINDOW_LOG).map_err(not_json)?;
    let mut text = Vec::new();
    // A small frame may unfold without end, so reading stops just behind the limit.
    decoder.take(limit as u64 + 1).read_to_end(&mut text).map_err(not_json)?;
    if text.len() > limit {
        return Err(JobError::TooLarge { size: text.len(), limit });
    }
    String::from_utf8(text).map(Cow::Owned).map_err(not_json)
}

fn not_json(error: impl std::fmt::Display) -> JobError {
    JobError::NotJson { detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_text_is_stored_small_and_comes_back_whole() {
        let text = "{\"code\":\"let x = 1;\"}".repeat(1000);
        let packed = pack(text.clone(), 1000);
        assert!(packed.len() * 5 < text.len(), "{} bytes", packed.len());
        assert_eq!(unpack(&packed, text.len()).unwrap(), text);
        assert_eq!(pack(text.clone(), text.len()), text.as_bytes(), "up to the threshold it stays as it is");
        assert_eq!(unpack(text.as_bytes(), text.len()).unwrap(), text);
    }

    #[test]
    fn what_unfolds_beyond_the_limit_or_is_damaged_is_refused() {
        let packed = pack("x".repeat(50_000_000), 1000);
        assert!(packed.len() < 100_000);
        assert_eq!(
            unpack(&packed, 1_000_000).unwrap_err(),
            JobError::TooLarge { size: 1_000_001, limit: 1_000_000 }
        );
        assert_eq!(unpack(&packed[..packed.len() / 2], 100_000_000).unwrap_err().code(), "job_not_json");
        assert_eq!(unpack(&[0xff, 0xfe], 10).unwrap_err().code(), "job_not_json");
    }
}
