//! Logs: JSON or text, one line an event.

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::LevelFilter,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Begins logging to standard error.
pub fn begin(filter: &str, format: Format) {
    // A second begin, as in tests, changes nothing.
    let _ = subscriber(filter, format, std::io::stderr).try_init();
}

/// What writes the lines.
///
/// Of libraries nothing below `info` is written, of the sign-in's nothing below `warn`, whatever the filter says: their debug lines print requests, and a request for
/// a token holds the client secret. Nor are their spans: each of our lines names its object itself, and kube's controller enters the
/// span of each object whenever any of them moves.
pub fn subscriber<W>(filter: &str, format: Format, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(filter);
    let capped = tracing_subscriber::filter::filter_fn(|line| {
        // The sign-in's library tells of each refusal, which the tenant's status says once.
        let most = if line.target().starts_with("typespec") { tracing::Level::WARN } else { tracing::Level::INFO };
        line.target().starts_with("passcode_operator") || (line.is_event() && *line.level() <= most)
    });
    let lines = fmt::layer().with_writer(writer);
    let lines = match format {
        Format::Text => lines.with_ansi(false).boxed(),
        Format::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(capped)).with(wanted)
}
