//! Every interleaving of the exchange passes, and each ordering, fence and ring of it is needed.

use std::{
    cell::Cell,
    collections::BTreeSet,
    panic::{UnwindSafe, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use sim_core_models::{
    models::{self, ALL, Model, Slip},
    mutants::{
        self,
        Instead::{self, *},
        Mutant,
    },
};

#[test]
fn rings_lose_nothing() {
    models::RING.check();
}

#[test]
fn what_a_clock_promises_is_in_the_ring() {
    models::PROMISE.check();
}

#[test]
fn who_waits_for_one_that_panics_is_told() {
    models::ALARM.check();
}

#[test]
fn who_waits_for_room_is_woken() {
    models::NARROW.check();
}

#[test]
fn full_rings_in_both_directions_untie() {
    models::CROSSING.check();
}

#[test]
fn who_waits_for_another_still_empties_its_rings() {
    models::BYSTANDER.check();
}

#[test]
fn emissions_arrive_once_and_in_time() {
    models::LOCK_STEP.check();
}

/// What a clock and a ring ask of who uses them.
#[test]
fn a_promise_is_made_last_and_read_first() {
    for slip in [Slip::PublishFirst, Slip::DrainFirst] {
        assert!(fails(|| models::slip(slip)), "{slip:?}");
    }
}

/// What is done wrongly, by file, function and line of source, and the first model that sees it.
///
/// Fences and rings stand there once for each function that asks for one. Not there is what loom
/// can't tell: whether a fence that is `SeqCst` orders plain accesses, too, as loom's does (none
/// relies on that), and what only looking again and again would find, since models park at once.
const MUTANTS: [([&str; 3], Instead, &str); 18] = [
    (["clock.rs", "publish", "self.0.store(tick, Release);"], Relaxed, "promise"),
    (["clock.rs", "read", "self.0.load(Acquire)"], Relaxed, "promise"),
    (["ring.rs", "push", "self.ring.tail.store(self.tail, Release);"], Relaxed, "ring"),
    (["ring.rs", "is_full", "self.head_seen = self.ring.head.load(Acquire);"], Relaxed, "ring"),
    (["ring.rs", "drain", "let tail = self.ring.tail.load(Acquire);"], Relaxed, "ring"),
    (["ring.rs", "drain", "self.ring.head.store(self.head, Release);"], Relaxed, "ring"),
    (["sleep.rs", "announce", "fence(SeqCst);"], AcqRel, "narrow"),
    (["sleep.rs", "announce", "fence(SeqCst);"], Nothing, "narrow"),
    (["threads.rs", "abandon", "post.bell.ring();"], Nothing, "alarm"),
    (["threads.rs", "publish", "before_ringing();"], AcqRel, "narrow"),
    (["threads.rs", "publish", "before_ringing();"], Nothing, "narrow"),
    (["threads.rs", "publish", "post.bell.ring_if_for(self.me);"], Nothing, "narrow"),
    (["threads.rs", "take_all", "before_ringing();"], AcqRel, "narrow"),
    (["threads.rs", "take_all", "before_ringing();"], Nothing, "narrow"),
    (
        ["threads.rs", "take_all", "self.alarm.0.posts[inbox.from].bell.ring_if_for(self.me);"],
        Nothing,
        "narrow",
    ),
    (["threads.rs", "send_when_vacant", "before_ringing();"], AcqRel, "narrow"),
    (["threads.rs", "send_when_vacant", "before_ringing();"], Nothing, "narrow"),
    (
        ["threads.rs", "send_when_vacant", "self.board().posts[to].bell.ring_if_asleep();"],
        Nothing,
        "narrow",
    ),
];

/// What is new in the exchange isn't in the table until a model needs it.
#[test]
fn every_mutant_is_seen() {
    ALL.iter().for_each(Model::glance);
    let found = mutants::found().into_iter();
    let seen: BTreeSet<_> =
        found.map(|mutant| (mutant.place(), mutant.instead(), seen_by(mutant))).collect();
    let expected = MUTANTS.map(|(place, instead, model)| (place, instead, Some(model)));
    assert_eq!(seen, BTreeSet::from(expected));
}

/// The first model that fails with a mutant.
fn seen_by(mutant: Mutant) -> Option<&'static str> {
    mutants::choose(Some(mutant));
    let seen = ALL.iter().find(|model| fails(|| model.check()));
    mutants::choose(None);
    seen.map(|model| model.name)
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Whether loom finds something wrong, without what it would say.
fn fails(model: impl Fn() + UnwindSafe) -> bool {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let tell = take_hook();
        set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                tell(panic);
            }
        }));
    });
    QUIET.set(true);
    let failed = catch_unwind(model).is_err();
    QUIET.set(false);
    failed
}
