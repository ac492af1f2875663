//! Is every header read the same however it comes, and none of what follows it?

use proptest::prelude::*;

use super::*;

/// Feeds a stream to the reader, no octet more than it asks for; gives what it said, and how many
/// octets it took.
fn fed(stream: &[u8]) -> (Result<Option<Header>, Broken>, usize) {
    let mut taken = 0;
    loop {
        match read(&stream[..taken]) {
            Ok(Progress::Done(header)) => return (Ok(Some(header)), taken),
            Ok(Progress::More(more)) => {
                assert!(more > 0, "asks for nothing after {taken} octets");
                assert!(taken + more <= LONGEST, "asks for too much");
                if taken + more > stream.len() {
                    return (Ok(None), taken);
                }
                taken += more;
            }
            Err(broken) => return (Err(broken), taken),
        }
    }
}

fn block(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut octets = SIGNATURE.to_vec();
    octets.extend_from_slice(&[command, family]);
    octets.extend_from_slice(&u16::try_from(block.len()).unwrap().to_be_bytes());
    octets.extend_from_slice(block);
    octets
}

fn addresses_4() -> Vec<u8> {
    [192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 0x01, 0xbb].to_vec()
}

fn with_facts(facts: &[u8]) -> Vec<u8> {
    block(0x21, 0x11, &[&addresses_4(), facts].concat())
}

fn ends(source: &str, destination: &str) -> Option<(SocketAddr, SocketAddr)> {
    Some((source.parse().unwrap(), destination.parse().unwrap()))
}

/// Headers that are right, with what they say.
fn right() -> Vec<(Vec<u8>, Header)> {
    let four = ends("192.0.2.1:56324", "198.51.100.1:443");
    let six = ends("[2001:db8::1]:1", "[::1]:65535");
    let longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535";
    let header = |version, local, ends| Header {
        version,
        local,
        ends,
    };
    let mut addresses_6 = vec![0x20, 0x01, 0x0d, 0xb8];
    addresses_6.resize(15, 0);
    addresses_6.push(1);
    addresses_6.resize(31, 0);
    addresses_6.extend_from_slice(&[1, 0, 1, 0xff, 0xff]);
    let line = |text: &str| format!("{text}\r\n").into_bytes();
    vec![
        (
            line("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443"),
            header(1, false, four),
        ),
        (
            line("PROXY TCP6 2001:db8::1 ::1 1 65535"),
            header(1, false, six),
        ),
        (line("PROXY UNKNOWN"), header(1, false, None)),
        (line(longest), header(1, false, None)),
        (block(0x21, 0x11, &addresses_4()), header(2, false, four)),
        (block(0x21, 0x21, &addresses_6), header(2, false, six)),
        (block(0x21, 0x31, &[b'/'; 216]), header(2, false, None)),
        (block(0x21, 0x00, b"anything"), header(2, false, None)),
        (block(0x20, 0x00, b""), header(2, true, None)),
        (block(0x20, 0x11, &addresses_4()), header(2, true, None)),
        (
            with_facts(&[0x04, 0, 2, 0, 0, 0x05, 0, 1, 9]),
            header(2, false, four),
        ),
    ]
}

#[test]
fn headers_say_whom_the_proxy_speaks_for_and_nothing_behind_them_is_read() {
    for (octets, header) in right() {
        let stream = [&octets[..], b"\x16\x03\x01\r\nTLS"].concat();
        assert_eq!(fed(&stream), (Ok(Some(header)), octets.len()), "{octets:?}");
    }
}

#[test]
fn a_header_that_is_cut_at_any_octet_asks_for_more_and_no_more_than_there_is() {
    for (octets, _) in right() {
        for cut in 0..octets.len() {
            match read(&octets[..cut]) {
                Ok(Progress::More(more)) => assert!(cut + more <= octets.len(), "{cut}: {more}"),
                other => panic!("{octets:?} cut at {cut}: {other:?}"),
            }
        }
    }
}

#[test]
fn what_is_no_header_is_refused() {
    let lines = [
        "GET / HTTP/1.1\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 1 2\r\n",
        "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
        "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n\n\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\r.",
        "PROXY TCP4 192.0.2.1\r198.51.100.1 1 2\r\n",
        "PROXY UNKNOWN\0.................\r\n",
        "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
        "PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
    ];
    for line in lines {
        // With what follows, which comes anyway: a line that is too short may ask for more.
        let stream = format!("{line}............");
        assert!(fed(stream.as_bytes()).0.is_err(), "{line:?}");
    }
    let endless = format!("PROXY UNKNOWN {}\r\n", "x".repeat(200));
    let (outcome, taken) = fed(endless.as_bytes());
    assert!(outcome.is_err() && taken <= LONGEST_LINE, "{taken}");
    let four = addresses_4();
    let blocks = [
        block(0x11, 0x11, &four),
        block(0x22, 0x11, &four),
        block(0x21, 0x12, &four),
        block(0x21, 0x41, &four),
        block(0x21, 0x11, &four[..11]),
        block(0x21, 0x21, &four),
        block(0x21, 0x31, &four),
        block(0x21, 0x11, &[0; 521]),
        with_facts(&[0x04]),
        with_facts(&[0x04, 0, 2, 0]),
        with_facts(&[CHECKSUM, 0, 3, 0, 0, 0]),
        with_facts(&[CHECKSUM, 0, 4, 0, 0, 0, 0]),
    ];
    for octets in blocks {
        assert!(fed(&octets).0.is_err(), "{octets:?}");
    }
}

#[test]
fn a_checksum_is_verified_where_there_is_one() {
    // The check value of CRC-32C, here with zeros in front for the place of the checksum.
    assert_eq!(checksum(b"123456789", 9), 0xe306_9283);
    let mut octets = with_facts(&[0x04, 0, 0, CHECKSUM, 0, 4, 0, 0, 0, 0]);
    let place = octets.len() - 4;
    let sum = checksum(&octets, place).to_be_bytes();
    octets[place..].copy_from_slice(&sum);
    assert!(matches!(fed(&octets).0, Ok(Some(_))));
    // Without the command, for what a proxy says for itself is taken without a look at the rest,
    // and without what makes a checksum of the checksum.
    for at in (0..octets.len()).filter(|at| ![12, place - 3].contains(at)) {
        let mut bent = octets.clone();
        bent[at] ^= 1;
        assert!(!matches!(fed(&bent).0, Ok(Some(_))), "octet {at}");
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_within_bounds(octets: Vec<u8>, version in 0..3) {
        let stream = match version {
            0 => octets,
            1 => [PREFIX, &octets].concat(),
            _ => [SIGNATURE, &octets].concat(),
        };
        let (_, taken) = fed(&stream);
        prop_assert!(taken <= stream.len().min(LONGEST));
    }

    #[test]
    fn addresses_are_told_as_they_were(source: u32, destination: u32, from: u16, to: u16) {
        let (source, destination) = (Ipv4Addr::from(source), Ipv4Addr::from(destination));
        let told = Some((
            SocketAddr::new(source.into(), from),
            SocketAddr::new(destination.into(), to),
        ));
        let line = format!("PROXY TCP4 {source} {destination} {from} {to}\r\n");
        prop_assert_eq!(fed(line.as_bytes()).0.unwrap().unwrap().ends, told);
        let mut octets = source.octets().to_vec();
        octets.extend_from_slice(&destination.octets());
        octets.extend_from_slice(&from.to_be_bytes());
        octets.extend_from_slice(&to.to_be_bytes());
        prop_assert_eq!(fed(&block(0x21, 0x11, &octets)).0.unwrap().unwrap().ends, told);
    }
}
