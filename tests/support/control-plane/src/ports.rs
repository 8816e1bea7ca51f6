//! Ports that stay ours for as long as a control plane lives.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use uuid::Uuid;

/// Below the range from which Linux takes the ports of outgoing connections. A client that keeps trying to reach a server that is down would
/// otherwise now and then be given the very port that it dials, connect to itself, and keep the server from coming back.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// The servers listen on 127.0.0.1; the same port of this other loopback address is the sign that it is taken.
const SIGN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A port of 127.0.0.1 that no other control plane on this machine uses, also while the server that it is for is down.
pub(crate) struct Port {
    number: u16,
    _sign: TcpListener,
}

impl Port {
    /// Finds a free port and keeps it.
    pub(crate) fn reserve() -> Result<Self> {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        let start = (random % u64::from(COUNT)) as u16;
        for step in 0..COUNT {
            let number = FIRST + (start + step) % COUNT;
            let Ok(sign) = TcpListener::bind((SIGN, number)) else {
                continue;
            };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _sign: sign });
            }
        }
        bail!("no free port between {FIRST} and {} on 127.0.0.1", FIRST + COUNT - 1);
    }

    /// The number of the port.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_its_loopback_address_stays_free() -> Result<()> {
        let ports = (0..50).map(|_| Port::reserve()).collect::<Result<Vec<_>>>()?;
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 50);
        TcpListener::bind((Ipv4Addr::LOCALHOST, numbers[0]))?;
        Ok(())
    }
}
