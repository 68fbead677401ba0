//! Lost packets.

use redquake_experiments::spec::Direction;
use redquake_topologies::rules::{self, PeerRule, Ports, Presence};
use redquake_topologies::shaping::loss::{self, Loss};
use redquake_topologies::shaping::{End, Exchange, measure};

use super::{Ends, FEW, MANY, state};

/// Points by which a measured loss may differ from the one asked for.
const POINTS: f64 = 2.0;

pub async fn all(ends: &Ends) {
    ends.left_as_they_were(|| async {
        a_fifth_is_lost_both_ways(ends).await;
        one_way_is_one_way(ends).await;
        only_the_ports_asked_for(ends).await;
        several_at_once(ends).await;
        what_is_refused(ends).await;
    })
    .await;
}

async fn a_fifth_is_lost_both_ways(ends: &Ends) {
    let whole = ends.measured(FEW).await;
    assert_eq!((whole.there.loss_percent(), whole.back.loss_percent()), (0.0, 0.0));
    let id = "fifth";
    loss::inject(&ends.near.namespace, id, &Loss { percent: 20.0, traffic: ends.traffic(Direction::Both) }).await.unwrap();
    let link = ends.measured(MANY).await;
    println!("loss 20 %: measured {:.2} % there, {:.2} % back", link.there.loss_percent(), link.back.loss_percent());
    assert!((link.there.loss_percent() - 20.0).abs() < POINTS, "{}", link.there.loss_percent());
    assert!((link.back.loss_percent() - 20.0).abs() < POINTS, "{}", link.back.loss_percent());
    let counters = loss::present(&ends.near.namespace, id).await.unwrap().unwrap();
    assert_eq!(counters.to, loss::Tally { seen: u64::from(MANY.datagrams), dropped: u64::from(MANY.datagrams - link.there.received) });
    assert_eq!(counters.from, loss::Tally { seen: u64::from(MANY.datagrams), dropped: u64::from(MANY.datagrams - link.back.received) });
    let spared = measure(&ends.near, &ends.other, FEW).await.unwrap();
    assert_eq!((spared.there.loss_percent(), spared.back.loss_percent()), (0.0, 0.0), "another peer was hit");
    loss::remove(&ends.near.namespace, id).await.unwrap();
    loss::remove(&ends.near.namespace, id).await.unwrap();
    assert_eq!(loss::present(&ends.near.namespace, id).await.unwrap(), None);
    let whole = ends.measured(FEW).await;
    assert_eq!((whole.there.loss_percent(), whole.back.loss_percent()), (0.0, 0.0));
}

async fn one_way_is_one_way(ends: &Ends) {
    for (direction, expected) in [(Direction::To, (100.0, 0.0)), (Direction::From, (0.0, 100.0))] {
        loss::inject(&ends.near.namespace, "oneway", &Loss { percent: 100.0, traffic: ends.traffic(direction) }).await.unwrap();
        let link = ends.measured(FEW).await;
        assert_eq!((link.there.loss_percent(), link.back.loss_percent()), expected, "{direction:?}");
        loss::remove(&ends.near.namespace, "oneway").await.unwrap();

        let cut = PeerRule { peer: ends.far.address, direction };
        rules::drop_packets(&ends.near.namespace, "cut", &[cut]).await.unwrap();
        let link = ends.measured(FEW).await;
        assert_eq!((link.there.loss_percent(), link.back.loss_percent()), expected, "a partition, {direction:?}");
        rules::remove(&ends.near.namespace, "cut").await.unwrap();
    }
}

