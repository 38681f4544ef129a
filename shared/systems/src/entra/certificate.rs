//! When an X.509 certificate ends. Nothing else is wanted of it, so this reads just that far into it (RFC 5280, 4.1).

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// `[0] EXPLICIT Version`, absent in version 1.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// `notAfter` of a certificate in DER; `None`: it is no certificate, or one without an end that a calendar has
/// (`99991231235959Z`, RFC 5280, 4.1.2.5).
pub(super) fn ends(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = of(SEQUENCE, der)?;
    let (mut rest, _) = of(SEQUENCE, certificate)?;
    if let Some((_, after)) = of(VERSION, rest) {
        rest = after;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, rest) = of(tag, rest)?;
    }
    let (validity, _) = of(SEQUENCE, rest)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (year, rest) = match tag {
        UTC_TIME => {
            let (year, rest) = text.split_at_checked(2)?;
            // Two digits: 1950 to 2049 (RFC 5280, 4.1.2.5.1).
            (if year < "50" { format!("20{year}") } else { format!("19{year}") }, rest)
        }
        GENERALIZED_TIME => text.split_at_checked(4).map(|(year, rest)| (year.to_owned(), rest))?,
        _ => return None,
    };
    if rest.len() != 10 || !rest.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| &rest[at..at + 2];
    format!("{year}-{}-{}T{}:{}:{}Z", part(0), part(2), part(4), part(6), part(8)).parse().ok()
}

/// The content of an element of this tag at the start, and what follows it.
fn of(wanted: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (tag, content, rest) = element(bytes)?;
    (tag == wanted).then_some((content, rest))
}

/// Tag and content of the element at the start, and what follows it. Tags of more than one byte and indefinite lengths do
/// not occur in DER certificates up to here.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], mut rest) = bytes.split_first_chunk()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            digits
                .iter()
                .try_fold(0_usize, |length, digit| length.checked_mul(256)?.checked_add(usize::from(*digit)))?
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32, name: &str) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["x".into()]).expect("names");
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = date_time_ymd(1999, 1, 2);
        params.not_after = date_time_ymd(year, 2, 28);
        params.self_signed(&KeyPair::generate().expect("a key")).expect("signed").der().to_vec()
    }

    #[test]
    fn ends_of_certificates() {
        for (year, name) in [(2027, "short"), (2049, "x"), (2050, "four digits"), (2100, &*"long ".repeat(60))] {
            let expected = format!("{year}-02-28T00:00:00Z").parse().ok();
            assert_eq!(ends(&certificate(year, name)), expected, "{year}");
        }
        for odd in [&b""[..], b"0", b"\x30\x80", b"\x30\x05\x30\x03\x02\x01", b"no certificate"] {
            assert_eq!(ends(odd), None);
        }
    }

    proptest! {
        /// Whatever bytes there are: nothing, or a time, and no panic.
        #[test]
        fn any_bytes(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>()) {
            let mut der = CERTIFICATE.with(Clone::clone);
            for (at, byte) in flips {
                let at = at.index(der.len());
                der[at] = byte;
            }
            let _ = ends(&der);
            let _ = ends(&der[..cut.index(der.len())]);
        }
    }

    thread_local! {
        static CERTIFICATE: Vec<u8> = certificate(2030, "one");
    }
}
