//! Names and identities that the server gives.

/// Numbers that never repeat, not even after a restore.
#[derive(Clone, Default)]
pub(crate) struct Names {
    issued: u64,
}

impl Names {
    pub(crate) fn uid(&mut self) -> String {
        self.issued += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.issued)
    }

    /// Five letters, as `generateName` appends them.
    pub(crate) fn suffix(&mut self) -> String {
        const LETTERS: [char; 20] =
            ['b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'q', 'r', 's', 't', 'v', 'w', 'x', 'z'];
        self.issued += 1;
        // An odd factor coprime to 20^5 spreads consecutive numbers without ever meeting twice within 3.2 million.
        let mut number = self.issued.wrapping_mul(1_234_567) % 3_200_000;
        let letter = |_| {
            let index = usize::try_from(number % 20).unwrap_or_default();
            number /= 20;
            LETTERS[index]
        };
        (0..5).map(letter).collect()
    }
}

/// What Kubernetes admits as a name.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(part)
}
