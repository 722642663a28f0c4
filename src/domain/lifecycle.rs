//! Where an encounter stands in the queue and what may happen to it: one state machine, without a clock and without storage.
//!
//! A store reads the [`Place`] of an item (a claim or a hold that ran out is read as open), asks [`Place::after`] and writes what it says. Whether the
//! role of a user allows an act is for `auth`; what the machine needs of it is whether they lead.

use uuid::Uuid;

use super::ItemState;

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its state.
    pub state: ItemState,
    /// Who holds it; some in the state claimed, and only there.
    pub holder: Option<Uuid>,
    /// Who is to work on it: nobody else takes it, but a lead.
    pub assignee: Option<Uuid>,
    /// Whether a coder passed it up: only leads take it.
    pub escalated: bool,
}

/// What happens to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// A user takes it, or goes on holding it.
    Claim,
    /// Its holder gives it back.
    Release,
    /// Its holder decides on entries.
    Decide,
    /// Its holder lays it aside until something comes or a time passes.
    Pend,
    /// Its holder passes it up to the leads.
    Escalate,
    /// Its holder is done with it.
    Finish {
        /// How many of its notes are not read yet.
        pending_notes: u32,
    },
    /// A lead says who is to work on it; none = whoever takes it.
    Assign(Option<Uuid>),
    /// A lead puts it back into the queue, from wherever it is.
    Reopen,
    /// A note that counts came, or one that counted changed.
    NoteChanged,
    /// None of its notes counts any more.
    NotesGone,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct By {
    /// The user; nil for the service itself.
    pub user: Uuid,
    /// Whether they lead.
    pub leads: bool,
    /// Whether they belong to the team that works on the item; true where that is no team's.
    pub in_team: bool,
}

/// Why an act is not possible where the item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It is finished: a lead has to reopen it first.
    Finished,
    /// Another user holds it.
    HeldByAnother,
    /// The user does not hold it.
    NotHeld,
    /// It is assigned to another user.
    AssignedToAnother,
    /// It was passed up to the leads.
    ForLeads,
    /// It is a team's, and they do not belong to it.
    ForTeam,
    /// Notes are not read yet.
    NotesPending,
}

impl Place {
    /// A new item's place.
    pub const NEW: Self = Self { state: ItemState::Open, holder: None, assignee: None, escalated: false };

    const fn at(self, state: ItemState, holder: Option<Uuid>) -> Self {
        Self { state, holder, ..self }
    }

    /// The place after an act of somebody.
    ///
    /// # Errors
    /// The [`Refusal`]; the item stays where it is then.
    pub fn after(self, act: Act, by: By) -> Result<Self, Refusal> {
        use ItemState::{Claimed, Finished, Open};
        match act {
            Act::Claim => self.taken(by),
            Act::Release => self.held(by).map(|()| self.at(Open, None)),
            Act::Decide => self.held(by).map(|()| self),
            Act::Pend => self.held(by).map(|()| self.at(ItemState::Pended, None)),
            Act::Escalate => self.held(by).map(|()| Self { assignee: None, escalated: true, ..self.at(Open, None) }),
            Act::Finish { pending_notes } => match self.held(by) {
                Ok(()) if pending_notes > 0 => Err(Refusal::NotesPending),
                held => held.map(|()| Self { assignee: None, escalated: false, ..self.at(Finished, None) }),
            },
            Act::Assign(_) if self.state == Finished => Err(Refusal::Finished),
            Act::Assign(assignee) => {
                // what somebody else holds is taken from them
                let stays = self.state != Claimed || assignee.is_none() || self.holder == assignee;
                let place = if stays { self } else { self.at(Open, None) };
                Ok(Self { assignee, escalated: self.escalated && assignee.is_none(), ..place })
            }
            Act::Reopen if self.state == Open => Ok(self),
            Act::Reopen => Ok(self.at(Open, None)),
            // what a pended item waits for may have come
            Act::NoteChanged if self.state == Claimed => Ok(self),
            Act::NoteChanged => Ok(self.at(Open, None)),
            Act::NotesGone => Ok(Self { state: Finished, ..Self::NEW }),
        }
    }

