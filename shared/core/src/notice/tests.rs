//! What people read, with friendly and with hostile texts.

use proptest::prelude::*;

use super::*;
use crate::finding::Severity;
use crate::ids::IntegrationName;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A notice whose every free text is this one.
fn notice(text: &str, severity: Severity, kind: NoticeKind, ends: Option<Timestamp>) -> Notice {
    let own = || text.to_owned();
    Notice {
        schema: Notice::SCHEMA,
        id: "0123456789abcdef0123456789abcdef".into(),
        alert: "fedcba9876543210fedcba9876543210".into(),
        deployment: "prod".into(),
        kind,
        unwatched: false,
        about: About::Integration(IntegrationName::try_from("analytics-dev".to_owned()).expect("a name")),
        owner: Some(own()),
        stage: ends.map(|_| Stage::Before(30)),
        finding: Finding {
            check: own(),
            severity,
            resource: own(),
            expected: own(),
            found: own(),
            effect: own(),
            fix: own(),
            row: "R20".into(),
        },
        ends,
        who: own(),
        by_itself: own(),
        changed_by: Some(ChangedBy { who: own(), at: at("2027-01-01T05:04:03Z"), event: own() }),
        incidents: vec!["i".into()],
        at: at("2027-01-02T06:00:00Z"),
    }
}

#[test]
fn people_read_what_when_who_and_what_to_do() {
    let mut told = notice("x", Severity::Warning, NoticeKind::Matter, Some(at("2027-01-27T15:00:00Z")));
    told.finding.check = "secret_end".into();
    told.finding.found = "the secret of `dbt dev` ends".into();
    told.finding.fix = "post `rotate_secret`".into();
    told.who = "14 developers".into();
    told.by_itself = "the secret is rotated on 2027-01-20".into();
    told.changed_by = Some(ChangedBy { who: "Ann".into(), at: at("2027-01-01T05:04:03Z"), event: "update".into() });
    assert_eq!(told.subject(), "extoauth prod: WARNING analytics-dev: secret_end, ends in 25 days");
    let (text, html, chat) = (told.text(), told.html(), told.chat());
    for part in [
        "What: the secret of `dbt dev` ends",
        "When: 2027-01-27 15:00 UTC (ends in 25 days)",
        "Who is affected: 14 developers",
        "Who changed it: Ann, 2027-01-01 05:04 UTC, update",
        "What happens by itself: the secret is rotated on 2027-01-20",
        "What to do: post `rotate_secret`",
        "finding = fedcba9876543210fedcba9876543210",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
        let (label, value) = part.split_once(": ").unwrap_or(("", part));
        assert!(html.contains(label) && html.contains(value), "{part} is not in {html}");
    }
    let chat: serde_json::Value = serde_json::from_str(&chat).expect("JSON");
    assert_eq!((chat["version"].as_str(), chat["source"].as_str()), (Some("1.0"), Some("custom")));
    assert!(
        chat["content"]["description"].as_str().is_some_and(|text| text.contains("*Who is affected:* 14 developers"))
    );
}

#[test]
fn a_date_is_told_by_days() {
    for (ends, words) in [
        ("2027-01-02T23:59:59Z", "ends today"),
        ("2027-01-03T00:00:00Z", "ends tomorrow"),
        ("2027-01-01T23:59:59Z", "ended yesterday"),
        ("2026-12-23T00:00:00Z", "ended 10 days ago"),
        ("2027-04-02T05:00:00Z", "ends in 90 days"),
    ] {
        let subject = notice("c", Severity::Critical, NoticeKind::Matter, Some(at(ends))).subject();
        assert_eq!(subject, format!("extoauth prod: CRITICAL analytics-dev: c, {words}"));
    }
}

#[test]
fn what_is_mended_asks_for_nothing() {
    let told = notice("c", Severity::Critical, NoticeKind::Mended, Some(at("2027-01-27T15:00:00Z")));
    assert_eq!(told.subject(), "extoauth prod: MENDED analytics-dev: c");
    let text = told.text();
    assert!(text.contains("nothing is left to do"), "{text}");
    for absent in ["What to do", "acknowledge", "ends in"] {
        assert!(!text.contains(absent), "{absent} is in {text}");
    }
}

#[test]
fn what_is_not_watched_any_more_is_not_called_mended() {
    let told = notice("c", Severity::Critical, NoticeKind::Mended, Some(at("2027-01-27T15:00:00Z")));
    let told = Notice { unwatched: true, ..told };
    assert_eq!(told.subject(), "extoauth prod: CLOSED analytics-dev: c");
    let text = told.text();
    assert!(text.contains("not watched any more") && !text.contains("as it should be"), "{text}");
    assert!(!text.contains("What to do"), "{text}");
}

const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "<!channel> <https://evil.example|click>",
    "[click](https://evil.example)",
    "a\r\nWhat to do: send your password",
    "a\nBcc: all@example.com",
    "\u{202e}drowssap\u{2066}",
    "\u{1b}[31mred\u{0}\u{7}",
    "&lt;b&gt; &amp; &#60;",
    "<@U012345> `code` *bold* ~gone~ |x| \\",
    "l\u{2028}s\u{2029}e\u{85}x",
    "' onmouseover='x",
];

fn harmless(text: &str) {
    for (severity, kind) in [(Severity::Critical, NoticeKind::Matter), (Severity::Info, NoticeKind::Mended)] {
        let tame = notice("tame", severity, kind, Some(at("2027-01-27T15:00:00Z")));
        let told = notice(text, severity, kind, Some(at("2027-01-27T15:00:00Z")));
        let subject = told.subject();
        assert!(subject.len() <= 99 && subject.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{subject:?}");
        let plain = told.text();
        assert!(!plain.contains(['&', '<', '>', '\r', '\0', '\u{1b}', '\u{202e}', '\u{2028}']), "{plain:?}");
        // An empty text takes its line away; none adds one.
        assert!(plain.lines().count() <= tame.text().lines().count(), "{plain:?}");
        let page = told.html();
        let tags = |page: &str| page.matches('<').count();
        assert!(tags(&page) <= tags(&tame.html()), "{page}");
        assert_eq!(page.matches('<').count(), page.matches('>').count(), "{page}");
        let rest = page
            .replace("&amp;", "")
            .replace("&lt;", "")
            .replace("&gt;", "")
            .replace("&quot;", "")
            .replace("&#39;", "");
        assert!(!rest.contains('&'), "{page}");
        let chat: serde_json::Value = serde_json::from_str(&told.chat()).expect("JSON");
        let description = chat["content"]["description"].as_str().expect("a text");
        assert!(!description.contains(['<', '>', '&', '[', ']', '`', '~', '|', '@', '\\']), "{description:?}");
        let lines = |told: &Notice| told.parts().len();
        assert_eq!(description.lines().count(), lines(&told), "{description:?}");
        assert_eq!(description.matches('*').count(), 2 * lines(&told), "{description:?}");
    }
}

#[test]
fn hostile_texts_are_harmless() {
    for text in HOSTILE {
        harmless(text);
    }
    let long = "x".repeat(100_000);
    let told = notice(&long, Severity::Critical, NoticeKind::Matter, None);
    // SNS takes 256 KB, JSON escapes included (SNS API reference, `Publish`).
    assert!(told.text().len() < 20_000 && told.html().len() < 20_000 && told.chat().len() < 20_000);
}

proptest! {
    #[test]
    fn no_text_is_harmful(text in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f<>&\"'\\[\\]*`|@\\\\]|\u{202e}|\u{2028}|\u{200b}){0,80}") {
        harmless(&text);
    }
}
