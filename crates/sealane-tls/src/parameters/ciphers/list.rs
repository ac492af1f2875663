//! A list under an expression: every suite is in it or waits outside, and both sides have an
//! order. The rules are those of OpenSSL, step for step, so that orders come out the same.

use super::suites::{Known, Meaning, Suite};

/// What an expression does with the suites it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// Puts those that wait outside behind those that are in.
    Add,
    /// `-`: takes them out; they may come in again.
    Delete,
    /// `+`: moves those that are in behind the others.
    Move,
    /// `!`: takes them out for good.
    Kill,
}

/// All suites, in the list or outside.
pub(super) struct List<'a> {
    /// Those that wait outside first matter for the order in which they come in.
    places: Vec<Place<'a>>,
}

/// A suite and whether it is in.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The suite.
    suite: &'a Suite,
    /// Whether it is in the list.
    is_in: bool,
}

impl<'a> List<'a> {
    /// Starts with everything outside.
    pub(super) fn new(known: &'a Known) -> Self {
        let outside = |suite| Place {
            suite,
            is_in: false,
        };
        Self {
            places: known.suites.iter().map(outside).collect(),
        }
    }

    /// Does this to all suites of which every word holds.
    pub(super) fn apply(&mut self, operator: Operator, words: &[Meaning]) {
        self.apply_where(operator, |suite| {
            words.iter().all(|word| word.matches(suite))
        });
    }

    /// `@STRENGTH`: sorts by the bits of the cipher, most first; equals keep their order.
    pub(super) fn sort_by_strength(&mut self) {
        let mut strengths: Vec<_> = self.places.iter().map(|place| place.suite.bits).collect();
        strengths.sort_unstable_by(|one, other| other.cmp(one));
        strengths.dedup();
        for bits in strengths {
            self.apply_where(Operator::Move, |suite| suite.bits == bits);
        }
    }

    /// The code points of what is in, in order.
    pub(super) fn into_chosen(self) -> Vec<u16> {
        let chosen = self.places.iter().filter(|place| place.is_in);
        chosen.map(|place| place.suite.id).collect()
    }

    /// Does this to all suites that are meant.
    fn apply_where(&mut self, operator: Operator, is_meant: impl Fn(&Suite) -> bool) {
        let concerned = |place: &Place<'_>| {
            let side = match operator {
                Operator::Add => !place.is_in,
                Operator::Delete | Operator::Move => place.is_in,
                Operator::Kill => true,
            };
            side && is_meant(place.suite)
        };
        let (mut moved, mut kept): (Vec<_>, Vec<_>) =
            self.places.drain(..).partition(|place| concerned(place));
        for place in &mut moved {
            place.is_in = operator != Operator::Delete;
        }
        self.places = match operator {
            Operator::Kill => kept,
            // In front, so that they come in again before what was never in.
            Operator::Delete => {
                moved.append(&mut kept);
                moved
            }
            Operator::Add | Operator::Move => {
                kept.append(&mut moved);
                kept
            }
        };
    }
}
