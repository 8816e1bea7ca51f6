//! The assignment of people to places, against trying them all.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::policy::quorum::{Person, Quorum};

/// The most places that can be filled, by trying everything.
fn most(people: &[Person], places: &[Option<String>]) -> usize {
    let Some((place, rest)) = places.split_first() else { return 0 };
    let fits = |person: &Person| place.as_ref().is_none_or(|role| person.roles.contains(role));
    let with = people.iter().enumerate().filter(|(_, person)| fits(person)).map(|(index, _)| {
        let others = [&people[..index], &people[index + 1..]].concat();
        1 + most(&others, rest)
    });
    with.chain([most(people, rest)]).max().unwrap_or(0)
}

fn any_person() -> impl Strategy<Value = Person> {
    prop::collection::btree_set("[ab]", 0..3).prop_map(|roles| Person { name: String::new(), roles })
}

proptest! {
    #[test]
    fn nothing_fills_more_places(
        people in prop::collection::vec(any_person(), 0..5),
        roles in prop::collection::vec("[abc]", 0..4),
        more in 0_usize..3,
    ) {
        let required = roles.len() + more;
        let places: Vec<Option<String>> = roles.iter().cloned().map(Some).chain(vec![None; more]).collect();
        let quorum = Quorum::of(&people, &roles, required);
        prop_assert_eq!(quorum.filled, most(&people, &places));
        prop_assert_eq!(quorum.is_complete(), quorum.filled == required);
        let only_roles: Vec<Option<String>> = roles.iter().cloned().map(Some).collect();
        prop_assert_eq!(quorum.missing_roles.len(), roles.len() - most(&people, &only_roles), "roles are filled first");
    }
}

#[test]
fn somebody_makes_room_for_whom_only_that_place_fits() {
    let person = |roles: &[&str]| Person {
        name: String::new(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect::<BTreeSet<_>>(),
    };
    let people = [person(&["a", "b"]), person(&["a"])];
    assert!(Quorum::of(&people, &["a".to_owned(), "b".to_owned()], 2).is_complete());
    assert!(!Quorum::of(&people[..1], &["a".to_owned(), "b".to_owned()], 2).is_complete());
}
