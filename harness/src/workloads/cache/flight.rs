//! Sharing one query among all who want the same item at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What a query came to: an answer, perhaps none; the outer `None` while it is under way.
type Landing = Option<Option<i64>>;

/// Queries under way, by item.
#[derive(Default)]
pub struct Flights(Mutex<HashMap<u32, watch::Receiver<Landing>>>);

/// What one who wants an item does.
pub enum Seat<'a> {
    /// Asks, and tells the others.
    Pilot(Pilot<'a>),
    /// Waits for who asks.
    Passenger(watch::Receiver<Landing>),
}

/// The one who asks. However it ends, the others stop waiting.
pub struct Pilot<'a> {
    flights: &'a Flights,
    key: u32,
    tell: watch::Sender<Landing>,
}

impl Flights {
    /// Joins the query for an item, or begins one.
    pub fn board(&self, key: u32) -> Seat<'_> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match under_way.entry(key) {
            Entry::Occupied(entry) => Seat::Passenger(entry.get().clone()),
            Entry::Vacant(entry) => {
                let (tell, told) = watch::channel(None);
                entry.insert(told);
                Seat::Pilot(Pilot { flights: self, key, tell })
            }
        }
    }
}

impl Pilot<'_> {
    /// Tells the others.
    pub fn land(self, answer: Option<i64>) {
        self.tell.send_replace(Some(answer));
    }
}

impl Drop for Pilot<'_> {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Waits for the answer of who asks; `None` when there was none.
pub async fn arrival(mut told: watch::Receiver<Landing>) -> Option<i64> {
    told.wait_for(Option::is_some).await.ok().and_then(|landing| landing.flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn passengers_get_the_pilots_answer_and_nothing_when_it_is_lost() {
        let flights = Flights::default();
        let Seat::Pilot(pilot) = flights.board(1) else { panic!("the first asks") };
        let Seat::Passenger(passenger) = flights.board(1) else { panic!("the second waits") };
        assert!(matches!(flights.board(2), Seat::Pilot(_)), "another item is another query");
        pilot.land(Some(7));
        assert_eq!(arrival(passenger).await, Some(7));
        let Seat::Pilot(pilot) = flights.board(1) else { panic!("a query that ended is not joined") };
        let Seat::Passenger(passenger) = flights.board(1) else { panic!("the second waits") };
        drop(pilot);
        assert_eq!(arrival(passenger).await, None);
    }
}
