// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The end of every help text. A test runs each line of the examples as it is printed.

/// Examples and exit status.
pub(crate) fn text(examples: &str, status: &str) -> String {
    // The literals lose the indentation of their first line to the `\` before it.
    format!("Examples:\n  {examples}\n\nExit status: {status}.")
}

/// The same with the fields of the JSON output, a line each.
pub(crate) fn with_json(examples: &str, status: &str, json: &str) -> String {
    format!("{}\n\nJSON: {json}", text(examples, status))
}
