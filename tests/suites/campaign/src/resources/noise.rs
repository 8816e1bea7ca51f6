//! What the operator's process says that nobody asked for: panics, and lines in its log that are not its own.

use std::{
    io,
    sync::{Arc, Mutex, Once, PoisonError},
};

use passcode_operator::telemetry::logs::{Format, subscriber};

use super::values::FORGED;

static BEGIN: Once = Once::new();
static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Begins to listen, in the whole process and until its end. The log is the operator's own, as its binary writes it.
pub fn listen() {
    BEGIN.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let at = panic.location().map(ToString::to_string).unwrap_or_default();
            // A check that fails panics, too; where that is a violation, it is told by itself.
            if !at.starts_with("tests/") {
                let text = panic.payload_as_str().unwrap_or("a panic");
                PANICS.lock().unwrap_or_else(PoisonError::into_inner).push(format!("a panic at {at}: {text}"));
            }
            previous(panic);
        }));
        let lines = subscriber("passcode_operator=debug", Format::Text, || Lines);
        tracing::subscriber::set_global_default(Arc::new(lines)).unwrap();
    });
}

struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was heard since the last time: panics of the operator, and lines of its log that something else has written into it.
pub fn heard() -> Vec<String> {
    let mut heard = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    let log = std::mem::take(&mut *LINES.lock().unwrap_or_else(PoisonError::into_inner));
    heard.extend(faults_of(&String::from_utf8_lossy(&log)));
    heard
}

fn faults_of(log: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for line in log.split(['\n', '\r']) {
        if line.trim_start().starts_with(FORGED) {
            faults.push(format!("a line of the log is forged: {line}"));
        } else if line.chars().any(|character| character.is_control() && character != '\t') {
            faults.push(format!("a line of the log holds control characters: {}", line.escape_debug()));
        } else if line.contains("ended unexpectedly") {
            faults.push(format!("a part of the operator ended: {line}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_lines_are_found() {
        assert_eq!(faults_of("2026 INFO a: x\n2026 INFO b: FORGED\n"), Vec::<String>::new());
        assert_eq!(faults_of("2026 INFO a: x\r\nFORGED: 1\n").len(), 1);
        assert_eq!(faults_of("2026 INFO a: \u{1b}[2J\n").len(), 1);
    }
}
