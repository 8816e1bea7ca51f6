//! The pages of `docs/reference/`, made from the code, so that each fact is written down once: the resources' schemas, the table of reasons, the
//! metrics and the command line. `make reference` writes them; a test sees that they are current.

mod command_line;
mod fields;
mod kinds;
mod markdown;
mod metrics;
mod reasons;

use anyhow::Result;
use deploy::{Made, repository};
use passcode_core::api::manifests;

/// Where the pages stand.
pub const DIRECTORY: &str = "docs/reference";

/// Every page.
///
/// # Errors
/// If a resource's definition is not as expected.
pub fn pages() -> Result<Vec<Made>> {
    let mut pages = vec![
        page("reasons", "the table in `core/src/api/reasons/`", &reasons::page()),
        page("metrics", "the table in `src/telemetry/described.rs`", &metrics::page()),
        page("command-line", "the program's own help", &command_line::page()),
    ];
    for definition in manifests::definitions()? {
        let name = definition.spec.names.kind.to_lowercase();
        pages.push(page(&name, "the types in `core/src/api/`", &kinds::page(&definition)?));
    }
    Ok(pages)
}

/// A page: its heading comes first, then who makes it.
fn page(name: &str, source: &str, text: &str) -> Made {
    let (heading, rest) = text.split_once('\n').unwrap_or((text, ""));
    let note = format!("<!-- Made from {source} by `make reference`: change it there. -->");
    Made {
        path: repository(DIRECTORY).join(format!("{name}.md")),
        text: format!("{heading}\n\n{note}\n\n{}\n", rest.trim()),
    }
}
