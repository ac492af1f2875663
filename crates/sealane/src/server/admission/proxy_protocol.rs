//! The header in which a proxy says whom it speaks for: the PROXY protocol of haproxy.org, both
//! versions.
//!
//! Pure: octets in, and either the header or how many more octets are part of it for certain. So
//! whoever reads never reads beyond it, for what follows is TLS and somebody else's. Nothing is
//! repaired: a header that two readers could take differently is how an address is forged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a proxy said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// 1 or 2.
    pub(super) version: u8,
    /// The proxy speaks for itself, such as to see whether we live.
    pub(super) local: bool,
    /// Where the client's connection comes from and where it went to; `None` when the proxy does
    /// not know, speaks for itself, or was reached by a Unix socket.
    pub(super) ends: Option<(SocketAddr, SocketAddr)>,
}

/// How far a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// So many octets follow at least, never 0.
    More(usize),
    /// It ends where the octets end.
    Done(Header),
}

/// Why octets are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

/// The longest header that is taken. More is not needed, and no packet is so small that it does not
/// carry this much (RFC 1122 §3.3.3).
pub(super) const LONGEST: usize = 536;

/// Reads a header from its beginning.
pub(super) fn read(octets: &[u8]) -> Result<Progress, Broken> {
    if octets.len() > LONGEST {
        return Err(Broken("the header is longer than 536 octets"));
    }
    if begins(octets, SIGNATURE) {
        return version_2(octets);
    }
    if !begins(octets, PREFIX) {
        return Err(Broken("no PROXY header"));
    }
    version_1(octets)
}

/// Whether octets begin with these, as far as they go. None at all could be either version.
fn begins(octets: &[u8], with: &[u8]) -> bool {
    let length = octets.len().min(with.len());
    octets[..length] == with[..length]
}

/// One line of text: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.
fn version_1(octets: &[u8]) -> Result<Progress, Broken> {
    if octets.len() < SHORTEST {
        return Ok(Progress::More(SHORTEST - octets.len()));
    }
    let Some(line) = octets.strip_suffix(b"\r\n") else {
        return rest_of_line(octets);
    };
    if octets.len() > LONGEST_LINE {
        return Err(Broken("the header's line is longer than 107 octets"));
    }
    let text = text_of(line)?;
    let ends = match text[PREFIX.len()..].split_once(' ') {
        Some(("TCP4", fields)) => Some(ends_of(fields, |text| text.parse().map(IpAddr::V4).ok())?),
        Some(("TCP6", fields)) => Some(ends_of(fields, |text| text.parse().map(IpAddr::V6).ok())?),
        // Whatever follows is to be ignored.
        Some(("UNKNOWN", _)) => None,
        None if &text[PREFIX.len()..] == "UNKNOWN" => None,
        _ => return Err(Broken("the header names no protocol that is known")),
    };
    Ok(Progress::Done(Header {
        version: 1,
        local: false,
        ends,
    }))
}

/// How many octets a line that has not ended still has at least.
fn rest_of_line(octets: &[u8]) -> Result<Progress, Broken> {
    let (text, ending) = match octets.strip_suffix(b"\r") {
        Some(line) => (text_of(line)?, 1),
        None => (text_of(octets)?, 2),
    };
    let mut fields = text[PREFIX.len()..].split(' ');
    let missing = match fields.next() {
        Some("TCP4" | "TCP6") => {
            // Four fields follow, each with an octet and a space in front at least.
            let begun = fields.clone().count();
            let missing = FIELDS.checked_sub(begun).ok_or(Broken("too many fields"))?;
            2 * missing + usize::from(fields.next_back() == Some(""))
        }
        Some("UNKNOWN") => 0,
        _ => return Err(Broken("the header names no protocol that is known")),
    };
    if ending == 1 && missing > 0 {
        return Err(Broken("the header's line ends too early"));
    }
    let more = missing + ending;
    if octets.len() + more > LONGEST_LINE {
        return Err(Broken("the header's line is longer than 107 octets"));
    }
    Ok(Progress::More(more))
}

/// A part of the line; control octets have no place in it.
fn text_of(octets: &[u8]) -> Result<&str, Broken> {
    let text = std::str::from_utf8(octets).ok();
    text.filter(|text| text.bytes().all(|octet| matches!(octet, b' '..=b'~')))
        .ok_or(Broken("the header's line is no plain text"))
}

/// Source and destination of a line: two addresses, then two ports.
fn ends_of(
    fields: &str,
    address: impl Fn(&str) -> Option<IpAddr>,
) -> Result<(SocketAddr, SocketAddr), Broken> {
    let fields: Vec<_> = fields.split(' ').collect();
    let [source, destination, from, to] = fields[..] else {
        return Err(Broken("the header has not four fields behind its protocol"));
    };
    let end = |ip: &str, port: &str| {
        let (ip, port) = address(ip).zip(port_of(port))?;
        Some(SocketAddr::new(ip, port))
    };
    end(source, from)
        .zip(end(destination, to))
        .ok_or(Broken("the header has an address or a port that is none"))
}

/// A port in decimal, without a sign or zeros in front.
fn port_of(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| plain)
}

