//! Is a slow body told from a fast one, and from one that nobody wants?

use proptest::prelude::*;

use super::*;

fn rate() -> BodyRate {
    BodyRate::new(500)
}

fn wanted(rate: &BodyRate) -> Pace {
    let mut pace = Pace::new(rate);
    pace.want(true, Moment(0));
    pace
}

#[test]
fn silence_is_judged_when_grace_and_window_are_over() {
    assert_eq!(wanted(&rate()).deadline(), Some(Moment(30_000)));
    let short = rate()
        .grace(Duration::ZERO)
        .window(Duration::from_millis(100));
    assert_eq!(wanted(&short).deadline(), Some(Moment(100)));
}

#[test]
fn a_rate_that_asks_for_less_than_an_octet_a_window_is_refused() {
    let rate = |octets| BodyRate::new(octets).window(Duration::from_millis(100));
    let error = rate(9).check().unwrap_err();
    assert_eq!(error.code(), Some("ERR_OUT_OF_RANGE"));
    assert!(error.to_string().contains("9 octets a second"), "{error}");
    rate(10).check().unwrap();
}

#[test]
fn time_in_which_nothing_is_wanted_does_not_count() {
    let mut pace = wanted(&rate());
    pace.want(false, Moment(10_000));
    assert_eq!(pace.deadline(), None);
    pace.want(true, Moment(500_000));
    assert_eq!(pace.deadline(), Some(Moment(520_000)));
}

#[test]
fn a_burst_is_good_for_one_window() {
    let mut pace = wanted(&rate());
    pace.take(1 << 30, Moment(25_000));
    assert_eq!(
        pace.deadline(),
        Some(Moment(36_000)),
        "when its second has left the window"
    );
}

#[test]
fn what_is_looked_at_a_little_late_still_counts() {
    let mut pace = wanted(&rate());
    pace.take(5_000, Moment(30_100));
    assert!(pace.deadline() > Some(Moment(30_100)));
}

#[test]
fn an_octet_now_and_then_is_too_slow() {
    let mut pace = wanted(&rate());
    for moment in (0..30_000).step_by(400) {
        pace.take(1, Moment(moment));
    }
    pace.take(1, Moment(30_050));
    assert_eq!(pace.deadline(), Some(Moment(30_000)));
}

#[test]
fn lengths_beyond_all_measure_are_no_limit_and_no_panic() {
    let rate = BodyRate::new(u64::MAX)
        .grace(Duration::MAX)
        .window(Duration::MAX);
    let mut pace = wanted(&rate);
    pace.take(u64::MAX, Moment(1));
    assert!(pace.deadline() > Some(Moment(1 << 60)));
    assert_eq!(wanted(&BodyRate::new(0)).deadline(), None);
}

/// What may happen to a body: time passes, octets come, they are wanted or not.
#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    Take(u64),
    Want(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u64..4_000).prop_map(Step::Pass),
        (0u64..8_000).prop_map(Step::Take),
        any::<bool>().prop_map(Step::Want),
    ]
}

/// The same, slowly: every octet with the wanted time at which it came.
#[derive(Default)]
struct Model {
    wanted: u64,
    came: Vec<(u64, u64)>,
}

impl Model {
    /// Whether the bucket of a wanted time and the ten before it have too little.
    fn is_too_slow_at(&self, wanted: u64) -> bool {
        let bucket = wanted / 1_000;
        let octets: u64 = self
            .came
            .iter()
            .filter(|(time, _)| (bucket.saturating_sub(10)..=bucket).contains(&(time / 1_000)))
            .map(|(_, octets)| octets)
            .sum();
        wanted >= 30_000 && octets < 5_000
    }
}

proptest! {
    #[test]
    fn a_deadline_is_the_first_moment_at_which_a_window_is_too_thin(
        steps in prop::collection::vec(step(), 1..200),
    ) {
        let (mut pace, mut model, mut now) = (wanted(&rate()), Model::default(), 0);
        let mut wants = true;
        for step in steps {
            match step {
                Step::Pass(time) => {
                    now += time;
                    model.wanted += if wants { time } else { 0 };
                }
                Step::Take(octets) => {
                    pace.take(octets, Moment(now));
                    model.came.push((model.wanted, octets));
                }
                Step::Want(wanted) => {
                    pace.want(wanted, Moment(now));
                    wants = wanted;
                }
            }
            let Some(deadline) = pace.deadline() else {
                prop_assert!(!wants);
                continue;
            };
            let due = deadline <= Moment(now);
            prop_assert_eq!(due, model.is_too_slow_at(model.wanted));
            if !due {
                let left = deadline.0 - now;
                prop_assert!(model.is_too_slow_at(model.wanted + left));
                prop_assert!(!model.is_too_slow_at(model.wanted + left - 1));
            }
        }
    }

    #[test]
    fn a_body_at_the_rate_is_never_too_slow(every in 1u64..10_000, more in 0u64..100) {
        let mut pace = wanted(&rate());
        for turn in 1..200 {
            let now = Moment(turn * every);
            pace.take(every.div_ceil(2) + more, now);
            prop_assert!(pace.deadline() > Some(now), "at {now:?}");
        }
    }
}
