//! What every connection pays for the choice between two engines, which few of them need.

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use super::Engine;

#[test]
fn the_choice_costs_an_ordinary_connection_a_word_at_most() {
    let word = size_of::<usize>();
    let (server, client) = (
        size_of::<UnbufferedServerConnection>(),
        size_of::<UnbufferedClientConnection>(),
    );
    assert!(size_of::<Engine<UnbufferedServerConnection>>() <= server + word);
    assert!(size_of::<Engine<UnbufferedClientConnection>>() <= client + word);
}