async fn only_the_ports_asked_for(ends: &Ends) {
    const BUS: u16 = 16379;
    let cut = PeerRule { peer: ends.far.address, direction: Direction::Both }.on(Ports::of_services(&[BUS]));
    let bus = |end: &End| End { port: BUS, ..end.clone() };
    let nobody_there = async |near: End, far: End, exchange: Exchange| {
        let link = measure(&near, &far, exchange).await.unwrap();
        (link.there.received, link.back.received)
    };
    rules::drop_packets(&ends.near.namespace, "bus", std::slice::from_ref(&cut)).await.unwrap();
    assert_eq!(nobody_there(ends.near.clone(), bus(&ends.far), FEW).await, (0, 0), "the peer's service");
    assert_eq!(nobody_there(bus(&ends.near), ends.far.clone(), FEW).await, (0, 0), "the own service");
    assert_eq!(nobody_there(ends.near.clone(), ends.far.clone(), FEW).await, (FEW.datagrams, FEW.datagrams), "other ports");
    rules::remove(&ends.near.namespace, "bus").await.unwrap();

    loss::inject(&ends.near.namespace, "bus", &Loss { percent: 100.0, traffic: vec![cut] }).await.unwrap();
    assert_eq!(nobody_there(bus(&ends.near), bus(&ends.far), FEW).await, (0, 0));
    assert_eq!(nobody_there(ends.near.clone(), ends.far.clone(), FEW).await, (FEW.datagrams, FEW.datagrams));
    let counted = loss::present(&ends.near.namespace, "bus").await.unwrap().unwrap();
    let all = loss::Tally { seen: u64::from(FEW.datagrams), dropped: u64::from(FEW.datagrams) };
    assert_eq!((counted.to, counted.from), (all, all), "a packet with the port at both ends counts once");
    loss::remove(&ends.near.namespace, "bus").await.unwrap();
}

async fn several_at_once(ends: &Ends) {
    let half = Loss { percent: 50.0, traffic: ends.traffic(Direction::To) };
    loss::inject(&ends.near.namespace, "one", &half).await.unwrap();
    loss::inject(&ends.near.namespace, "two", &half).await.unwrap();
    let cut = PeerRule { peer: ends.far.address, direction: Direction::From };
    rules::drop_packets(&ends.near.namespace, "three", &[cut]).await.unwrap();
    let link = ends.measured(MANY).await;
    println!("two losses of 50 %: measured {:.2} %", link.there.loss_percent());
    assert!((link.there.loss_percent() - 75.0).abs() < POINTS, "{}", link.there.loss_percent());
    assert_eq!(link.back.received, 0);
    loss::remove(&ends.near.namespace, "one").await.unwrap();
    assert_eq!(loss::present(&ends.near.namespace, "one").await.unwrap(), None);
    let left = loss::present(&ends.near.namespace, "two").await.unwrap().unwrap();
    assert!(left.to.seen > 0 && left.to.dropped > 0, "{left:?}");
    rules::remove(&ends.near.namespace, "three").await.unwrap();
    let link = ends.measured(MANY).await;
    assert!((link.there.loss_percent() - 50.0).abs() < POINTS, "{}", link.there.loss_percent());
    assert_eq!(link.back.loss_percent(), 0.0);
    loss::remove(&ends.near.namespace, "two").await.unwrap();
}

async fn what_is_refused(ends: &Ends) {
    let before = state(&ends.near.namespace);
    for percent in [0.0, -1.0, 100.1, f64::NAN] {
        let refused = loss::inject(&ends.near.namespace, "odd", &Loss { percent, traffic: ends.traffic(Direction::To) }).await;
        assert!(refused.unwrap_err().to_string().contains("give more than 0 and at most 100"));
    }
    assert_eq!(state(&ends.near.namespace), before);
    let all = Loss { percent: 100.0, traffic: ends.traffic(Direction::To) };
    loss::inject(&ends.near.namespace, "twice", &all).await.unwrap();
    let again = loss::inject(&ends.near.namespace, "twice", &all).await;
    assert!(again.unwrap_err().to_string().contains("File exists"));
    loss::remove(&ends.near.namespace, "twice").await.unwrap();
    assert_eq!(rules::present(&ends.near.namespace, "twice").await.unwrap(), None::<Presence>);
}
