//! Delayed packets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use redquake_experiments::spec::Direction;
use redquake_topologies::namespace::Namespace;
use redquake_topologies::rules::{self, PeerRule, Ports, Traffic};
use redquake_topologies::shaping::delay::{self, Delay};
use redquake_topologies::shaping::loss::{self, Loss};
use redquake_topologies::shaping::{End, Exchange, Way, measure};

use super::{Ends, FEW, state};

/// By how much a measured mean may differ from the delay asked for, in milliseconds.
const MILLISECONDS: f64 = 2.0;
const SOME: Exchange = Exchange { datagrams: 3_000, rate: 2_000, payload: 64, linger: Duration::from_secs(1) };

pub async fn all(ends: &Ends) {
    ends.left_as_they_were(|| async {
        both_ways_within_the_jitter(ends).await;
        one_way_is_one_way(ends).await;
        only_the_ports_asked_for(ends).await;
        several_at_once(ends).await;
        what_waits_is_not_lost_by_the_end(ends).await;
        a_stream_arrives_whole(ends).await;
        what_is_refused(ends).await;
    })
    .await;
    beside_somebody_elses_rules(ends).await;
}

fn delay(ms: u64, jitter: u64, traffic: Vec<Traffic>) -> Delay {
    Delay { delay: Duration::from_millis(ms), jitter: Duration::from_millis(jitter), traffic }
}

fn ms(duration: Option<Duration>) -> f64 {
    duration.unwrap().as_secs_f64() * 1000.0
}

fn is_about(way: &Way, expected: f64) {
    let mean = ms(way.mean_delay());
    assert!((mean - expected).abs() < MILLISECONDS, "{mean:.2} ms, not {expected} ms");
}

async fn both_ways_within_the_jitter(ends: &Ends) {
    let near = &ends.near.namespace;
    let path = delay::inject(near, "slow", &delay(50, 10, ends.traffic(Direction::Both))).await.unwrap();
    let link = ends.measured(SOME).await;
    for way in [&link.there, &link.back] {
        let quantile = |share| ms(way.delay_quantile(share));
        println!(
            "delay 50 ± 10 ms by {path}: mean {:.2}, shortest {:.2}, 1 % {:.2}, median {:.2}, 99 % {:.2}, longest {:.2} ms, lost {:.2} %",
            ms(way.mean_delay()),
            quantile(0.0),
            quantile(0.01),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
            way.loss_percent()
        );
        assert_eq!(way.loss_percent(), 0.0);
        is_about(way, 50.0);
        assert!(quantile(0.0) >= 40.0 && quantile(0.99) <= 60.0 + MILLISECONDS, "{} to {}", quantile(0.0), quantile(0.99));
        // Even over the whole range: the middle half of the packets is spread over the middle half of it.
        let spread = quantile(0.75) - quantile(0.25);
        assert!((spread - 10.0).abs() < MILLISECONDS, "{spread}");
    }
    let spared = measure(&ends.near, &ends.other, FEW).await.unwrap();
    is_about(&spared.there, 0.0);
    is_about(&spared.back, 0.0);
    let counters = delay::present(near, "slow").await.unwrap().unwrap();
    println!("{counters:?}");
    assert_eq!((counters.to, counters.from, counters.dropped), (u64::from(SOME.datagrams), u64::from(SOME.datagrams), 0));
    assert!(counters.serves);
    delay::remove(near, "slow").await.unwrap();
    delay::remove(near, "slow").await.unwrap();
    assert_eq!(delay::present(near, "slow").await.unwrap(), None);
    let link = ends.measured(FEW).await;
    is_about(&link.there, 0.0);
    is_about(&link.back, 0.0);
}

async fn one_way_is_one_way(ends: &Ends) {
    for (direction, there, back) in [(Direction::To, 30.0, 0.0), (Direction::From, 0.0, 30.0)] {
        delay::inject(&ends.near.namespace, "oneway", &delay(30, 0, ends.traffic(direction))).await.unwrap();
        let link = ends.measured(FEW).await;
        is_about(&link.there, there);
        is_about(&link.back, back);
        delay::remove(&ends.near.namespace, "oneway").await.unwrap();
    }
}

async fn only_the_ports_asked_for(ends: &Ends) {
    const BUS: u16 = 16379;
    let bus = PeerRule { peer: ends.far.address, direction: Direction::Both }.on(Ports::of_services(&[BUS]));
    delay::inject(&ends.near.namespace, "bus", &delay(30, 0, vec![bus])).await.unwrap();
    for (near, far, expected) in [(0, BUS, 30.0), (BUS, 0, 30.0), (BUS, BUS, 30.0), (0, 0, 0.0)] {
        let (near, far) = (End { port: near, ..ends.near.clone() }, End { port: far, ..ends.far.clone() });
        let link = measure(&near, &far, FEW).await.unwrap();
        is_about(&link.there, expected);
        is_about(&link.back, expected);
    }
    delay::remove(&ends.near.namespace, "bus").await.unwrap();
}

