//! Is the global agent what the module's is?

use super::*;
use crate::client::pool::{PoolLimits, Scheduling};

#[test]
fn the_global_agent_keeps_connections_and_lets_them_rest_for_five_seconds() {
    let limits = |agent: &Agent| agent.inner.connections.limits();
    let (global, new) = (
        global_agent().unwrap(),
        Agent::new(AgentOptions::new()).unwrap(),
    );
    let (global, new) = (limits(&global), limits(&new));
    assert!(global.keep_alive && !new.keep_alive);
    assert_eq!(global.idle_timeout, Some(Duration::from_secs(5)));
    assert_eq!(new.idle_timeout, None);
    assert_eq!(global.scheduling, Scheduling::Lifo);
    // In nothing else do the two differ.
    let like = PoolLimits {
        keep_alive: true,
        idle_timeout: global.idle_timeout,
        ..new
    };
    assert_eq!(global, like);
}