    fn taken(self, by: By) -> Result<Self, Refusal> {
        match self.state {
            ItemState::Finished => Err(Refusal::Finished),
            ItemState::Claimed if self.holder == Some(by.user) => Ok(self),
            ItemState::Claimed => Err(Refusal::HeldByAnother),
            ItemState::Open | ItemState::Pended if by.leads => Ok(self.at(ItemState::Claimed, Some(by.user))),
            ItemState::Open | ItemState::Pended if self.escalated => Err(Refusal::ForLeads),
            ItemState::Open | ItemState::Pended if self.assignee.is_some_and(|assignee| assignee != by.user) => {
                Err(Refusal::AssignedToAnother)
            }
            // who was named takes it, whatever their team
            ItemState::Open | ItemState::Pended if self.assignee.is_none() && !by.in_team => Err(Refusal::ForTeam),
            ItemState::Open | ItemState::Pended => Ok(self.at(ItemState::Claimed, Some(by.user))),
        }
    }

    /// Whether the user holds it; else why an act that needs the claim is refused.
    fn held(self, by: By) -> Result<(), Refusal> {
        match self.state {
            ItemState::Finished => Err(Refusal::Finished),
            ItemState::Claimed if self.holder == Some(by.user) => Ok(()),
            ItemState::Claimed => Err(Refusal::HeldByAnother),
            ItemState::Open | ItemState::Pended => Err(Refusal::NotHeld),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashSet, VecDeque};

    use super::*;

    const CODER: By = By { user: Uuid::from_u128(1), leads: false, in_team: true };
    const OTHER: By = By { user: Uuid::from_u128(2), leads: false, in_team: true };
    const LEAD: By = By { user: Uuid::from_u128(3), leads: true, in_team: true };

    fn acts() -> Vec<Act> {
        let mut acts = vec![
            Act::Claim,
            Act::Release,
            Act::Decide,
            Act::Pend,
            Act::Escalate,
            Act::Finish { pending_notes: 0 },
            Act::Finish { pending_notes: 1 },
            Act::Assign(None),
            Act::Reopen,
            Act::NoteChanged,
            Act::NotesGone,
        ];
        acts.extend([CODER, OTHER, LEAD].map(|by| Act::Assign(Some(by.user))));
        acts
    }

    /// Every place that can be reached.
    fn places() -> HashSet<Place> {
        let mut found = HashSet::from([Place::NEW]);
        let mut waiting = VecDeque::from([Place::NEW]);
        while let Some(place) = waiting.pop_front() {
            for act in acts() {
                for by in [CODER, OTHER, LEAD] {
                    if let Ok(next) = place.after(act, by)
                        && found.insert(next)
                    {
                        waiting.push_back(next);
                    }
                }
            }
        }
        found
    }

    /// One letter a state: what an act of a user leads to from each of the situations below, or why it is refused.
    fn letter(outcome: Result<Place, Refusal>) -> char {
        match outcome {
            Ok(place) => match place.state {
                ItemState::Open => 'o',
                ItemState::Claimed => 'c',
                ItemState::Pended => 'p',
                ItemState::Finished => 'f',
            },
            Err(Refusal::Finished) => 'F',
            Err(Refusal::HeldByAnother) => 'H',
            Err(Refusal::NotHeld) => 'N',
            Err(Refusal::AssignedToAnother) => 'A',
            Err(Refusal::ForLeads) => 'L',
            Err(Refusal::ForTeam) => 'T',
            Err(Refusal::NotesPending) => 'P',
        }
    }

    #[test]
    fn the_table() {
        let mine = Place { state: ItemState::Claimed, holder: Some(CODER.user), ..Place::NEW };
        let situations = [
            Place::NEW,                                         // open
            mine,                                               // held by the user
            Place { holder: Some(OTHER.user), ..mine },         // held by another
            Place { state: ItemState::Pended, ..Place::NEW },   // pended
            Place { state: ItemState::Finished, ..Place::NEW }, // finished
            Place { assignee: Some(CODER.user), ..Place::NEW }, // assigned to the user
            Place { assignee: Some(OTHER.user), ..Place::NEW }, // assigned to another
            Place { escalated: true, ..Place::NEW },            // passed up
        ];
        for (act, coder, lead_in_their_place) in [
            (Act::Claim, "ccHcFcAL", "ccHcFccc"),
            (Act::Release, "NoHNFNNN", "NoHNFNNN"),
            (Act::Decide, "NcHNFNNN", "NcHNFNNN"),
            (Act::Pend, "NpHNFNNN", "NpHNFNNN"),
            (Act::Escalate, "NoHNFNNN", "NoHNFNNN"),
            (Act::Finish { pending_notes: 0 }, "NfHNFNNN", "NfHNFNNN"),
            (Act::Finish { pending_notes: 2 }, "NPHNFNNN", "NPHNFNNN"),
            (Act::Assign(Some(OTHER.user)), "oocpFooo", "oocpFooo"),
            (Act::Assign(None), "occpFooo", "occpFooo"),
            (Act::Reopen, "oooooooo", "oooooooo"),
            (Act::NoteChanged, "occooooo", "occooooo"),
            (Act::NotesGone, "ffffffff", "ffffffff"),
        ] {
            for (by, row) in [(CODER, coder), (By { leads: true, ..CODER }, lead_in_their_place)] {
                let found: String = situations.iter().map(|place| letter(place.after(act, by))).collect();
                assert_eq!(found, row, "{act:?}, leads: {}", by.leads);
            }
        }
    }

    #[test]
    fn a_team_takes_its_own() {
        let stranger = By { in_team: false, ..CODER };
        for state in [ItemState::Open, ItemState::Pended] {
            let place = Place { state, ..Place::NEW };
            assert_eq!(place.after(Act::Claim, stranger), Err(Refusal::ForTeam));
            assert!(place.after(Act::Claim, By { leads: true, ..stranger }).is_ok(), "a lead does");
            let named = Place { assignee: Some(stranger.user), ..place };
            assert!(named.after(Act::Claim, stranger).is_ok(), "who was named does");
        }
        let held = Place { state: ItemState::Claimed, holder: Some(stranger.user), ..Place::NEW };
        for act in [Act::Claim, Act::Decide, Act::Finish { pending_notes: 0 }] {
            assert!(held.after(act, stranger).is_ok(), "who holds it goes on");
        }
    }

    #[test]
    fn every_reachable_place_is_sound() {
        let places = places();
        assert!(places.len() >= 20, "{}", places.len());
        for place in &places {
            assert_eq!(place.holder.is_some(), place.state == ItemState::Claimed, "{place:?}");
            assert!(!(place.escalated && place.assignee.is_some()), "{place:?}");
            assert!(place.state != ItemState::Finished || *place == Place { state: ItemState::Finished, ..Place::NEW });
            // nothing is lost: from everywhere a lead brings it to its end
            let back = place.after(Act::Reopen, LEAD).expect("reopened");
            let held = back.after(Act::Claim, LEAD).expect("taken");
            assert_eq!(held.after(Act::Finish { pending_notes: 0 }, LEAD).map(letter_of), Ok('f'));
        }
        for state in [ItemState::Open, ItemState::Claimed, ItemState::Pended, ItemState::Finished] {
            assert!(places.iter().any(|place| place.state == state), "{state:?} is never reached");
        }
    }

    fn letter_of(place: Place) -> char {
        letter(Ok(place))
    }

    #[test]
    fn nobody_changes_what_another_holds_but_a_lead_by_name() {
        for place in places() {
            for act in acts() {
                let needs_claim =
                    matches!(act, Act::Release | Act::Decide | Act::Pend | Act::Escalate | Act::Finish { .. } | Act::Claim);
                if needs_claim && place.holder == Some(OTHER.user) {
                    assert_eq!(place.after(act, CODER), Err(Refusal::HeldByAnother), "{place:?} {act:?}");
                    assert_eq!(place.after(act, LEAD), Err(Refusal::HeldByAnother), "{place:?} {act:?}");
                }
            }
        }
    }

    #[test]
    fn an_assignment_says_who_works_on_it() {
        let passed_up = Place { state: ItemState::Claimed, holder: Some(CODER.user), ..Place::NEW }
            .after(Act::Escalate, CODER)
            .expect("passed up");
        assert_eq!(passed_up.after(Act::Claim, CODER), Err(Refusal::ForLeads));
        let given = passed_up.after(Act::Assign(Some(OTHER.user)), LEAD).expect("assigned");
        assert!(!given.escalated, "who gets it from a lead works on it");
        assert_eq!(given.after(Act::Claim, CODER), Err(Refusal::AssignedToAnother));
        let held = given.after(Act::Claim, OTHER).expect("taken");
        assert_eq!(held.after(Act::Assign(Some(OTHER.user)), LEAD).map(|place| place.holder), Ok(Some(OTHER.user)));
        assert_eq!(held.after(Act::Assign(Some(CODER.user)), LEAD).map(|place| place.holder), Ok(None), "taken from them");
        assert_eq!(held.after(Act::Assign(None), LEAD).map(|place| place.holder), Ok(Some(OTHER.user)));
    }
}