async fn several_at_once(ends: &Ends) {
    let near = &ends.near.namespace;
    delay::inject(near, "one", &delay(30, 5, ends.traffic(Direction::To))).await.unwrap();
    delay::inject(near, "two", &delay(20, 5, ends.traffic(Direction::Both))).await.unwrap();
    loss::inject(near, "three", &Loss { percent: 50.0, traffic: ends.traffic(Direction::To) }).await.unwrap();
    let link = ends.measured(SOME).await;
    println!("30 + 20 ms and 50 % loss: {:.2} ms, {:.2} %", ms(link.there.mean_delay()), link.there.loss_percent());
    is_about(&link.there, 50.0);
    is_about(&link.back, 20.0);
    // 3000 datagrams: a standard deviation of 0.9 points.
    assert!((link.there.loss_percent() - 50.0).abs() < 5.0, "{}", link.there.loss_percent());
    assert_eq!(link.back.loss_percent(), 0.0);
    delay::remove(near, "one").await.unwrap();
    assert!(delay::present(near, "two").await.unwrap().unwrap().serves);
    loss::remove(near, "three").await.unwrap();
    let link = ends.measured(FEW).await;
    is_about(&link.there, 20.0);
    is_about(&link.back, 20.0);
    rules::drop_packets(near, "cut", &[PeerRule { peer: ends.far.address, direction: Direction::From }]).await.unwrap();
    let link = ends.measured(FEW).await;
    is_about(&link.there, 20.0);
    assert_eq!(link.back.received, 0);
    rules::remove(near, "cut").await.unwrap();
    delay::remove(near, "two").await.unwrap();
}

async fn what_waits_is_not_lost_by_the_end(ends: &Ends) {
    let near = &ends.near.namespace;
    delay::inject(near, "long", &delay(5_000, 0, ends.traffic(Direction::To))).await.unwrap();
    let (link, ()) = tokio::join!(ends.measured(FEW), async {
        while delay::present(near, "long").await.unwrap().unwrap().to < 100 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        delay::remove(near, "long").await.unwrap();
    });
    assert_eq!((link.there.loss_percent(), link.back.loss_percent()), (0.0, 0.0));
    assert!(ms(link.there.delay_quantile(1.0)) < 5_000.0, "what waited went on when the delay ended");
    assert!(ms(link.there.delay_quantile(1.0)) > MILLISECONDS, "something did wait");
}

/// Segments of 64 KiB that travel as one are held like any other packet.
async fn a_stream_arrives_whole(ends: &Ends) {
    const BYTES: usize = 2 << 20;
    let near = &ends.near.namespace;
    delay::inject(near, "stream", &delay(5, 2, ends.traffic(Direction::Both))).await.unwrap();
    let (here, there) = (ends.near.namespace.clone(), ends.far.clone());
    let transfer = move || {
        let within = |namespace: &Namespace, make: &(dyn Fn() -> TcpListener + Sync)| {
            std::thread::scope(|scope| scope.spawn(|| namespace.enter().map(|()| make()).unwrap()).join().unwrap())
        };
        let listener = within(&there.namespace, &|| TcpListener::bind((there.address, 0)).unwrap());
        let target = listener.local_addr().unwrap();
        let sent: Vec<u8> = (0..BYTES).map(|index| (index % 251) as u8).collect();
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                here.enter().unwrap();
                TcpStream::connect(target).unwrap().write_all(&sent).unwrap();
            });
            let mut received = Vec::new();
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.read_to_end(&mut received).unwrap();
            sending.join().unwrap();
            assert!(received == sent, "{} bytes arrived", received.len());
        });
    };
    let begun = std::time::Instant::now();
    tokio::task::spawn_blocking(transfer).await.unwrap();
    let counters = delay::present(near, "stream").await.unwrap().unwrap();
    println!("2 MiB over 5 ± 2 ms each way: {:.2?}, {counters:?}", begun.elapsed());
    assert_eq!(counters.dropped, 0);
    delay::remove(near, "stream").await.unwrap();
}

async fn what_is_refused(ends: &Ends) {
    let near = &ends.near.namespace;
    let before = state(near);
    for (mean, jitter) in [(0, 0), (10, 11), (60_000, 1)] {
        let refused = delay::inject(near, "odd", &delay(mean, jitter, ends.traffic(Direction::To))).await;
        assert!(refused.unwrap_err().to_string().contains("is no delay"));
    }
    assert_eq!(state(near), before);
    delay::inject(near, "twice", &delay(10, 0, ends.traffic(Direction::To))).await.unwrap();
    let again = delay::inject(near, "twice", &delay(20, 0, ends.traffic(Direction::To))).await;
    assert!(again.unwrap_err().to_string().contains("a fault of that id is there already"));
    is_about(&ends.measured(FEW).await.there, 10.0);
    delay::remove(near, "twice").await.unwrap();
}

/// Rules somebody made with iptables stay, and so do the chains they are in.
async fn beside_somebody_elses_rules(ends: &Ends) {
    let near = &ends.near.namespace;
    for arguments in [["-N", "foreign"].as_slice(), &["-A", "foreign", "-j", "RETURN"], &["-A", "OUTPUT", "-j", "foreign"]] {
        super::said(near, "iptables", &[&["-t", "mangle"], arguments].concat());
    }
    let before = state(near);
    delay::inject(near, "beside", &delay(10, 0, ends.traffic(Direction::Both))).await.unwrap();
    assert_ne!(state(near), before);
    is_about(&ends.measured(FEW).await.there, 10.0);
    delay::remove(near, "beside").await.unwrap();
    assert_eq!(state(near), before);
}
