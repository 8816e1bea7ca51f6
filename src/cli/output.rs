//! Standard output.

use std::io::{ErrorKind, Result, Write};

/// Prints the text. That nobody reads to the end, as with `head`, is no error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
