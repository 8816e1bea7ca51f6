//! The page of metrics.

use passcode_operator::telemetry::described;

use crate::markdown::{cell, code, codes, table};

pub(crate) fn page() -> String {
    let rows = described::ALL.map(|metric| {
        let labels = codes(metric.labels.iter().copied());
        [code(&metric.sample()), metric.kind.as_str().to_owned(), labels, cell(metric.help)]
    });
    format!(
        "# Metrics\nServed at `/metrics`: in the OpenMetrics text format if the scraper asks for it (`Accept: application/openmetrics-text`, as Prometheus \
         does), otherwise in Prometheus' text format 0.0.4. No label holds a name. Which are worth an alert: \
         [events, probes and logs](../guide/events-and-logs.md#alerts).\n\n{}",
        table(["metric", "type", "labels", "meaning"], rows)
    )
}
