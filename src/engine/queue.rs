//! What waits for the engine: a lane for each client, served in turn, so that one client with a thousand notes holds up no other.

use std::collections::{HashMap, VecDeque};

use uuid::Uuid;

/// Lanes of one priority.
#[derive(Debug)]
pub(super) struct Lanes<T> {
    /// Clients with something waiting, the next one first.
    turns: VecDeque<Uuid>,
    waiting: HashMap<Uuid, VecDeque<T>>,
    count: usize,
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new(), count: 0 }
    }
}

impl<T> Lanes<T> {
    /// How many wait.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// How many of one client wait.
    pub(super) fn count_of(&self, client: Uuid) -> usize {
        self.waiting.get(&client).map_or(0, VecDeque::len)
    }

    pub(super) fn push(&mut self, client: Uuid, work: T) {
        let lane = self.waiting.entry(client).or_default();
        if lane.is_empty() {
            self.turns.push_back(client);
        }
        lane.push_back(work);
        self.count += 1;
    }

    /// The first one of the client whose turn it is.
    pub(super) fn pop(&mut self) -> Option<T> {
        let client = self.turns.pop_front()?;
        let lane = self.waiting.get_mut(&client)?;
        let work = lane.pop_front();
        if lane.is_empty() {
            self.waiting.remove(&client);
        } else {
            self.turns.push_back(client);
        }
        self.count -= usize::from(work.is_some());
        work
    }

    /// Drops what nobody waits for any more.
    pub(super) fn retain(&mut self, is_wanted: impl Fn(&T) -> bool) {
        for lane in self.waiting.values_mut() {
            lane.retain(&is_wanted);
        }
        self.waiting.retain(|_, lane| !lane.is_empty());
        self.turns.retain(|client| self.waiting.contains_key(client));
        self.count = self.waiting.values().map(VecDeque::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(lanes: &mut Lanes<u32>) -> Vec<u32> {
        std::iter::from_fn(|| lanes.pop()).collect()
    }

    #[test]
    fn clients_take_turns_and_keep_their_own_order() {
        let (many, few) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut lanes = Lanes::default();
        (0..4).for_each(|number| lanes.push(many, number));
        (10..12).for_each(|number| lanes.push(few, number));
        assert_eq!((lanes.count(), lanes.count_of(many), lanes.count_of(few)), (6, 4, 2));
        assert_eq!(drained(&mut lanes), [0, 10, 1, 11, 2, 3]);
        assert_eq!((lanes.count(), lanes.count_of(many)), (0, 0));
        lanes.push(few, 12);
        assert_eq!(drained(&mut lanes), [12], "who had nothing left gets a turn again");
    }

    #[test]
    fn what_nobody_waits_for_is_dropped() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut lanes = Lanes::default();
        for number in 0..6 {
            lanes.push(if number < 3 { one } else { other }, number);
        }
        lanes.retain(|number| *number >= 3 && number % 2 == 1);
        assert_eq!((lanes.count(), lanes.count_of(one)), (2, 0));
        assert_eq!(drained(&mut lanes), [3, 5]);
    }
}
