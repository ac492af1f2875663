//! Do responses end in their order, each where its own last octet has left?

use super::Leaving;

#[test]
fn responses_end_one_by_one_where_their_octets_do() {
    let mut leaving = Leaving::default();
    assert_eq!(leaving.finish(1000), None);
    for (count, end) in [(1, 100), (2, 100), (3, 250), (4, 400)] {
        leaving.push(count, end, None);
    }
    assert_eq!(leaving.finish(99), None);
    assert_eq!(leaving.finish(100), Some(2));
    assert_eq!(leaving.finish(249), None);
    leaving.push(5, 500, None);
    assert_eq!(leaving.finish(450), Some(4));
    assert!(!leaving.is_empty());
    assert_eq!(leaving.finish(500), Some(5));
    assert!(leaving.is_empty());
}
