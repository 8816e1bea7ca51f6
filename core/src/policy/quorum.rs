//! Who fills which place: one person fills one, and nobody is kept out because somebody else took the place that only they could fill.

use std::collections::BTreeSet;

/// Somebody who agreed, with every role in which they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub name: String,
    pub roles: BTreeSet<String>,
}

/// What of a quorum is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Quorum {
    /// How many people it takes.
    pub required: usize,
    /// How many places are filled.
    pub filled: usize,
    /// The roles that are missing, each as often as it is.
    pub missing_roles: Vec<String>,
}

impl Quorum {
    /// The best assignment of these people to places: `roles`, one each, and as many for anybody as make up `required`. Places of a role come first,
    /// so that what is missing is said as precisely as it can be.
    pub fn of(people: &[Person], roles: &[String], required: usize) -> Self {
        let required = required.max(roles.len());
        let places: Vec<Option<&str>> =
            roles.iter().map(|role| Some(role.as_str())).chain(std::iter::repeat(None)).take(required).collect();
        let mut assignment = Assignment { people, places: &places, place_of: vec![None; people.len()] };
        let filled: Vec<bool> =
            (0..places.len()).map(|place| assignment.fill(place, &mut vec![false; people.len()])).collect();
        let missing = places.iter().zip(&filled).filter(|(_, filled)| !**filled).filter_map(|(place, _)| *place);
        Self {
            required,
            filled: filled.iter().filter(|filled| **filled).count(),
            missing_roles: missing.map(str::to_owned).collect(),
        }
    }

    pub fn is_complete(&self) -> bool {
        self.filled >= self.required
    }
}

/// Kuhn's algorithm: a place that is filled stays filled, perhaps by somebody else.
struct Assignment<'a> {
    people: &'a [Person],
    places: &'a [Option<&'a str>],
    place_of: Vec<Option<usize>>,
}

impl Assignment<'_> {
    fn fill(&mut self, place: usize, asked: &mut [bool]) -> bool {
        for person in 0..self.people.len() {
            let fits = self.places[place].is_none_or(|role| self.people[person].roles.contains(role));
            if !fits || std::mem::replace(&mut asked[person], true) {
                continue;
            }
            let free = match self.place_of[person] {
                None => true,
                Some(other) => self.fill(other, asked),
            };
            if free {
                self.place_of[person] = Some(place);
                return true;
            }
        }
        false
    }
}
