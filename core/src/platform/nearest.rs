//! The platform class that somebody most likely meant by a name that is none.

use strsim::levenshtein;

use super::class::Platform;

/// The class whose name is written differently in case, is alone in beginning with the text, or is a few letters away.
pub(super) fn nearest(name: &str) -> Option<Platform> {
    let wanted = name.to_ascii_lowercase();
    if wanted.is_empty() {
        return None;
    }
    let mut beginning = Platform::ALL.iter().copied().filter(|platform| lower(*platform).starts_with(&wanted));
    if let (Some(only), None) = (beginning.next(), beginning.next()) {
        return Some(only);
    }
    let by_distance = Platform::ALL.iter().copied().map(|platform| (levenshtein(&lower(platform), &wanted), platform));
    by_distance.min().filter(|(steps, _)| steps * 3 <= wanted.len()).map(|(_, platform)| platform)
}

fn lower(platform: Platform) -> String {
    platform.as_str().to_ascii_lowercase()
}
