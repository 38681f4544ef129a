//! The message as HTML mail: one table, no picture, no link, no script, nothing fetched from anywhere.

use super::{Notice, NoticeKind, escape};
use crate::finding::Severity;

impl Notice {
    /// The message as an HTML page. Mail programs drop style sheets, so styles stand at their elements.
    pub fn html(&self) -> String {
        let colour = match (self.kind, self.finding.severity) {
            (NoticeKind::Mended, _) => "#1d7a3a",
            (_, Severity::Critical) => "#b3261e",
            (_, Severity::Warning | Severity::Unknown) => "#8a5a00",
            (_, Severity::Ok | Severity::Info) => "#1f4e8c",
        };
        let headline = escape::html(&self.headline());
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{headline}</title></head>\n\
             <body style=\"font-family:sans-serif;color:#222;max-width:48em\">\n\
             <h1 style=\"font-size:1.2em;color:{colour}\">{headline}</h1>\n<table style=\"border-collapse:collapse\">\n"
        );
        for part in self.parts() {
            page.push_str(&format!(
                "<tr><th style=\"text-align:left;vertical-align:top;padding:4px 12px 4px 0\">{}</th>\
                 <td style=\"padding:4px 0\">{}</td></tr>\n",
                part.label,
                escape::html(&part.text)
            ));
        }
        page.push_str("</table>\n</body></html>\n");
        page
    }
}
