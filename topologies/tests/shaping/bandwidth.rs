//! Limited rates.

use std::time::Duration;

use redquake_experiments::spec::Direction;
use redquake_topologies::shaping::bandwidth::{self, Bandwidth};
use redquake_topologies::shaping::delay::{self, Delay};
use redquake_topologies::shaping::{Exchange, Way};

use super::{Ends, FEW, said, state};

/// About 17 Mbit/s each way for two seconds.
const FAST: Exchange = Exchange { datagrams: 3_000, rate: 1_500, payload: 1_400, linger: Duration::from_secs(1) };
/// The same for an eighth of the time.
const BRIEF: Exchange = Exchange { datagrams: 375, ..FAST };
const MEGABIT: u64 = 1_000_000;

pub async fn all(ends: &Ends) {
    ends.left_as_they_were(|| async {
        what_is_sent_what_is_received_and_both(ends).await;
        the_slowest_of_several_holds(ends).await;
        beside_a_delay(ends).await;
        what_is_refused(ends).await;
    })
    .await;
    somebody_elses_root_is_not_replaced(ends).await;
}

fn limit(megabits: u64, direction: Direction) -> Bandwidth {
    Bandwidth { bits_per_second: megabits * MEGABIT, direction }
}

fn is_about(measured: Option<f64>, megabits: f64) {
    let measured = measured.unwrap() / MEGABIT as f64;
    assert!((measured / megabits - 1.0).abs() < 0.1, "{measured:.2} Mbit/s, not {megabits} Mbit/s");
}

/// A way on which nothing is limited. What is limited to 8 of the 17 Mbit/s offered loses half; the receiver of an ordinary user, whose
/// buffer the kernel keeps small, loses a few datagrams when it is not scheduled for some milliseconds.
fn is_whole(way: &Way) {
    assert!(way.loss_percent() < 20.0, "{way:?}");
}

async fn what_is_sent_what_is_received_and_both(ends: &Ends) {
    let near = &ends.near.namespace;
    for (direction, there, back) in [(Direction::To, true, false), (Direction::From, false, true), (Direction::Both, true, true)] {
        bandwidth::inject(near, "narrow", limit(8, direction)).await.unwrap();
        let link = ends.measured(FAST).await;
        println!("8 Mbit/s {direction:?}: {:?} there, {:?} back", link.there.bits_per_second(), link.back.bits_per_second());
        for (limited, way) in [(there, &link.there), (back, &link.back)] {
            if limited {
                is_about(way.bits_per_second(), 8.0);
            } else {
                assert!(way.bits_per_second().unwrap() > 14.0 * MEGABIT as f64, "{way:?} was limited too");
                is_whole(way);
            }
        }
        let counters = bandwidth::present(near, "narrow").await.unwrap().unwrap();
        assert_eq!((counters.to.passed > 0, counters.from.passed > 0), (there, back), "{counters:?}");
        assert_eq!(counters.from.dropped > 0, back, "{counters:?}");
        bandwidth::remove(near, "narrow").await.unwrap();
        bandwidth::remove(near, "narrow").await.unwrap();
        assert_eq!(bandwidth::present(near, "narrow").await.unwrap(), None);
    }
    let link = ends.measured(BRIEF).await;
    is_whole(&link.there);
    is_whole(&link.back);
}

async fn the_slowest_of_several_holds(ends: &Ends) {
    let near = &ends.near.namespace;
    bandwidth::inject(near, "narrow", limit(8, Direction::To)).await.unwrap();
    bandwidth::inject(near, "narrower", limit(4, Direction::Both)).await.unwrap();
    let link = ends.measured(FAST).await;
    is_about(link.there.bits_per_second(), 4.0);
    is_about(link.back.bits_per_second(), 4.0);
    bandwidth::remove(near, "narrower").await.unwrap();
    let link = ends.measured(FAST).await;
    is_about(link.there.bits_per_second(), 8.0);
    is_whole(&link.back);
    bandwidth::remove(near, "narrow").await.unwrap();
}

async fn beside_a_delay(ends: &Ends) {
    let near = &ends.near.namespace;
    let late = Delay { delay: Duration::from_millis(50), jitter: Duration::ZERO, traffic: ends.traffic(Direction::To) };
    delay::inject(near, "late", &late).await.unwrap();
    bandwidth::inject(near, "narrow", limit(8, Direction::To)).await.unwrap();
    let link = ends.measured(FAST).await;
    is_about(link.there.bits_per_second(), 8.0);
    assert!(link.there.delay_quantile(0.0).unwrap() >= Duration::from_millis(50));
    delay::remove(near, "late").await.unwrap();
    is_about(ends.measured(FAST).await.there.bits_per_second(), 8.0);
    bandwidth::remove(near, "narrow").await.unwrap();
}

async fn what_is_refused(ends: &Ends) {
    let near = &ends.near.namespace;
    let before = state(near);
    for bits_per_second in [0, 7_999, 10_000_000_001] {
        let refused = bandwidth::inject(near, "odd", Bandwidth { bits_per_second, direction: Direction::To }).await;
        assert!(refused.unwrap_err().to_string().contains("is not between"));
    }
    assert_eq!(state(near), before);
    bandwidth::inject(near, "twice", limit(8, Direction::To)).await.unwrap();
    let again = bandwidth::inject(near, "twice", limit(1, Direction::To)).await;
    assert!(again.unwrap_err().to_string().contains("a fault of that id is there already"));
    bandwidth::remove(near, "twice").await.unwrap();
}

/// Nor is what somebody else does with what is received.
async fn somebody_elses_root_is_not_replaced(ends: &Ends) {
    let near = &ends.near.namespace;
    for (foreign, direction) in [(["root", "handle", "1:", "htb"].as_slice(), Direction::To), (&["ingress"], Direction::From)] {
        said(near, "tc", &[&["qdisc", "add", "dev", "eth0"], foreign].concat());
        let before = state(near);
        let refused = bandwidth::inject(near, "refused", limit(8, direction)).await.unwrap_err().to_string();
        assert!(refused.contains("somebody else"), "{refused}");
        assert_eq!(state(near), before);
        assert_eq!(bandwidth::present(near, "refused").await.unwrap(), None);
        bandwidth::remove(near, "refused").await.unwrap();
        assert_eq!(state(near), before);
        said(near, "tc", &["qdisc", "del", "dev", "eth0", foreign[0]]);
    }
    assert_eq!(ends.measured(FEW).await.there.loss_percent(), 0.0);
}
