//! Is everybody told in time who must end, and nobody else?

use super::*;

fn registered(registry: &Arc<Registry>) -> (Arc<Link>, Registered) {
    let link = Link::new();
    let registered = registry.register(&link, None).unwrap();
    (link, registered)
}

fn gives_way(link: &Link) -> bool {
    link.take_orders().has(Order::GiveWay)
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_the_longest_gives_way_not_whoever_came_first() {
    let registry = Registry::new(&AdmissionOptions::default());
    let (early, first) = registered(&registry);
    tokio::time::advance(Duration::from_secs(1)).await;
    let (late, _second) = registered(&registry);
    tokio::time::advance(PATIENCE).await;
    // The first one's program was asked meanwhile.
    first.waits_anew();
    registry.hurry(Instant::now());
    assert!(gives_way(&late) && !gives_way(&early));
    tokio::time::advance(PATIENCE).await;
    registry.hurry(Instant::now());
    assert!(gives_way(&early) && !gives_way(&late));
}

#[tokio::test(start_paused = true)]
async fn connections_are_told_though_an_accept_loop_does_not_end() {
    let registry = Registry::new(&AdmissionOptions::default());
    let (ends, _blocked) = (registry.listen().unwrap(), registry.listen().unwrap());
    let (link, _registered) = registered(&registry);
    registry.begin_close();
    drop(ends);
    assert!(!link.take_orders().has(Order::Drain));
    registry.drain_at_last().await;
    assert!(link.take_orders().has(Order::Drain));
}

#[test]
fn whatever_has_said_all_is_neither_cut_nor_counted() {
    let registry = Registry::new(&AdmissionOptions::default());
    let (parts, _one) = registered(&registry);
    let (works, _other) = registered(&registry);
    parts.note_parting();
    assert_eq!(registry.cut(), 1);
    assert!(works.take_orders().has(Order::Abort));
    assert!(!parts.take_orders().has(Order::Abort));
}