/// Octets: a signature, what follows and how long it is, two addresses, further facts.
fn version_2(octets: &[u8]) -> Result<Progress, Broken> {
    if octets.len() < SHORTEST {
        return Ok(Progress::More(SHORTEST - octets.len()));
    }
    let Some((fixed, block)) = octets.split_first_chunk::<FIXED>() else {
        return Ok(Progress::More(FIXED - octets.len()));
    };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + length > LONGEST {
        return Err(Broken("the header is longer than 536 octets"));
    }
    let local = match command {
        0x20 => true,
        0x21 => false,
        _ => {
            return Err(Broken(
                "the header has a version or command that is not known",
            ));
        }
    };
    if !matches!(family, 0x00 | 0x11 | 0x21 | 0x31) {
        return Err(Broken(
            "the header is for no stream of a family that is known",
        ));
    }
    if block.len() < length {
        return Ok(Progress::More(length - block.len()));
    }
    if block.len() > length {
        return Err(Broken("octets follow the header"));
    }
    let ends = match local {
        // All of the rest is to be ignored, and how long its addresses are is not known.
        true => None,
        false => block_of(family, octets, block)?,
    };
    Ok(Progress::Done(Header {
        version: 2,
        local,
        ends,
    }))
}

/// The addresses of a block, and a look at what follows them.
fn block_of(
    family: u8,
    octets: &[u8],
    block: &[u8],
) -> Result<Option<(SocketAddr, SocketAddr)>, Broken> {
    let short = Broken("the header is too short for its addresses");
    let (ends, length) = match family {
        0x11 => (ends_4(block).ok_or(short)?.into(), 12),
        0x21 => (ends_6(block).ok_or(short)?.into(), 36),
        // Two names of 108 octets each, which say nothing about the client's address.
        0x31 if block.len() >= 216 => (None, 216),
        0x31 => return Err(short),
        _ => return Ok(None),
    };
    check_facts(octets, FIXED + length)?;
    Ok(ends)
}

fn ends_4(block: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, rest) = block.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<4>()?;
    let (from, to) = ports_of(rest)?;
    Some((
        SocketAddr::new(Ipv4Addr::from(*source).into(), from),
        SocketAddr::new(Ipv4Addr::from(*destination).into(), to),
    ))
}

fn ends_6(block: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let (source, rest) = block.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let (from, to) = ports_of(rest)?;
    Some((
        SocketAddr::new(Ipv6Addr::from(*source).into(), from),
        SocketAddr::new(Ipv6Addr::from(*destination).into(), to),
    ))
}

fn ports_of(octets: &[u8]) -> Option<(u16, u16)> {
    let [from_high, from_low, to_high, to_low] = *octets.first_chunk::<4>()?;
    let from = u16::from_be_bytes([from_high, from_low]);
    Some((from, u16::from_be_bytes([to_high, to_low])))
}

/// Checks that the further facts fill the header exactly, and the checksum if it is among them.
fn check_facts(octets: &[u8], begin: usize) -> Result<(), Broken> {
    let mut at = begin;
    let mut checked = false;
    while at < octets.len() {
        let cut = Broken("the header ends within one of its facts");
        let Some(&[kind, high, low]) = octets[at..].first_chunk::<3>() else {
            return Err(cut);
        };
        let value = at + 3;
        at = value + usize::from(u16::from_be_bytes([high, low]));
        let octets_of_it = octets.get(value..at).ok_or(cut)?;
        if kind != CHECKSUM {
            continue;
        }
        let told = <[u8; 4]>::try_from(octets_of_it);
        let told = told.map_err(|_| Broken("the header's checksum has not four octets"))?;
        if checked || u32::from_be_bytes(told) != checksum(octets, value) {
            return Err(Broken("the header's checksum is wrong"));
        }
        checked = true;
    }
    Ok(())
}

/// CRC-32C (RFC 3720 appendix B.4) of a header, with zeros where the checksum itself stands.
fn checksum(octets: &[u8], place: usize) -> u32 {
    let mut sum = u32::MAX;
    for (at, octet) in octets.iter().enumerate() {
        let counted = if (place..place + 4).contains(&at) {
            0
        } else {
            *octet
        };
        sum ^= u32::from(counted);
        for _ in 0..8 {
            let carry = if sum & 1 == 1 { POLYNOMIAL } else { 0 };
            sum = sum >> 1 ^ carry;
        }
    }
    !sum
}

/// What version 1 begins with.
const PREFIX: &[u8] = b"PROXY ";

/// What version 2 begins with: no protocol that anybody speaks does.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The shortest header of either version, `PROXY UNKNOWN` with its line end.
const SHORTEST: usize = 15;

/// The longest line of version 1, its end included.
const LONGEST_LINE: usize = 107;

/// What follows the protocol in a line.
const FIELDS: usize = 4;

/// The part of version 2 that tells how long the rest is.
const FIXED: usize = 16;

/// The fact that is a checksum of the header.
const CHECKSUM: u8 = 0x03;

/// Castagnoli's, lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

#[cfg(test)]
mod tests;
