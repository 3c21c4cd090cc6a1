//! The name of a request, in its answer and in the journal.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderValue;

const LEN_MAX: usize = 64;

/// `[A-Za-z0-9-]{1,64}`: nothing that could end a line of a log or begin a new one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The client's own name for the request if it is harmless, else a new one.
    pub(crate) fn of(sent: Option<&HeaderValue>) -> Self {
        let sent = sent.and_then(|sent| sent.to_str().ok());
        sent.filter(|sent| is_harmless(sent))
            .map_or_else(Self::fresh, |sent| Self(sent.to_owned()))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Different for each request of this process, and most likely of any other; not a secret.
    fn fresh() -> Self {
        static PROCESS: LazyLock<u32> = LazyLock::new(|| RandomState::new().hash_one(0_u8) as u32);
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(format!(
            "{:08x}-{:08x}",
            *PROCESS,
            NEXT.fetch_add(1, Ordering::Relaxed)
        ))
    }
}

fn is_harmless(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LEN_MAX).contains(&id.len()) && id.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_names_are_kept() {
        let longest = "a".repeat(LEN_MAX);
        for id in ["a", "7f3-B", &longest] {
            assert_eq!(
                RequestId::of(Some(&HeaderValue::from_str(id).unwrap())).as_str(),
                id
            );
        }
        let too_long = "a".repeat(LEN_MAX + 1);
        for id in ["", "a b", "a_b", "\"", "{}", "a\tb", "é", &too_long] {
            let kept = RequestId::of(Some(&HeaderValue::from_bytes(id.as_bytes()).unwrap()));
            assert!(is_harmless(kept.as_str()), "{id}");
            assert_ne!(kept.as_str(), id);
        }
        assert_ne!(RequestId::of(None).as_str(), RequestId::of(None).as_str());
    }
}
